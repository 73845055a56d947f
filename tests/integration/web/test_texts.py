"""The pages of texts: what is there, what is written, what comes of it, and who tries it."""

import html
import re
from collections.abc import Mapping

import httpx
import pytest

from heyday.domain.access import Scope
from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.web.text_drafts import MOST_BYTES
from tests.factories import Pipeline
from tests.fakes import RecordingSender
from tests.keys import Doors, bearer

GERMAN = "/texts/BIRTHDAY/de"
FORM = {
    "version": "ready",
    "subject": "Alles Gute, {{ first_name }}",
    "text": "Hallo {{ first_name }}!\r\n\r\n{% if age %}{{ age }} Jahre!{% endif %}",
    "dress": "same",
    "html": "",
}
HX = {"HX-Request": "true"}


async def send(
    client: httpx.AsyncClient, path: str, *headers: Mapping[str, str], **fields: str
) -> httpx.Response:
    """Send the form with other fields."""
    return await client.post(path, data={**FORM, **fields}, headers=headers[0] if headers else None)


def plain(page: str) -> str:
    """Return what a page says, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


async def stored(pipeline: Pipeline) -> list[tuple[str, ...]]:
    rows = await pipeline.rows("SELECT message_type, language, subject, text FROM message_texts")
    return [tuple(row) for row in rows]


async def version_of(client: httpx.AsyncClient, path: str = GERMAN) -> str:
    found = re.search(r'name="version" value="([^"]*)"', (await client.get(path)).text)
    assert found
    return found[1]


async def test_the_list_has_every_language_and_how_many_people_get_it(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    for locale in ("de", "de-AT", "zh-TW", None):
        await pipeline.create(locale=locale)
    await send(client, GERMAN)
    page = (await client.get("/texts")).text
    rows = {
        plain(row).partition(" ")[0]: plain(row)
        for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    }
    assert rows["German"].startswith("German Deutsch de Yours Birthday, German")
    assert "Ready Work anniversary, German" in rows["German"]
    assert rows["German"].endswith(" 2")
    assert "the usual one" in rows["English"]
    assert rows["English"].endswith(" 1")
    assert rows["Arabic"].endswith(" 0")
    assert len(re.findall(r'href="/texts/[A-Z]+/[\w-]+"', page)) == 32


async def test_a_text_is_shown_as_it_is_written_and_as_it_would_arrive(
    client: httpx.AsyncClient,
) -> None:
    page = (await client.get("/texts/ANNIVERSARY/ar")).text
    assert "{{ plural(years, zero=&#39;# سنة&#39;" in page
    assert '<textarea class="mono" id="text" name="text" rows="14" lang="ar" dir="rtl"' in page
    assert "5 سنوات معنا!" in page
    letter = await client.get("/texts/ANNIVERSARY/ar/letter")
    assert '<html lang="ar" dir="rtl">' in letter.text
    assert letter.headers["content-security-policy"].startswith("sandbox ")


async def test_what_is_saved_is_there_and_its_html_says_the_same(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    saved = await send(client, GERMAN)
    assert (saved.status_code, saved.headers["location"]) == (303, GERMAN)
    text = FORM["text"].replace("\r\n", "\n")
    assert await stored(pipeline) == [("BIRTHDAY", "de", FORM["subject"], text)]
    page = (await client.get(GERMAN)).text
    assert "Saved. Greetings planned from now on say so" in page
    assert "Alles Gute, Jana" in page
    assert 'value="same" checked' in page
    letter = (await client.get(f"{GERMAN}/letter")).text
    assert "Hallo <bdi>Jana</bdi>!" in letter
    assert "5 Jahre!" in letter
    assert "Saved." not in (await client.get(GERMAN)).text


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"dress": "none", "html": "<p>left over</p>"}, None),
        ({"dress": "own", "html": "<p>{{ first_name }}</p>\r\n"}, "<p>{{ first_name }}</p>\n"),
        ({"dress": "own", "html": "  "}, None),
    ],
)
async def test_html_is_ones_own_or_none(
    client: httpx.AsyncClient, pipeline: Pipeline, fields: dict[str, str], kept: str | None
) -> None:
    assert (await send(client, GERMAN, **fields)).status_code == 303
    assert await pipeline.value("SELECT html FROM message_texts") == kept
    page = (await client.get(GERMAN)).text
    assert f'value="{"own" if kept else "none"}" checked' in page


async def test_the_ready_subject_is_not_kept_as_ones_own(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    ready = re.search(
        r'id="subject" name="subject" value="([^"]*)"', (await client.get(GERMAN)).text
    )
    assert ready
    for subject in (html.unescape(ready[1]), ""):
        await send(client, GERMAN, subject=subject, version=await version_of(client))
        assert await pipeline.value("SELECT subject FROM message_texts") is None


async def test_what_is_wrong_is_told_at_its_line_and_nothing_is_stored(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    wrong = "Hallo {{ first_name }}!\r\n{{ first_nam }} ist <schön>"
    reply = await send(client, GERMAN, text=wrong, subject="{first_name}")
    assert reply.status_code == 422
    page = plain(reply.text)
    assert "Line 2 found first_nam, which is no place {{ first_nam }} ist <schön>" in page
    assert "found {first_name} in single braces; write {{ first_name }}" in page
    assert "known:" not in page
    assert "{{ first_nam }} ist &lt;schön&gt;" in reply.text
    assert await stored(pipeline) == []


async def test_html_made_of_a_text_blames_the_text_alone(client: httpx.AsyncClient) -> None:
    page = (await send(client, GERMAN, text="{{ nobody }}")).text
    assert len(re.findall(r'class="flaw-line"', page)) == 1
    assert 'data-field="text" data-line="1"' in page


async def test_who_was_overtaken_loses_nothing_and_may_go_on(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await send(client, GERMAN, text="Theirs")
    reply = await send(client, GERMAN, text="Mine")
    assert reply.status_code == 409
    assert "Somebody else changed this text while you wrote" in reply.text
    assert "Theirs" in reply.text
    assert "Mine</textarea>" in reply.text
    assert [text for *_, text in await stored(pipeline)] == ["Theirs"]
    found = re.search(r'name="version" value="([^"]*)"', reply.text)
    assert found
    assert (await send(client, GERMAN, text="Mine", version=found[1])).status_code == 303
    assert [text for *_, text in await stored(pipeline)] == ["Mine"]


async def test_a_text_goes_back_to_the_ready_one_unless_somebody_changed_it(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await send(client, GERMAN)
    version = await version_of(client)
    await send(client, GERMAN, text="Theirs", version=version)
    late = await client.post(f"{GERMAN}/delete", data={"version": version})
    assert (late.status_code, len(await stored(pipeline))) == (409, 1)
    path = f"{GERMAN}/delete"
    gone = await client.post(path, data={"version": await version_of(client)})
    assert (gone.status_code, gone.headers["location"]) == (303, "/texts")
    assert await stored(pipeline) == []
    assert "Ready, comes with Heyday" in (await client.get(GERMAN)).text
    assert (await client.post(path, data={"version": "ready"})).status_code == 303


async def test_a_draft_is_shown_as_it_would_arrive_and_not_stored(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    part = (await send(client, f"{GERMAN}/preview", HX, years="25")).text
    assert "Alles Gute, Jana" in part
    assert "25 Jahre!" in part
    assert "<html" not in part
    unknown = (await send(client, f"{GERMAN}/preview", HX, years="-1")).text
    assert "Jahre!" not in unknown
    whole = (await send(client, f"{GERMAN}/preview")).text
    assert "Alles Gute, Jana" in whole
    assert "<textarea" in whole
    letter = await send(client, f"{GERMAN}/letter", look="dark")
    assert '<meta name="color-scheme" content="dark">' in letter.text
    assert "Hallo <bdi>Jana</bdi>!" in letter.text
    assert await stored(pipeline) == []


async def test_a_draft_is_shown_for_a_person_who_was_looked_for(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await pipeline.create(
        first_name="Änne", last_name="<Müller>", birthday_date="1987-03-04", locale="de-AT"
    )
    found = (await send(client, f"{GERMAN}/preview/people", HX, find="änn", finding="1")).text
    assert "Änne &lt;Müller&gt;" in found
    assert (
        "Nobody’s name"
        in (await send(client, f"{GERMAN}/preview/people", HX, find="xyz", finding="1")).text
    )
    chosen = (await send(client, f"{GERMAN}/preview/people", HX, person=str(user.id))).text
    assert "Alles Gute, Änne" in chosen
    assert "40 Jahre!" in chosen
    assert "whose own language is de-AT" in plain(chosen)
    assert f'hx-post="{GERMAN}/preview/people"' in chosen
    assert "Änne" in (await send(client, f"{GERMAN}/letter/people", person=str(user.id))).text
    for nobody in ("", "nonsense", "00000000-0000-0000-0000-000000000001"):
        again = (await send(client, f"{GERMAN}/preview/people", HX, person=nobody)).text
        assert "Alles Gute, Jana" in again
    looks = await pipeline.rows(
        "SELECT DISTINCT action FROM audit_log WHERE $1 = ANY (subject_ids)", user.id
    )
    assert {row["action"] for row in looks} >= {"text.preview", "text_letter.preview"}


async def test_pauses_in_typing_are_not_noted_and_name_nobody(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user = await pipeline.create(first_name="Änne")
    before = await pipeline.value("SELECT count(*) FROM audit_log")
    for path in (f"{GERMAN}/preview", f"{GERMAN}/letter"):
        assert "Änne" not in (await send(client, path, HX, person=str(user.id), find="Änne")).text
    assert await pipeline.value("SELECT count(*) FROM audit_log") == before


async def test_a_key_sees_people_only_if_it_may(
    client: httpx.AsyncClient, pipeline: Pipeline, doors: Doors
) -> None:
    user = await pipeline.create(first_name="Änne")
    client.headers.update(bearer(await doors.key(Scope.MESSAGES_READ)))
    page = (await client.get(GERMAN)).text
    assert 'name="find"' not in page
    assert ">Save<" not in page
    fields = {"person": str(user.id), "find": "Änne"}
    refused = await send(client, f"{GERMAN}/preview/people", HX, **fields)
    assert refused.status_code == 403
    assert "lovelace" not in refused.text.lower().replace("änne", "")
    assert "Lovelace" not in (await send(client, f"{GERMAN}/letter/people", **fields)).text
    for path in (GERMAN, f"{GERMAN}/delete", f"{GERMAN}/try"):
        assert (await send(client, path)).status_code == 403


async def test_a_test_goes_to_the_address_that_was_typed_in(
    client: httpx.AsyncClient, sender: RecordingSender, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = await send(client, f"{GERMAN}/try", HX, address=" me@example.com ", years="10")
    assert "took the letter" in sent.text
    (letter,) = sender.sent
    assert (letter.email, letter.subject, letter.language) == (
        "me@example.com",
        "Alles Gute, Jana",
        "de",
    )
    assert letter.text.endswith("10 Jahre!")
    assert "Hallo <bdi>Jana</bdi>!" in (letter.html or "")
    whole = await send(client, f"{GERMAN}/try", address="me@example.com")
    assert "took the letter" in whole.text
    assert "me@example.com" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"address": "nobody"}, "That is not an email address"),
        ({"address": ""}, "That is not an email address"),
        ({"address": "me@example.com", "text": "{{ x }}"}, "Nothing was sent"),
    ],
)
async def test_a_test_that_cannot_leave_says_why(
    client: httpx.AsyncClient, sender: RecordingSender, fields: dict[str, str], said: str
) -> None:
    assert said in plain((await send(client, f"{GERMAN}/try", HX, **fields)).text)
    assert sender.sent == []


async def test_what_a_sender_says_of_a_test_is_told_in_plain_words(
    client: httpx.AsyncClient, sender: RecordingSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = Outcome(OutcomeKind.REFUSED, code=550, body="<no>", error="unknown user")
    monkeypatch.setattr(sender, "send_many", lambda _: _now([outcome]))
    said = plain((await send(client, f"{GERMAN}/try", HX, address="me@example.com")).text)
    assert "test (550) : refused it: this letter would never be taken." in said
    assert "Reason: unknown user. It said: <no>" in said


async def _now(outcomes: list[Outcome]) -> list[Outcome]:
    return outcomes


async def test_another_language_is_opened_and_written(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    opened = await client.get("/texts/open", params={"language": "FI", "kind": "ANNIVERSARY"})
    assert (opened.status_code, opened.headers["location"]) == (303, "/texts/ANNIVERSARY/fi")
    page = (await client.get("/texts/ANNIVERSARY/fi")).text
    assert "Finnish" in page
    assert "Write a text, and it is shown here." in page
    needed = await send(client, "/texts/ANNIVERSARY/fi", subject="", text="Hei!")
    assert "is needed, for Heyday has none in fi" in needed.text
    await send(client, "/texts/ANNIVERSARY/fi", subject="Hei", text="Hei {{ first_name }}!")
    assert len(await stored(pipeline)) == 1
    assert "Write it" in (await client.get("/texts")).text


@pytest.mark.parametrize("tag", ["nonsense", "qq", "<b>"])
async def test_what_is_no_language_is_refused_kindly(client: httpx.AsyncClient, tag: str) -> None:
    reply = await client.get("/texts/open", params={"language": tag})
    assert reply.status_code == 422
    assert "That is no language we know" in reply.text
    assert (await client.get(f"/texts/BIRTHDAY/{tag}")).status_code == 404


async def test_the_longest_text_fits_into_its_form(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    long = await send(client, GERMAN, dress="none", text="ü" * 20_000)
    assert long.status_code == 303
    assert (await send(client, GERMAN, text="ü" * MOST_BYTES)).status_code == 413
    assert len(await stored(pipeline)) == 1
