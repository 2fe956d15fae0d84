"""What is added to the linear layers of a model that otherwise stays as it is."""

from typing import Literal

from pydantic import Field

from zhixing.core.config import Config


class AdapterConfig(Config):
    """A product of two narrow matrices beside each chosen linear layer; only these, and a new head, learn."""

    kind: Literal["lora", "dora"] = "lora"
    """lora: the product is added to the weight; dora: the length of each row of the sum is learnt apart."""
    rank: int = Field(default=8, ge=1)
    """Numbers between the two matrices."""
    alpha: float = Field(default=16.0, gt=0.0)
    """The product is multiplied by alpha / rank."""
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Share of the inputs of the product set to zero while training."""
    targets: tuple[str, ...] = Field(default=("attention.qkv",), min_length=1)
    """The linear layers, by their names in a block: attention.qkv, attention.out, feed_forward.up and so on."""
