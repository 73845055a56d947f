"""Put a text that comes with Heyday into HTML: the same words in a nicer dress."""

import re
from functools import cache
from html import escape
from pathlib import Path

from heyday.texts.languages import is_right_to_left

_FRAME = Path(__file__).parent / "ready" / "frame.html"
_FIRST = '<p style="margin:0 0 16px;font-size:26px;line-height:1.35">{}</p>'
_OTHER = '<p style="margin:0 0 12px">{}</p>'

_TAG = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})")
_NAMES = re.compile(r"\{\{ (?:first_name \}\} \{\{ last|first|last|full)_name \}\}")
# In plain text these keep a name of another direction to itself; in HTML <bdi> does.
_ISOLATES = str.maketrans("", "", "\N{FIRST STRONG ISOLATE}\N{POP DIRECTIONAL ISOLATE}")


def make_html(language: str, subject: str, text: str, footer: str) -> str:
    """Return the source of the HTML: each line of a text is a paragraph, but for conditions.

    footer: what the link to unsubscribe is called.
    """
    values = {
        "language": language,
        "direction": "rtl" if is_right_to_left(language) else "ltr",
        "subject": _escaped(subject),
        "greeting": _paragraphs(text),
        "unsubscribe": escape(footer),
    }
    return re.sub(r"\[(\w+)\]", lambda match: values[match[1]], _frame())


@cache
def _frame() -> str:
    return _FRAME.read_text("utf-8")


def _paragraphs(text: str) -> str:
    lines, frame = [], _FIRST
    for line in text.splitlines():
        if _TAG.fullmatch(line) and line.startswith("{%"):
            lines.append(line)
        elif line:
            lines.append(frame.format(_NAMES.sub(r"<bdi>\g<0></bdi>", _escaped(line))))
            frame = _OTHER
    return "\n".join(lines)


def _escaped(line: str) -> str:
    """Return a line with all that is not a tag of Jinja escaped."""
    parts = _TAG.split(line.translate(_ISOLATES))
    return "".join(p if n % 2 else escape(p, quote=False) for n, p in enumerate(parts))
