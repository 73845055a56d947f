"""Importing people by the page: a file is looked at, read as somebody says, started, followed."""

import asyncio
import csv
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from heyday.domain.access import Scope
from heyday.domain.imports import KEPT_UPLOADS, ImportState
from heyday.services.import_running import ImportRunner
from heyday.services.importing import ImportService
from tests.factories import Pipeline
from tests.fakes import FakeClock
from tests.keys import Doors

ENTRY = "/people/import"
RAW = {"Content-Type": "application/octet-stream", "X-File-Name": "people%C3%A9.csv"}
GERMAN = (
    "Vorname;Nachname;E-Mail;Zeitzone;Geburtstag;Schuhgröße\r\n"
    "Jürgen;Groß;juergen@example.com;Europe/Berlin;31.12.1990;44\r\n"
    "さくら;佐藤;sakura@example.com;Asia/Tokyo;15.01.1991;38\r\n"
    "Bad;Row;nobody;Europe/Berlin;31.12.1990;40\r\n"
)
CHOICES = {
    "delimiter": "semicolon",
    "encoding": "utf-8",
    "header": "yes",
    "dates": "day_first",
    "zone": "",
    "column-first_name": "0",
    "column-last_name": "1",
    "column-email": "2",
    "column-timezone": "3",
    "column-birthday_date": "4",
    "column-anniversary_date": "",
    "column-location_city": "",
    "column-location_country": "",
    "column-locale": "",
}


async def upload(client: httpx.AsyncClient, content: str | bytes, name: str | None = None) -> str:
    """Send a file as the page's script does; return the path of its import."""
    content = content.encode() if isinstance(content, str) else content
    headers = RAW | ({"X-File-Name": name} if name else {})
    reply = await client.post(ENTRY, content=content, headers=headers)
    assert reply.status_code == 201, reply.text
    assert reply.headers["content-type"].startswith("text/plain")
    return reply.text


async def job_of(pipeline: Pipeline, path: str):
    return await pipeline.imports.get(UUID(path.rpartition("/")[2]))


async def start(client: httpx.AsyncClient, path: str, **choices: str) -> httpx.Response:
    return await client.post(f"{path}/start", data=CHOICES | choices)


def selected(page: str, name: str) -> str:
    """Return what a selection of the page is at."""
    inside = page.partition(f'<select id="{name}"')[2].partition("</select>")[0]
    return next(
        (line.partition('value="')[2].partition('"')[0] for line in inside.split("<option")
         if " selected" in line), "",
    )  # fmt: skip


async def test_nobody_is_imported_before_somebody_says_so(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    path = await upload(client, GERMAN)
    assert not await pipeline.import_runner.run_once()
    page = await client.get(path)
    assert page.status_code == 200
    assert "peopleé.csv" in page.text
    assert await pipeline.value("SELECT count(*) FROM users") == 0
    assert (await job_of(pipeline, path)).state is ImportState.UPLOADED


async def test_how_a_file_is_read_is_guessed_and_shown(client: httpx.AsyncClient) -> None:
    page = (await client.get(await upload(client, GERMAN))).text
    guessed = {name: selected(page, name) for name in CHOICES if name != "zone"}
    assert guessed == {name: value for name, value in CHOICES.items() if name != "zone"}
    assert "Not imported: Schuhgröße" in page
    assert "31 Dec 1990" in page
    assert "佐藤" in page
    assert "All 3 rows were looked at; 1 would be rejected." in page
    assert "Line 4: Email address: is not an email address" in page


async def test_a_file_is_imported_as_it_was_said(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.insert(email="juergen@example.com", location_city="Köln")
    path = await upload(client, GERMAN)
    reply = await start(client, path)
    assert (reply.status_code, reply.headers["location"]) == (303, path)
    assert "It begins in a moment" in (await client.get(path)).text
    clock.advance(timedelta(seconds=1))
    assert await pipeline.import_runner.run_once()
    rows = await pipeline.rows(
        "SELECT first_name, email, birthday_date::text, location_city FROM users ORDER BY email"
    )
    assert [tuple(row) for row in rows] == [
        ("Jürgen", "juergen@example.com", "1990-12-31", "Köln"),
        ("さくら", "sakura@example.com", "1991-01-15", None),
    ]
    page = (await client.get(path)).text
    assert "All 3 rows are done" in page
    assert "Email address: is not an email address" in page
    assert 'href="/people"' in page
    report = await client.get(f"{path}/rejected")
    assert report.headers["content-disposition"].startswith("attachment")
    lines = list(csv.reader(report.text.splitlines(), delimiter=";"))
    assert lines[0] == ["Vorname", "Nachname", "E-Mail", "Zeitzone", "Geburtstag", "Schuhgröße",
                        "line", "reason"]  # fmt: skip
    assert lines[1][:7] == ["Bad", "Row", "nobody", "Europe/Berlin", "31.12.1990", "40", "4"]


async def test_who_is_there_as_the_file_says_counts_as_unchanged(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    for content in (GERMAN, GERMAN.replace("Groß", "Klein")):
        clock.advance(timedelta(seconds=1))
        await start(client, await upload(client, content))
        await pipeline.import_runner.run_once()
    job = (await pipeline.imports.list_page(None, 1))[0]
    assert (job.imported, job.updated, job.unchanged, job.rejected) == (0, 2, 1, 1)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (GERMAN.encode("utf-8-sig"), "utf-8"),
        (GERMAN.encode("utf-16"), "utf-8"),
        (GERMAN.encode("utf-16-be"), "utf-8"),
        (GERMAN.replace("さくら;佐藤", "Zoë;Sato").encode("cp1252"), "cp1252"),
    ],
)
async def test_letters_are_recognised(
    client: httpx.AsyncClient, pipeline: Pipeline, content: bytes, encoding: str
) -> None:
    path = await upload(client, content)
    page = (await client.get(path)).text
    assert selected(page, "encoding") == encoding
    await start(client, path, encoding=encoding)
    await pipeline.import_runner.run_once()
    found = await pipeline.value("SELECT last_name FROM users WHERE email = 'juergen@example.com'")
    assert found == "Groß"
    report = (await client.get(f"{path}/rejected")).content
    # By the mark a spreadsheet knows that it is UTF-8, whatever the file was.
    assert report.decode("utf-8-sig").startswith("Vorname;")
    assert report.startswith(b"\xef\xbb\xbf")


async def test_without_a_script_a_form_does_the_same(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    files = {"file": ("people.csv", GERMAN.encode(), "text/csv")}
    reply = await client.post(ENTRY, files=files, data={"csrf_token": "x"})
    assert reply.status_code == 303
    path = reply.headers["location"]
    assert (await job_of(pipeline, path)).name == "people.csv"
    again = await client.post(f"{path}/reading", data=CHOICES | {"dates": "month_first"})
    assert again.headers["location"] == path
    page = (await client.get(path)).text
    assert selected(page, "dates") == "month_first"
    assert "3 would be rejected" in page


@pytest.mark.parametrize("files", [{"file": ("", b"")}, {"other": ("a.csv", b"x")}])
async def test_a_form_without_a_file_says_so(
    client: httpx.AsyncClient, files: dict[str, tuple[str, bytes]]
) -> None:
    reply = await client.post(ENTRY, files=files)
    assert reply.status_code == 422
    assert "choose the file to import" in reply.text


async def test_a_script_gets_the_reading_anew(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    path = await upload(client, GERMAN)
    headers = {"HX-Request": "true"}
    choices = CHOICES | {"column-timezone": "", "zone": "Asia/Tokyo"}
    part = await client.post(f"{path}/reading", data=choices, headers=headers)
    assert part.status_code == 200
    assert "<html" not in part.text
    assert "Not imported: Zeitzone, Schuhgröße" in part.text
    reading = (await job_of(pipeline, path)).reading
    assert reading is not None
    assert reading.zone == "Asia/Tokyo"
    await start(client, path, **choices)
    await pipeline.import_runner.run_once()
    zones = await pipeline.rows("SELECT DISTINCT timezone FROM users")
    assert [row["timezone"] for row in zones] == ["Asia/Tokyo"]


async def test_columns_are_guessed_anew_where_they_are_told_apart_in_another_way(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    path = await upload(client, GERMAN)
    await client.post(f"{path}/reading", data=CHOICES | {"delimiter": "comma"})
    page = (await client.get(path)).text
    assert "is needed of everybody" in page
    assert len((await job_of(pipeline, path)).columns) == 1
    # What was not looked at like this is not started like this.
    refused = await start(client, path)
    assert refused.status_code == 422
    assert "look at its first rows before you start" in refused.text
    assert (await start(client, path)).status_code == 303


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"column-email": ""}, "is needed of everybody"),
        ({"column-email": "0"}, "same column as first_name"),
        ({"column-email": "99"}, "column 100 of 6"),
        ({"column-timezone": "", "zone": "Mars/Olympus"}, "is not an IANA time zone"),
    ],
)
async def test_what_cannot_be_imported_is_not_started(
    client: httpx.AsyncClient, pipeline: Pipeline, choices: dict[str, str], told: str
) -> None:
    path = await upload(client, GERMAN)
    reply = await start(client, path, **choices)
    assert reply.status_code == 422
    assert told in reply.text
    assert 'id="problems"' in reply.text
    assert (await job_of(pipeline, path)).state is ImportState.UPLOADED


async def test_a_header_that_cannot_be_read_is_not_started(client: httpx.AsyncClient) -> None:
    content = GERMAN.replace("さくら;佐藤", "Zoë;Sato").encode("cp1252")
    path = await upload(client, content)
    part = await client.post(f"{path}/reading", data=CHOICES, headers={"HX-Request": "true"})
    assert "is not UTF-8" in part.text
    refused = await start(client, path)
    assert refused.status_code == 422
    assert "is not UTF-8" in refused.text
    await client.post(f"{path}/reading", data=CHOICES | {"encoding": "cp1252"})
    assert (await start(client, path, encoding="cp1252")).status_code == 303


async def test_a_choice_that_is_none_is_refused(client: httpx.AsyncClient) -> None:
    path = await upload(client, GERMAN)
    reply = await client.post(f"{path}/reading", data=CHOICES | {"dates": "sideways"})
    assert reply.status_code == 422


async def test_of_two_who_start_one_does(client: httpx.AsyncClient, pipeline: Pipeline) -> None:
    path = await upload(client, GERMAN)
    replies = await asyncio.gather(
        start(client, path), start(client, path, **{"column-birthday_date": ""})
    )
    assert [reply.headers["location"] for reply in replies] == [path, path]
    said = [reply.cookies.get("heyday_said") for reply in replies]
    assert sum(each is None for each in said) == 1
    assert await pipeline.import_runner.run_once()
    assert not await pipeline.import_runner.run_once()
    assert await pipeline.value("SELECT count(*) FROM users") == 2
    later = await client.post(f"{path}/reading", data=CHOICES)
    assert "started%20before" in str(later.cookies.get("heyday_said"))
    by_script = await client.post(f"{path}/reading", data=CHOICES, headers={"HX-Request": "true"})
    assert by_script.headers["hx-redirect"] == path


async def test_who_is_started_last_is_run_last(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    """An older upload that is started later takes no place beside the one that is running."""
    first = await upload(client, GERMAN)
    clock.advance(timedelta(seconds=1))
    second = await upload(client, GERMAN)
    await start(client, second)
    clock.advance(timedelta(seconds=1))
    lease = timedelta(minutes=1)
    async with pipeline.database.session() as session:
        claimed = await session.imports.claim_next(clock.now(), lease)
        assert claimed is not None
        assert str(claimed.id) == second.rpartition("/")[2]
        await start(client, first)
        assert await session.imports.claim_next(clock.now(), lease) is None


async def test_a_file_that_nobody_starts_goes_after_a_day(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    path = await upload(client, GERMAN)
    left = await pipeline.value("SELECT lease_until - now() FROM import_jobs")
    assert KEPT_UPLOADS - timedelta(minutes=1) < left <= KEPT_UPLOADS
    await pipeline.execute("UPDATE import_jobs SET lease_until = now() - interval '1 s'")
    clock.advance(timedelta(hours=1))
    await pipeline.import_runner.run_once()
    assert (await client.get(path)).status_code == 404
    assert await pipeline.value("SELECT count(*) FROM import_chunks") == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml" + bytes(90), "Excel workbook"),
        (b"PK\x03\x04" + bytes(26) + b"people.csv" + bytes(90), "unpack it"),
        (b"\x89PNG\r\n\x1a\n" + bytes(90), "picture"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\xd0\xcf\x11\xe0" + bytes(90), "old Office document"),
        (b'[{"first_name": "Ada"}]', "JSON"),
        (b"<!doctype html><table>", "web page"),
        (b"first_name,last_name\n\x00\x01\x02\x03\n", "NUL"),
        (",".join(f"c{n}" for n in range(10_000)).encode() + b"\n", "10,000 columns"),
        (b"x" * 300_000, "longer than 65,536 characters"),
        (b'"' + b"never closed\n" * 30, "quotation mark"),
    ],
)
async def test_what_is_no_csv_file_is_refused_kindly(
    client: httpx.AsyncClient, pipeline: Pipeline, content: bytes, told: str
) -> None:
    reply = await client.post(ENTRY, content=content, headers=RAW)
    assert (reply.status_code, reply.headers["content-type"]) == (422, "text/plain; charset=utf-8")
    assert told in reply.text
    form = await client.post(ENTRY, files={"file": ("a.csv", content)})
    assert form.status_code == 422
    assert told in form.text
    assert await pipeline.value("SELECT count(*) FROM import_jobs") == 0


async def test_a_file_over_the_limit_leaves_nothing_behind(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    content = GERMAN.encode() * 20_000
    for reply in (
        await client.post(ENTRY, content=content, headers=RAW),
        await client.post(ENTRY, files={"file": ("a.csv", content)}),
    ):
        assert reply.status_code == 413
        assert "has more than 1 MiB" in reply.text
    for table in ("import_jobs", "import_chunks"):
        assert await pipeline.value(f"SELECT count(*) FROM {table}") == 0  # noqa: S608


async def test_a_file_is_thrown_away_and_an_import_cancelled(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    thrown = await upload(client, GERMAN)
    reply = await client.post(f"{thrown}/remove", data={})
    assert (reply.status_code, reply.headers["location"]) == (303, ENTRY)
    assert (await client.get(thrown)).status_code == 404
    cancelled = await upload(client, GERMAN)
    await start(client, cancelled)
    reply = await client.post(f"{cancelled}/remove", data={})
    assert reply.headers["location"] == cancelled
    assert "was cancelled" in (await client.get(cancelled)).text
    assert not await pipeline.import_runner.run_once()


async def test_a_page_follows_an_import_until_its_end(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    path = await upload(client, GERMAN)
    await start(client, path)
    going = await client.get(f"{path}/progress")
    assert f'hx-get="{path}/progress"' in going.text
    assert "hx-refresh" not in going.headers
    await pipeline.import_runner.run_once()
    ended = await client.get(f"{path}/progress")
    assert ended.headers["hx-refresh"] == "true"
    assert "hx-get" not in ended.text


async def test_imports_are_listed_with_their_state(
    client: httpx.AsyncClient, clock: FakeClock
) -> None:
    assert "No file was imported yet" in (await client.get(ENTRY)).text
    for number in range(22):
        clock.advance(timedelta(seconds=1))
        await upload(client, GERMAN, f"{number}.csv")
    first = (await client.get(ENTRY)).text
    assert first.count("Not started") == 20
    following = first.partition('rel="next" href="')[2].partition('"')[0]
    assert ">1.csv<" in (await client.get(following)).text


async def test_who_may_only_look_is_shown_no_form(client: httpx.AsyncClient, doors: Doors) -> None:
    path = await upload(client, GERMAN)
    reader = await doors.opened(Scope.USERS_READ)
    entry = (await client.get(ENTRY, headers=reader)).text
    assert 'type="file"' not in entry
    assert "users:write" in entry
    assert "Start the import" not in (await client.get(path, headers=reader)).text
    for reply in (
        await client.post(ENTRY, content=GERMAN.encode(), headers=RAW | reader),
        await client.post(f"{path}/start", data=CHOICES, headers=reader),
        await client.post(f"{path}/remove", headers=reader),
    ):
        assert reply.status_code == 403


async def test_each_deed_is_noted_and_no_look_at_progress(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    path = await upload(client, GERMAN)
    await client.post(f"{path}/reading", data=CHOICES)
    await start(client, path)
    await client.get(f"{path}/progress")
    await client.post(f"{path}/remove")
    deeds = await pipeline.rows(
        "SELECT DISTINCT action FROM audit_log WHERE action <> 'keys.insert'"
    )
    assert {row["action"] for row in deeds} == {
        "import.upload", "import.revise", "import.start", "import.delete",
    }  # fmt: skip


async def test_an_import_that_is_not_there_is_not_found(client: httpx.AsyncClient) -> None:
    path = f"/people/imports/{uuid4()}"
    for reply in (
        await client.get(path),
        await client.get(f"{path}/progress"),
        await client.get(f"{path}/rejected"),
        await start(client, path),
        await client.post(f"{path}/remove"),
    ):
        assert reply.status_code == 404


async def test_what_is_in_a_file_is_shown_as_text(client: httpx.AsyncClient) -> None:
    hostile = GERMAN.replace("Bad", "<script>alert(1)</script>").replace("Schuh", "<b>&Schuh")
    page = (await client.get(await upload(client, hostile, "%3Cimg%3E.csv"))).text
    assert "<script>alert" not in page
    assert "<b>&Schuh" not in page
    assert "<img>" not in page


async def test_letters_that_are_none_are_shown_as_such(client: httpx.AsyncClient) -> None:
    """A broken letter in a file of UTF-8 is the fault of its row alone."""
    content = GERMAN.encode().replace("Jürgen".encode(), b"J\xfcrgen", 1)
    page = await client.get(await upload(client, content))
    assert page.status_code == 200
    assert "J?rgen" in page.text
    assert "(0xFC) is not UTF-8" in page.text


async def test_a_doubtful_date_is_shown_in_both_readings(client: httpx.AsyncClient) -> None:
    path = await upload(client, GERMAN.replace("31.12.", "03/04/").replace("15.01.", "05/06/"))
    page = (await client.get(path)).text
    assert "“03/04/1990” may be read in two ways" in page
    assert "<b>3 April</b>" in page
    assert "<b>4 March</b>" in page


async def test_another_process_goes_on_with_the_reading(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    """One dies after it has taken the job up; the next reads the file as it was said."""
    path = await upload(client, GERMAN)
    await start(client, path)
    async with pipeline.database.session() as session:
        await session.imports.claim_next(pipeline.clock.now(), timedelta(seconds=60))
    await pipeline.execute("UPDATE import_jobs SET lease_until = now() - interval '1 s'")
    importer = ImportService(pipeline.database, pipeline.planner, pipeline.clock, 100)
    other = ImportRunner(pipeline.database, importer, pipeline.clock)
    assert await other.run_once()
    job = await job_of(pipeline, path)
    assert (job.state, job.epoch, job.imported) == (ImportState.DONE, 2, 2)
