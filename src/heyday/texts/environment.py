"""Set up Jinja for texts: a sandbox that knows nothing but our own filters and functions."""

import re
from collections.abc import Callable
from functools import cache, partial
from typing import NoReturn

from jinja2 import StrictUndefined
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from heyday.texts.counting import ordinal, plural

# Their i has a capital of its own.
_DOTTED = frozenset({"tr", "az"})
_DOTLESS = "\N{LATIN SMALL LETTER DOTLESS I}"
_WORD = re.compile(r"[^\s-]+")


class Sandbox(ImmutableSandboxedEnvironment):
    """Refuse to look into values and to call any, but for our own functions.

    No text that is taken asks for it (heyday.texts.grammar); this is for one that slipped through.
    """

    def getattr(self, obj: object, attribute: str) -> NoReturn:
        """Refuse to look into a value."""
        raise SecurityError(f"no text may ask for .{attribute} of a {type(obj).__name__}")

    def getitem(self, obj: object, argument: object) -> NoReturn:
        """Refuse to look into a value."""
        raise SecurityError(f"no text may ask for {argument!r} of a {type(obj).__name__}")

    def is_safe_callable(self, obj: object) -> bool:
        """Tell whether a value is one of our functions."""
        return any(obj is known for known in self.globals.values())


@cache
def sandbox(language: str, *, is_html: bool) -> Sandbox:
    """Return the environment for texts in a language; in HTML, all that is filled in is escaped."""
    made = Sandbox(
        autoescape=is_html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        cache_size=0,
    )
    made.filters = _filters(language)
    made.tests = {}
    made.globals = {
        "plural": lambda years, **forms: plural(language, years, forms),
        "ordinal": lambda years, **forms: ordinal(language, years, forms),
    }
    return made


def _filters(language: str) -> dict[str, Callable[[str], str]]:
    up, low = partial(_upper, language), partial(_lower, language)
    return {
        "upper": up,
        "lower": low,
        "capitalize": lambda text: _WORD.sub(lambda m: up(m[0][:1]) + low(m[0][1:]), text),
        "initial": lambda text: text[:1],
        "trim": str.strip,
    }


def _upper(language: str, text: str) -> str:
    return (text.replace("i", "İ") if _is_dotted(language) else text).upper()


def _lower(language: str, text: str) -> str:
    dotted = text.replace("I", _DOTLESS).replace("İ", "i") if _is_dotted(language) else text
    return dotted.lower()


def _is_dotted(language: str) -> bool:
    return language.partition("-")[0] in _DOTTED
