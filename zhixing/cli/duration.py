"""Durations as people type them: 90s, 4m, 1.5h."""

import re

from zhixing.core.errors import UsageError

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def parse(text: str) -> float:
    """Seconds in `text`; UsageError shows what is allowed."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh])\s*", text)
    if not found or float(found[1]) == 0:
        raise UsageError(f"{text!r} is not a duration; write 90s, 4m or 1.5h")
    return float(found[1]) * SECONDS[found[2]]
