"""Count in a language: plural forms and ordinals, by the rules of CLDR."""

from collections.abc import Callable, Mapping
from functools import lru_cache

from heyday.texts.languages import locale_of

MOST_YEARS = 150
"""Up to here a text must have all forms that its language counts with."""

NUMBER = "#"
"""Stands for the number in a form."""

_LAST = "other"
_ORDER = ("zero", "one", "two", "few", "many", _LAST)

# Where the gender of what is counted matters it is that of the word for birthday or anniversary.
# Source: CLDR, rbnf, digits-ordinal; the choice between the forms is ordinal_form's.
_ORDINALS: Mapping[str, Mapping[str, str]] = {
    "ar": {"other": "#."},
    "de": {"other": "#."},
    "en": {"one": "#st", "two": "#nd", "few": "#rd", "other": "#th"},
    "es": {"one": "#.er", "other": "#.º"},
    "fr": {"one": "#er", "other": "#e"},
    "hi": {"one": "#ला", "two": "#रा", "few": "#था", "many": "#ठा", "other": "#वाँ"},
    "id": {"other": "ke-#"},
    "it": {"other": "#º"},
    "ja": {"other": "第#"},
    "ko": {"other": "#번째"},
    "nl": {"other": "#e"},
    "pl": {"other": "#."},
    "pt": {"other": "#º"},
    "tr": {"other": "#."},
    "zh": {"other": "第#"},
}


def plural(language: str, years: int, forms: Mapping[str, str]) -> str:
    """Return the form that a language counts so many years with."""
    return _filled(forms, _rule(language, "plural_form")(years), years)


def ordinal(language: str, years: int, forms: Mapping[str, str]) -> str:
    """Return the form that stands for the so-manieth; without forms of its own, the usual one."""
    category = _rule(language, "ordinal_form")(years)
    return _filled(forms or own_ordinals(language), category, years)


def own_ordinals(language: str) -> Mapping[str, str]:
    """Return the usual forms for ordinals of a language; none where it is not known."""
    return _ORDINALS.get(language.partition("-")[0], {})


def needed_forms(function: str, language: str) -> tuple[str, ...]:
    """Return the categories that plural or ordinal needs a form for, in CLDR's order."""
    return tuple(name for name in _ORDER if name in _met(f"{function}_form", language))


def known_forms(function: str, language: str) -> tuple[str, ...]:
    """Return all categories of a language: also those for fractions, or for millions."""
    tags = _rule(language, f"{function}_form").tags
    return tuple(name for name in _ORDER if name in tags or name == _LAST)


def _filled(forms: Mapping[str, str], category: str, years: int) -> str:
    # Numbers beyond MOST_YEARS may be of a category for which nobody wrote a form.
    form = forms.get(category) or forms.get(_LAST) or list(forms.values())[-1]
    return form.replace(NUMBER, str(years))


@lru_cache(maxsize=256)
def _met(kind: str, language: str) -> frozenset[str]:
    rule = _rule(language, kind)
    return frozenset(rule(years) for years in range(MOST_YEARS + 1))


class _Rule:
    """Tell the category of a number. tags: all there are, but for other."""

    def __init__(self, choose: Callable[[int], str], tags: frozenset[str]) -> None:
        self._choose = choose
        self.tags = tags

    def __call__(self, number: int) -> str:
        return self._choose(number)


@lru_cache(maxsize=256)
def _rule(language: str, kind: str) -> _Rule:
    locale = locale_of(language)
    if locale is None:
        return _Rule(lambda _: _LAST, frozenset())
    rule = locale.ordinal_form if kind == "ordinal_form" else locale.plural_form
    return _Rule(rule, frozenset(rule.tags))
