"""Set up Jinja for texts: a sandbox that knows nothing but our own filters and functions."""

import re
from collections.abc import Callable
from functools import cache, partial
from typing import NoReturn

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from heyday.texts.counting import ordinal, plural

# Their i has a capital of its own.
_DOTTED = frozenset({"tr", "az"})
_DOTLESS = "\N{LATIN SMALL LETTER DOTLESS I}"
_WORD = re.compile(r"[^\s-]+")


class Sandbox(ImmutableSandboxedEnvironment):
    """Refuse attributes and items of values altogether, which no text may ask for."""

    def getattr(self, obj: object, attribute: str) -> NoReturn:
        """Refuse to look into a value."""
        raise self.undefined(obj=obj, name=attribute)._undefined_exception  # noqa: SLF001

    def getitem(self, obj: object, argument: object) -> NoReturn:
        """Refuse to look into a value."""
        raise self.undefined(obj=obj, name=str(argument))._undefined_exception  # noqa: SLF001


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
