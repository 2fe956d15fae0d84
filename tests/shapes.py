"""The type checker that the import hook of conftest.py applies to every function of the tensor floors."""

from typing import Any

import beartype
from beartype.door import is_bearable
from beartype.roar import BeartypeException


def checked(function: Any) -> Any:
    """Beartype, leaving out the annotations that it cannot check.

    Those are `Self`, which it understands only on whole classes while the hook decorates methods one by
    one, and protocols that are not runtime-checkable. Every tensor beside them is still checked.
    """
    hints = getattr(function, "__annotations__", {})
    function.__annotations__ = {name: hint for name, hint in hints.items() if _is_checkable(hint)}
    return beartype.beartype(function)


def _is_checkable(hint: Any) -> bool:
    try:
        is_bearable(None, hint)
    except BeartypeException:
        return False
    return True
