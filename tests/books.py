"""Books of texts for tests: by language, with years, days and questions about names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from heyday.domain.errors import TextFailed
from heyday.domain.seed_texts import SeedBook, escape_html
from heyday.domain.text_ports import UNSUBSCRIBE_PLACE, Composed, Person, Wording


@dataclass(frozen=True)
class Language:
    """A text in the style of str.format: {first}, {last}, {years}, {on}.

    is_personal: composed for each person, whose name is in capitals then.   is_broken: fails.
    """

    subject: str
    text: str
    html: str | None = None
    is_personal: bool = False
    is_broken: bool = False

    @property
    def all_parts(self) -> str:
        return self.subject + self.text + (self.html or "")

    @property
    def doubled(self) -> "Language":
        """The same as a pattern of format(), but for its places."""
        html = None if self.html is None else self.html.replace("%", "%%")
        return Language(self.subject.replace("%", "%%"), self.text.replace("%", "%%"), html)

    def fill(self, first: str, last: str, html: Sequence[str], **others: object) -> Composed:
        names = {"first": first, "last": last}
        escaped = dict(zip(names, html, strict=True))
        return Composed(
            self.subject.format(**names, **others),
            self.text.format(**names, **others),
            None if self.html is None else self.html.format(**escaped, **others),
        )


class BookOf(SeedBook):
    """The same texts for all message types; the language of a locale is what it begins with."""

    def __init__(self, languages: Mapping[str, Language]) -> None:
        super().__init__()
        self.languages = languages
        self.composed: list[Person] = []

    def language_for(self, locale: str | None) -> str:
        begins = (locale or "en").partition("-")[0]
        return begins if begins in self.languages else "en"

    def is_personal(self, message_type: str, language: str) -> bool:  # noqa: ARG002
        return self.languages[language].is_personal

    def wordings(
        self,
        message_type: str,  # noqa: ARG002
        language: str,
        years: Sequence[int],
        days: Sequence[date],
    ) -> Sequence[Wording]:
        written = self.languages[language]
        if written.is_personal:
            raise ValueError
        if written.is_broken:
            raise TextFailed
        doubled = written.doubled
        found = []
        for number in years if "{years}" in written.all_parts else [None]:
            for on in days if "{on}" in written.all_parts else [None]:
                places = ("%1$s", "%2$s")
                made = doubled.fill(*places, places, years=number, on=on)
                found.append(Wording(language, number, on, made.subject, made.text, made.html))
        return found

    def compose(self, message_type: str, language: str, on: date, person: Person) -> Composed:  # noqa: ARG002
        self.composed.append(person)
        written = self.languages[language]
        if written.is_broken:
            raise TextFailed
        names = [n.replace(UNSUBSCRIBE_PLACE, "") for n in (person.first_name, person.last_name)]
        if written.is_personal:
            names = [name.upper() for name in names]
        escaped = [escape_html(name) for name in names]
        first, last = names
        return written.fill(first, last, escaped, years=person.years, on=on)


PLAIN = Language("For {first}", "Hey, {first} {last}")
COUNTING = Language("{years}!", "{first} {last}: {years} J. 100 % %s", "<b>{first}</b> {years} %%")
DATED = Language("{on}", "{last} {first}", "<i title='{first}'>{last}</i> {years} {on}")
PERSONAL = Language("{first}?", "Bonjour {last}, {years}", "<p>{first}</p>", is_personal=True)

BOOK = {"en": PLAIN, "de": COUNTING, "ja": DATED, "fr": PERSONAL}
"""Texts of every kind."""
