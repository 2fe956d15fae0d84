"""Zhixing (知行): from your own text to a language model you understand and can trust to serve.

`zhixing.load(folder)` opens a model folder. Importing this package is fast: torch loads on first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zhixing.api import load

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    """Import the facade when it is first asked for (PEP 562)."""
    if name == "load":
        from zhixing.api import load

        return load
    raise AttributeError(f"module 'zhixing' has no attribute {name!r}")
