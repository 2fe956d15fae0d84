"""The facade: one object for a model folder."""

from pathlib import Path
from typing import Any


def load(folder: str | Path) -> Any:
    """Open a model folder."""
    raise NotImplementedError
