"""Give the JSON shapes of texts. The request shapes document; the domain checks."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from heyday.domain.own_texts import HTML_LENGTH, SUBJECT_LENGTH, TEXT_LENGTH
from heyday.domain.people import NAME_LENGTH
from heyday.domain.text_ports import YEARS_UNKNOWN
from heyday.services.text_preview import MOST_YEARS

_TYPE = Meta(examples=["BIRTHDAY"])
_LANGUAGE = Meta(examples=["de"], description="A language tag (BCP 47).")
_SUBJECT = Meta(min_length=1, max_length=SUBJECT_LENGTH, examples=["Happy birthday!"])
_TEXT = Meta(min_length=1, max_length=TEXT_LENGTH, examples=["A happy birthday to you!"])
_HTML = Meta(min_length=1, max_length=HTML_LENGTH, examples=["<p>A happy birthday to you!</p>"])
_OWN = Meta(description="Whether you wrote it; else it is one that Heyday has ready.")
_INSTANT = Meta(examples=["2027-01-14T08:00:00Z"], description="null if Heyday has it ready.")
_NAME = Meta(min_length=1, max_length=NAME_LENGTH, examples=["Ada"])
_YEARS = Meta(
    ge=YEARS_UNKNOWN,
    le=MOST_YEARS,
    examples=[5],
    description=f"How many years it counts; {YEARS_UNKNOWN}: nobody knows.",
)


class TextBody(Struct, forbid_unknown_fields=True):
    """Give a text as it is written, with its places.

    subject: null, or left out: the one that Heyday has ready in this language.   html: null, or
    left out, if there is none.
    """

    text: Annotated[str, _TEXT]
    subject: Annotated[str, _SUBJECT] | None = None
    html: Annotated[str, _HTML] | None = None


class TextEntry(Struct, frozen=True):
    """Name a text on the list."""

    message_type: Annotated[str, _TYPE]
    language: Annotated[str, _LANGUAGE]
    is_own: Annotated[bool, _OWN]
    updated_at: Annotated[datetime, _INSTANT] | None


class TextList(Struct, frozen=True):
    """Name every text there is, by message type and language."""

    items: list[TextEntry]


class ShownSource(TextEntry, frozen=True):
    """Show a text as it is written. subject: null: the one that Heyday has ready."""

    subject: str | None
    text: str
    html: str | None


class PreviewBody(Struct, forbid_unknown_fields=True):
    """Say what is rendered, and for whom.

    subject, text, html: a draft; without any, the text that is there.   user_id: a person; without
    one, a sample by names and years.   on: the day of the greeting; else today.
    """

    subject: Annotated[str, _SUBJECT] | UnsetType | None = UNSET
    text: Annotated[str, _TEXT] | UnsetType = UNSET
    html: Annotated[str, _HTML] | UnsetType | None = UNSET
    user_id: UUID | None = None
    first_name: Annotated[str, _NAME] | UnsetType = UNSET
    last_name: Annotated[str, _NAME] | UnsetType = UNSET
    years: Annotated[int, _YEARS] | UnsetType = UNSET
    on: date | None = None


class Preview(Struct, frozen=True):
    """Show a text as a person would get it; its link to unsubscribe leads nowhere."""

    subject: str
    text: str
    html: str | None
