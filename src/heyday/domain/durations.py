"""Read durations as people write them: a number and a unit."""

import re
from datetime import timedelta

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=366)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """Return what 90s, 48h or 2d stands for. Raises ValueError for nothing, or over 366 days."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("expected a number and a unit: ms, s, m, h or d, such as 90s or 48h")
    seconds = float(match.group(1)) * _UNITS[match.group(2)]
    if not 0 < seconds <= _LONGEST.total_seconds():
        raise ValueError(f"expected more than nothing, and at most {_LONGEST.days}d")
    return timedelta(seconds=seconds)
