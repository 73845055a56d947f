"""Make a template of what somebody wrote: checked, compiled, and within its limits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from jinja2 import Template as Compiled
from jinja2 import TemplateSyntaxError

from heyday.domain.errors import TextFailed
from heyday.texts.environment import sandbox
from heyday.texts.grammar import Fault, Reader, Reading
from heyday.texts.markup import unsafe_places
from heyday.texts.vocabulary import places_of
from heyday.texts.writing import forbidden_in, is_one_line, line_of_forbidden, shown

LARGEST = 64 * 1024
"""Bytes of UTF-8 that a text may have, as it is written and as it is rendered."""

GROWN = f"a text grew larger than {LARGEST} bytes; shorten it"

MOST_TAGS = 300
"""Places, conditions and comments that a text may have."""

MOST_TOKENS = 3000
"""Words, signs and blanks that may stand in them, all together."""

LONGEST_TOKEN = 1000
"""Characters that one of those may have, such as a text in quotes."""

_LONGEST_LISTED = 5
_UNREAD = frozenset({"data", "comment"})
_TOO_DEEP = "found something within something else too many times"


class Unknown:
    """Stand for years that are not known: nothing compares with them, and no text shows them."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    def __lt__(self, other: object) -> bool:
        return False

    __le__ = __gt__ = __ge__ = __lt__


class Malformed(Exception):
    """Report what is wrong with a template, each with its line."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults[:_LONGEST_LISTED]
        super().__init__("; ".join(f"line {f.line}: {f.detail}" for f in self.faults))


@dataclass(frozen=True, slots=True)
class Template:
    """Hold one part of a text, ready to be rendered.

    reading: what it depends on, and so what `render` must be given beyond the rest.
    """

    reading: Reading
    _compiled: Compiled = field(repr=False)

    def render(self, values: Mapping[str, object]) -> str:
        """Return the text for these values of places. Raises TextFailed if it grows too large."""
        rendered = self._compiled.render(values)
        if size_of(rendered) > LARGEST:
            raise TextFailed(GROWN)
        return rendered


def make_template(source: str, message_type: str, language: str, part: str = "text") -> Template:
    """Return a template of a source. Raises Malformed.

    Whatever the source is, it is refused or made within a tenth of a second.
    part: subject, text or html.
    """
    source = source.replace("\r\n", "\n").removesuffix("\n")
    is_html = part == "html"
    _refuse_writing(source, message_type, is_subject=part == "subject")
    environment = sandbox(language, is_html=is_html)
    try:
        _refuse_length(environment.lex(source))
        tree = environment.parse(source)
        reading = Reader(message_type, language).read(tree)
        faults = (*reading.faults, *(unsafe_places(source) if is_html else ()))
        if faults:
            raise Malformed(faults)
        code = environment.compile(tree)
    except TemplateSyntaxError as error:
        said = shown(str(error.message))
        raise Malformed((Fault(error.lineno, f"found what cannot be read: {said}"),)) from None
    except (RecursionError, MemoryError, SyntaxError):
        raise Malformed((Fault(1, _TOO_DEEP),)) from None
    return Template(reading, Compiled.from_code(environment, code, environment.globals))


def _refuse_length(tokens: Iterable[tuple[int, str, str]]) -> None:
    """Raise Malformed for more than a greeting needs, before it is taken apart."""
    count = 0
    for line, kind, value in tokens:
        if kind in _UNREAD:
            continue
        count += 1
        if count > MOST_TOKENS:
            raise Malformed((Fault(line, f"found more than {MOST_TOKENS} words in places"),))
        if len(value) > LONGEST_TOKEN:
            detail = f"found {len(value)} characters in one piece; at most {LONGEST_TOKEN}"
            raise Malformed((Fault(line, detail),))


def size_of(text: str) -> int:
    """Return how many bytes a text has in UTF-8, also one that has none there."""
    return len(text.encode("utf-8", "replace"))


def _refuse_writing(source: str, message_type: str, *, is_subject: bool) -> None:
    """Raise Malformed for what is seen before a source is parsed."""
    if (size := size_of(source)) > LARGEST:
        raise Malformed((Fault(1, f"found {size} bytes; at most {LARGEST} are allowed"),))
    if found := forbidden_in(source):
        detail = f"found the character {found}, which no text may hold"
        raise Malformed((Fault(line_of_forbidden(source), detail),))
    if is_subject and not is_one_line(source):
        raise Malformed((Fault(2, "found a second line; a subject has one"),))
    tags = sum(source.count(opening) for opening in ("{{", "{%", "{#"))
    if tags > MOST_TAGS:
        raise Malformed((Fault(1, f"found {tags} times {{{{ or {{%; at most {MOST_TAGS}"),))
    _refuse_single_braces(source, message_type)


def _refuse_single_braces(source: str, message_type: str) -> None:
    """Raise Malformed for {first_name}, as which a place is easily written."""
    written = [place for place in places_of(message_type) if f"{{{place}}}" in source]
    for number, line in enumerate(source.split("\n") if written else (), 1):
        for place in written:
            before, found, after = line.partition(f"{{{place}}}")
            if found and not before.endswith("{") and not after.startswith("}"):
                detail = f"found {{{place}}} in single braces; write {{{{ {place} }}}}"
                raise Malformed((Fault(number, detail),))
