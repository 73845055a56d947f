"""Choose the texts for a plan: which languages, years and days there are, and what each gets."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain

from heyday.domain.dates import YEAR_UNKNOWN
from heyday.domain.errors import TextFailed
from heyday.domain.message_types import MessageType
from heyday.domain.people import EARLIEST_ON
from heyday.domain.seed_texts import SEED_LANGUAGE, SeedBook
from heyday.domain.text_ports import YEARS_UNKNOWN, Composed, Person, TextBook, Wording

_SEEDS = SeedBook()

Composer = Callable[[str, date, Person], tuple[str, Composed]]
"""Makes the text of a language for a day and a person; returns in which language it is, too."""

Report = Callable[[str, str], None]
"""Is told the message type and language of a text that failed."""


@dataclass(frozen=True, slots=True)
class TextNeeds:
    """Say whom texts are for. locales: that people have; None is of those who have none.

    occasion_years: in which their dates lie, for each message type by name.
    """

    locales: frozenset[str | None]
    occasion_years: Mapping[str, frozenset[int]]

    def years(self, message_type: MessageType, days: Collection[date]) -> list[int]:
        """Return how many years greetings of these days may count."""
        found = set()
        for occasion in self.occasion_years.get(message_type.name, ()):
            if occasion == YEAR_UNKNOWN:
                found.add(YEARS_UNKNOWN)
                continue
            found.update(year - occasion for year in {on.year for on in days})
        return sorted(n for n in found if n >= message_type.first_year or n == YEARS_UNKNOWN)


def usual_years(until: int) -> frozenset[int]:
    """Return the years of all dates that Heyday takes, up to one, and that of unknown years."""
    return frozenset({YEAR_UNKNOWN, *range(EARLIEST_ON.year, until + 1)})


@dataclass(frozen=True, slots=True)
class TextChoice:
    """Hold what greetings of one type may say.

    languages: by locale.   wordings: for languages that are not personal: just one fits each
    greeting.   personal: languages whose texts `compose` makes, for each person.
    """

    languages: Mapping[str | None, str]
    wordings: Sequence[Wording]
    personal: frozenset[str]
    compose: Composer

    def within(self, days: Collection[date]) -> "TextChoice":
        """Return what serves these days."""
        fitting = [each for each in self.wordings if each.on is None or each.on in days]
        return replace(self, wordings=fitting)


def choose(
    book: TextBook,
    message_type: MessageType,
    needs: TextNeeds,
    days: Collection[date],
    report: Report,
) -> TextChoice:
    """Return the texts that people get on these days.

    A text that fails costs nobody a greeting: they get the seed's.
    """
    kind = message_type.name
    years, in_order = needs.years(message_type, days), sorted(set(days))
    languages = {locale: book.language_for(locale) for locale in needs.locales}
    spoken = sorted(set(languages.values()))
    personal = frozenset(language for language in spoken if book.is_personal(kind, language))
    wordings: dict[str, Sequence[Wording]] = {}
    for language in set(spoken) - personal:
        try:
            wordings[language] = book.wordings(kind, language, years, in_order)
        except TextFailed:
            report(kind, language)
            languages = {k: SEED_LANGUAGE if v == language else v for k, v in languages.items()}
    if SEED_LANGUAGE in languages.values() and SEED_LANGUAGE not in {*wordings, *personal}:
        wordings[SEED_LANGUAGE] = _SEEDS.wordings(kind, SEED_LANGUAGE, years, in_order)
    return TextChoice(
        languages, list(chain(*wordings.values())), personal, _composer(book, kind, report)
    )


def _composer(book: TextBook, kind: str, report: Report) -> Composer:
    def compose(language: str, on: date, person: Person) -> tuple[str, Composed]:
        try:
            return language, book.compose(kind, language, on, person)
        except TextFailed:
            report(kind, language)
            return SEED_LANGUAGE, _SEEDS.compose(kind, SEED_LANGUAGE, on, person)

    return compose
