"""Imports over HTTP: what is taken, what is told while they go on, and what is left of them."""

import csv
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from heyday.domain.imports import KEPT_REJECTS
from heyday.services.import_running import ImportRunner
from heyday.services.importing import ImportService
from tests.factories import Pipeline
from tests.fakes import FakeClock

IMPORTS = "/api/v1/imports"
CSV = {"Content-Type": "text/csv"}
HEADER = "first_name,last_name,email,timezone,birthday_date"
GOOD = "Ada,Lovelace,ada{}@example.com,Europe/London,1990-01-15"
COUNTS = ("imported", "updated", "rejected")


def file_of(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows, ""]).encode("utf-8", "surrogatepass")


def people(count: int) -> list[str]:
    return [GOOD.format(number) for number in range(count)]


async def start(client: httpx.AsyncClient, content: bytes | AsyncIterator[bytes]) -> str:
    """Hand a file in; return where its import is."""
    reply = await client.post(IMPORTS, content=content, headers=CSV)
    assert reply.status_code == 202, reply.text
    assert reply.json()["state"] == "waiting"
    assert reply.headers["location"] == f"{IMPORTS}/{reply.json()['id']}"
    return reply.headers["location"]


async def left_of_files(pipeline: Pipeline) -> int:
    return int(await pipeline.value("SELECT count(*) FROM import_chunks"))


async def test_a_file_is_taken_in_and_worked_off_afterwards(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    content = file_of(*people(250), "Bad,Row,nobody,UTC,")
    path = await start(client, content)
    waiting = (await client.get(path)).json()
    assert (waiting["bytes_total"], waiting["bytes_done"]) == (len(content), 0)
    assert (waiting["started_at"], waiting["finished_at"]) == (None, None)
    assert await left_of_files(pipeline) == 1
    clock.advance(timedelta(seconds=1))
    assert await pipeline.import_runner.run_once()
    done = (await client.get(path)).json()
    assert done["state"] == "done"
    assert [done[name] for name in COUNTS] == [250, 0, 1]
    assert done["bytes_done"] == done["bytes_total"]
    assert done["created_at"] < done["started_at"] == done["finished_at"]
    assert await left_of_files(pipeline) == 0
    assert await pipeline.value("SELECT count(*) FROM message_logs") == 250
    assert not await pipeline.import_runner.run_once()


async def test_who_was_there_as_the_file_says_is_told_apart(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    for rows, counts in ((people(3), [3, 0, 0]), ([*people(2), "A" + GOOD.format(2)], [0, 3, 2])):
        path = await start(client, file_of(*rows))
        await pipeline.import_runner.run_once()
        done = (await client.get(path)).json()
        assert [done[name] for name in ("imported", "updated", "unchanged")] == counts


async def test_a_file_may_come_in_pieces_of_any_size(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    content = b"\xef\xbb\xbf" + file_of(*people(30), 'Ren\u00e9,"L\n2",rene@example.com,UTC,')

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(content), 7):
            yield content[at : at + 7]

    path = await start(client, pieces())
    assert await left_of_files(pipeline) == 2
    await pipeline.import_runner.run_once()
    done = (await client.get(path)).json()
    assert [done[name] for name in COUNTS] == [30, 0, 1]
    assert done["bytes_total"] == len(content)


async def test_rejected_rows_come_back_as_they_came(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    wrong = ["=1+1,@x,nobody,UTC,", 'half,"row', "a,b,c,d,e,f,g", "Ada\x00,L,n@example.com,UTC,"]
    path = await start(client, file_of(GOOD.format(1), *wrong, GOOD.format(1)) + b"Ren\xe9,L,r@x\n")
    await pipeline.import_runner.run_once()
    reply = await client.get(f"{path}/rejected")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"].startswith("attachment; filename=")
    header, *rows = csv.reader(reply.content.decode("utf-8", "surrogateescape").splitlines())
    assert header == [*HEADER.split(","), "line", "reason"]
    assert [(row[:5], row[5]) for row in rows] == [
        (["=1+1", "@x", "nobody", "UTC", ""], "3"),
        (['half,"row', "", "", "", ""], "4"),
        (["a", "b", "c", "d", "e,f,g"], "5"),
        (["Ada\x00", "L", "n@example.com", "UTC", ""], "6"),
        (GOOD.format(1).split(","), "7"),
        (["Ren\udce9", "L", "r@x", "", ""], "8"),
    ]
    assert "email: is not an email address" in rows[0][6]
    assert "line 2" in rows[4][6]
    emails = await pipeline.rows("SELECT email FROM import_rejects ORDER BY line")
    assert [row["email"] for row in emails] == [
        None, None, None, "n@example.com", "ada1@example.com", "r@x",
    ]  # fmt: skip


async def test_a_report_of_many_rows_holds_each_once(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    path = await start(client, file_of(*(f"Ada,L,wrong{n},UTC," for n in range(1203))))
    await pipeline.import_runner.run_once()
    rows = list(csv.DictReader((await client.get(f"{path}/rejected")).text.splitlines()))
    assert [row["line"] for row in rows] == [str(n + 2) for n in range(1203)]


async def test_a_report_may_be_read_before_anything_was_rejected(client: httpx.AsyncClient) -> None:
    path = await start(client, b"\xef\xbb\xbf" + file_of())
    reply = await client.get(f"{path}/rejected")
    assert reply.content == b"\xef\xbb\xbf" + f"{HEADER},line,reason\n".encode()


async def test_columns_that_the_file_does_not_have_stay_as_they_are(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.insert(email="ada1@example.com", location_city="Paris", first_name="Old")
    await start(client, file_of(GOOD.format(1)))
    await pipeline.import_runner.run_once()
    (row,) = await pipeline.rows("SELECT first_name, location_city FROM users")
    assert tuple(row) == ("Ada", "Paris")


async def test_imports_are_listed_the_newest_first(
    client: httpx.AsyncClient, clock: FakeClock
) -> None:
    paths = []
    for _ in range(3):
        paths.append(await start(client, file_of()))
        clock.advance(timedelta(seconds=1))
    first = (await client.get(IMPORTS, params={"limit": 2})).json()
    last = (await client.get(IMPORTS, params={"limit": 2, "after": first["next"]})).json()
    ids = [job["id"] for job in [*first["items"], *last["items"]]]
    assert ids == [path.rpartition("/")[2] for path in reversed(paths)]
    assert last["next"] is None


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"", "Is empty"),
        (b"\xff\xfef\x00i\x00r\x00s\x00t\x00", "UTF-16"),
        (b"first_name;last_name;email;timezone\n", "commas"),
        (b"first_name,last_name,email\n", "timezone: is required"),
        (file_of(header=f"{HEADER},shoe_size"), "shoe_size: is not a column"),
        (b"SECRET,SECRET@example.com,UTC\n", "no header"),
    ],
)
async def test_a_file_that_is_none_of_people_is_refused_at_once(
    client: httpx.AsyncClient, pipeline: Pipeline, content: bytes, detail: str
) -> None:
    reply = await client.post(IMPORTS, content=content, headers=CSV)
    assert (reply.status_code, reply.json()["type"]) == (422, "/problems/invalid-input")
    errors = reply.json()["errors"]
    assert detail.lower() in " ".join(error["detail"] for error in errors).lower()
    assert {error["pointer"] for error in errors} == {""}
    assert "SECRET" not in reply.text
    assert await pipeline.value("SELECT count(*) FROM import_jobs") == 0


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("text/csv", 202),
        ("Text/CSV; charset=UTF-8", 202),
        ('text/csv; charset="utf-8"; header=present', 202),
        ("text/csv; charset=utf-16", 415),
        ("text/csv; header=absent", 415),
        ("text/plain", 415),
        ("application/json", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ],
)
async def test_only_csv_in_utf_8_is_taken(
    client: httpx.AsyncClient, content_type: str, status: int
) -> None:
    headers = {"Content-Type": content_type}
    reply = await client.post(IMPORTS, content=file_of(), headers=headers)
    assert reply.status_code == status


async def test_a_file_over_the_limit_leaves_nothing_behind(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    """The limit of the tests is 1 MiB. It counts what comes, not what was announced."""
    too_long = file_of(*people(20_000))

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(too_long), 64_000):
            yield too_long[at : at + 64_000]

    for content in (too_long, pieces()):
        reply = await client.post(IMPORTS, content=content, headers=CSV)
        assert (reply.status_code, reply.json()["type"]) == (413, "/problems/body-too-large")
    assert await pipeline.value("SELECT count(*) FROM import_jobs") == 0
    assert await left_of_files(pipeline) == 0


async def test_what_is_cancelled_is_not_imported_and_is_forgotten_when_asked_again(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    path = await start(client, file_of(*people(3)))
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).json()["state"] == "cancelled"
    assert await left_of_files(pipeline) == 0
    assert not await pipeline.import_runner.run_once()
    assert await pipeline.value("SELECT count(*) FROM users") == 0
    assert (await client.delete(path)).status_code == 204
    for reply in (await client.get(path), await client.delete(path)):
        assert (reply.status_code, reply.json()["type"]) == (404, "/problems/no-such-import")


async def test_what_is_forgotten_takes_its_rejected_rows_along(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    path = await start(client, file_of("Ada,L,wrong,UTC,"))
    await pipeline.import_runner.run_once()
    await client.delete(path)
    assert await pipeline.value("SELECT count(*) FROM import_rejects") == 0
    assert (await client.get(f"{path}/rejected")).status_code == 404


async def test_rejected_rows_are_gone_after_a_week(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    path = await start(client, file_of("Ada,L,wrong,UTC,"))
    await pipeline.import_runner.run_once()
    for wait, left in ((KEPT_REJECTS - timedelta(hours=1), 1), (timedelta(hours=2), 0)):
        clock.advance(wait)
        await pipeline.import_runner.run_once()
        assert await pipeline.value("SELECT count(*) FROM import_rejects") == left
    assert (await client.get(path)).json()["rejected"] == 1


async def test_an_unknown_import_is_not_found(client: httpx.AsyncClient) -> None:
    path = f"{IMPORTS}/{uuid4()}"
    for reply in (
        await client.get(path),
        await client.get(f"{path}/rejected"),
        await client.delete(path),
    ):
        assert (reply.status_code, reply.json()["type"]) == (404, "/problems/no-such-import")


async def test_a_hostile_file_costs_its_own_rows_alone(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    """Lines without end, quotes that are never closed, controls: each is refused with a reason."""
    hostile = [
        "x" * 70_000,
        '"' + "never closed\n" * 30,
        "\u202eada,L,bidi@example.com,UTC,1990-01-15",
        "\U0001f600" * 100 + ",L,emoji@example.com,UTC,1990-01-15",
        "\U0001f600" * 101 + ",L,emoji101@example.com,UTC,1990-01-15",
        "=?utf-8?q?Ada?=,L,encoded@example.com,UTC,1990-01-15",
        "Ada\x07,L,bell@example.com,UTC,1990-01-15",
        f"{'9' * 5000},L,number@example.com,UTC,{'9' * 5000}",
        ",".join(["x"] * 3000),
    ]
    path = await start(client, file_of(*hostile, GOOD.format(1)))
    service = ImportService(pipeline.database, pipeline.planner, pipeline.clock)
    assert await ImportRunner(pipeline.database, service, pipeline.clock).run_once()
    done = (await client.get(path)).json()
    assert done["state"] == "done"
    stored = await pipeline.rows("SELECT first_name FROM users ORDER BY email")
    assert [row["first_name"] for row in stored] == [
        "Ada",
        "\u202eada",
        "\U0001f600" * 100,
        "=?utf-8?q?Ada?=",
    ]
    assert done["rejected"] > 5
