"""See that no place in HTML stands where escaping what is filled in is not enough."""

import re
from collections.abc import Iterator

from heyday.texts.grammar import Fault

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_PLACE = "\ufdd1"
# What counts of HTML: comments; the inside of a tag, of quotes there; scripts, styles.
_CUT = re.compile(r"<!--|-->|</?[a-zA-Z][^\s/>]*|[\"'>]|" + _PLACE)
_RAW = frozenset({"<script", "<style", "<iframe", "<object", "<embed", "<template", "<noscript"})


def unsafe_places(source: str) -> Iterator[Fault]:
    """Yield a fault for each place in a script, a style, a comment, or a tag outside of quotes.

    A name that is filled in there could change what the page does, however it is escaped.
    """
    plain = _TAG.sub(_cover, source)
    inside = ""
    for match in _CUT.finditer(plain):
        found = match[0]
        if found == _PLACE:
            if inside not in {"", '"', "'"}:
                line = plain.count("\n", 0, match.start()) + 1
                yield Fault(line, "found a place within a tag, outside of quotes")
        elif found.lower() in _RAW:
            line = plain.count("\n", 0, match.start()) + 1
            yield Fault(line, f"found {found.lower()}>, which no letter may have")
            inside = "<"
        else:
            inside = _after(inside, found)


def _cover(match: re.Match[str]) -> str:
    """Return what stands for a tag of Jinja: a place or nothing, and as many lines."""
    return (_PLACE if match[0].startswith("{{") else "") + "\n" * match[0].count("\n")


def _after(inside: str, found: str) -> str:
    """Return where one is after a cut: "" in the text, < in a tag, a quote in quotes, <!--."""
    if inside == "<!--":
        return "" if found == "-->" else inside
    if inside in {'"', "'"}:
        return "<" if found == inside else inside
    if inside == "<":
        return {">": "", "-->": "", '"': '"', "'": "'"}.get(found, inside)
    if found == "<!--":
        return found
    return "<" if found.startswith("<") else inside
