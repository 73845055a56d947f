"""Show a greeting as somebody would get it, without sending it: `heyday preview`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heyday.cli.running import note_look, with_app
from heyday.domain.dates import has_year
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.message_types import MessageType, get_message_type
from heyday.domain.text_ports import UNSUBSCRIBE_PLACE, YEARS_UNKNOWN, Composed, Person

if TYPE_CHECKING:
    from heyday.bootstrap import App
    from heyday.texts.book import Book

_SAMPLE_YEARS = 10
_MOST_YEARS = 150
# Where a letter has the link of its own person.
_LINK = "#unsubscribe"


def preview(  # noqa: PLR0913, PLR0917 - one parameter for each option
    type_name: Annotated[
        str, typer.Option("--type", metavar="T", help="A message type, such as BIRTHDAY.")
    ],
    user: Annotated[
        str | None, typer.Argument(metavar="[USER]", help="An id or an email address.")
    ] = None,
    is_sample: Annotated[
        bool, typer.Option("--sample", help="Greet an invented person, without a database.")
    ] = False,
    locale: Annotated[
        str | None, typer.Option(metavar="TAG", help="A language, such as de or pt-BR.")
    ] = None,
    years: Annotated[
        int | None,
        typer.Option(min=0, max=_MOST_YEARS, help="How many years it is about."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the HTML to this file.")
    ] = None,
) -> None:
    """Show a greeting as it would look, for a person or with --sample for an invented one.

    Nothing is sent. Of a person their language counts, unless --locale names another, and the next
    day on which they are greeted.
    """
    if (user is None) is not is_sample:
        raise InvalidInput([FieldProblem("USER", "give a person, or --sample; one of the two")])
    message_type = get_message_type(type_name)
    if user is None:
        composed = _greet_nobody(message_type, locale, years)
    else:
        composed = _preview_of(user, message_type, locale, years)
    _show(composed, html)


def _greet_nobody(message_type: MessageType, locale: str | None, years: int | None) -> Composed:
    """Return the greeting of an invented person, today. Needs no database."""
    from heyday.bootstrap.binding import build_library, refuse_unknown_language
    from heyday.clock import SteadyClock
    from heyday.settings import load_settings
    from heyday.texts.samples import sample_name

    settings = load_settings()
    library = build_library(settings)
    refuse_unknown_language(settings, library)
    book = library.bind({})
    language = book.language_for(_read_locale(book, locale))
    on = SteadyClock(settings.clock_tolerance).now().date()
    person = Person(*sample_name(language), _SAMPLE_YEARS if years is None else years)
    return book.compose(message_type.name, language, on, person)


def _preview_of(
    user: str, message_type: MessageType, locale: str | None, years: int | None
) -> Composed:
    """Return the greeting of a person on the next local date that they have one, or else today."""

    async def work(heyday: "App") -> Composed:
        report = await heyday.explanations.explain(user, None, [message_type])
        await note_look(heyday, [report.person.id])
        on = report.explanations[0].on or report.now.date()
        began_on = report.person.dates[message_type.name]
        is_known = began_on is not None and has_year(began_on)
        counted = on.year - began_on.year if began_on and is_known else YEARS_UNKNOWN
        person = await heyday.users.get(report.person.id)
        book = await heyday.texts.read_book()
        language = book.language_for(locale or person.locale)
        greeted = Person(person.first_name, person.last_name, counted if years is None else years)
        return book.compose(message_type.name, language, on, greeted)

    return with_app(work)


def _read_locale(book: "Book", locale: str | None) -> str | None:
    """Return a locale whose language there are texts in. Raises InvalidInput."""
    if locale is not None and not book.has_language(locale):
        known = ", ".join(sorted(book.languages))
        raise InvalidInput([FieldProblem("--locale", f"has no texts here; known: {known}")])
    return locale


def _show(composed: Composed, html: Path | None) -> None:
    typer.echo(f"Subject: {composed.subject}\n\n{_with_link(composed.text)}")
    if html is None:
        return
    if composed.html is None:
        raise InvalidInput([FieldProblem("--html", "cannot be written: this text has no HTML")])
    html.write_text(_with_link(composed.html), "utf-8")
    typer.echo(f"\nThe HTML is in {html}.")


def _with_link(text: str) -> str:
    return text.replace(UNSUBSCRIBE_PLACE, _LINK)
