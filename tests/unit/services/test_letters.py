"""Letters of greetings, and the link in them."""

import html
from dataclasses import replace

import pytest

from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.sealing import LinkSubject, Seals
from heyday.domain.text_ports import UNSUBSCRIBE_PLACE as PLACE
from heyday.services.letters import FillingSender, LinkingLetterWriter
from heyday.services.unsubscribing import LinkMaker
from tests.factories import SEALS
from tests.fakes import MESSAGE, RecordingSender

BASE = "https://hey.example.com/a&b"
WITH_PLACES = replace(
    MESSAGE,
    text=f"Hey\n\nNo more of these: {PLACE}\n",
    html=f'<p>Hey</p><a class="x" href="{PLACE}">No <b>more</b></a> {PLACE}',
)
URL = f"{BASE}/unsubscribe/{SEALS.write_link(LinkSubject(MESSAGE.user_id, 'BIRTHDAY'))}"


def writer(base: str | None = BASE, seals: Seals = SEALS) -> LinkingLetterWriter:
    return LinkingLetterWriter(LinkMaker(seals, base))


def test_the_link_stands_where_its_place_was_and_escaped_in_html() -> None:
    letter = writer().write(WITH_PLACES)
    assert letter.unsubscribe_url == URL
    assert letter.text == f"Hey\n\nNo more of these: {URL}\n"
    safe = html.escape(URL)
    assert letter.html == f'<p>Hey</p><a class="x" href="{safe}">No <b>more</b></a> {safe}'
    assert writer().write(WITH_PLACES) == letter


@pytest.mark.parametrize(
    "without",
    [
        writer(None),
        writer(BASE, Seals()),
        writer("http://hey.example.com"),
        LinkingLetterWriter(None),
    ],
    ids=["no address", "no secret", "in the clear", "a trial"],
)
def test_without_a_link_what_leads_there_goes(without: LinkingLetterWriter) -> None:
    letter = without.write(WITH_PLACES)
    assert (letter.unsubscribe_url, letter.text, letter.html) == (None, "Hey", "<p>Hey</p> ")


def test_the_subject_is_the_rows_own_or_that_of_its_type() -> None:
    assert writer().write(replace(MESSAGE, subject="Hello")).subject == "Hello"
    for message_type in MESSAGE_TYPES:
        plain = replace(MESSAGE, message_type=message_type.name)
        assert writer().write(plain).subject == message_type.subject != ""


def test_what_else_is_in_a_letter() -> None:
    letter = writer().write(replace(MESSAGE, language="pt-BR"))
    assert (letter.key, letter.to) == (MESSAGE.idempotency_key, MESSAGE.email)
    assert (letter.text, letter.html, letter.language) == (MESSAGE.text, None, "pt-BR")


async def test_a_sender_of_plain_texts_gets_them_whole() -> None:
    inner = RecordingSender()
    filling = FillingSender(inner, writer())
    outcomes = await filling.send_many([MESSAGE, WITH_PLACES])
    assert len(outcomes) == 2
    assert inner.sent[0] is MESSAGE
    assert inner.sent[1].text.endswith(f"{URL}\n")
    assert PLACE not in (inner.sent[1].html or "")
    filling.make_ready(3)
    assert (filling.batch_size, filling.key_lifetime) == (inner.batch_size, inner.key_lifetime)
    assert inner.expected == [3]
