"""What a user may choose about rows of tokens."""

from pydantic import Field

from zhixing.core.config import Config


class DataConfig(Config):
    """How documents become rows."""

    time: int = Field(default=256, ge=2, le=2**20)
    """Tokens per row. A document longer than this is cut into several pieces."""
    validate_tokens: int | None = Field(default=65_536, ge=1)
    """Follow training on about this many validation tokens, the same ones each time. Not set: on all."""
