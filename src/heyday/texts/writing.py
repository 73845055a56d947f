"""Say which characters a text may hold, and show what somebody wrote in a message."""

import re

_SHOWN = 40
# Controls break letters, halves of surrogate pairs have no UTF-8, and non-characters are ours:
# they mark places while a text is composed.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufdd0-\ufdef]")


def forbidden_in(text: str) -> str | None:
    """Return the first character that no text may hold, as U+0000; None if there is none."""
    match = _FORBIDDEN.search(text)
    return f"U+{ord(match[0]):04X}" if match else None


def line_of_forbidden(text: str) -> int:
    """Return the line of the first such character."""
    match = _FORBIDDEN.search(text)
    return text.count("\n", 0, match.start()) + 1 if match else 1


def shown(text: str) -> str:
    """Return what somebody wrote as a message may repeat it: short, and of visible characters."""
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}…"


def is_one_line(text: str) -> bool:
    """Tell whether a text has no line break of any kind."""
    return len(text.splitlines()) <= 1 and not text.endswith("\n")
