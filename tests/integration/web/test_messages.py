"""The pages of greetings: what they show of each status, to whom, and what their forms do."""

import re
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar

from heyday.db.seeding.sample import add_sample
from heyday.domain.access import Scope
from heyday.domain.transitions import Status
from tests.factories import Pipeline, timezones_of
from tests.fakes import START_AT, FakeClock
from tests.keys import Doors

NOON = START_AT + timedelta(hours=11)
SCRIPT = re.compile(r"<script(?![^>]*src=)|\son[a-z]+=|<style|\sstyle=", re.IGNORECASE)
CHOICE = re.compile(r'name="ids" value="([0-9a-f-]{36})"')
NEXT = re.compile(r'rel="next" href="([^"]+)"')


@pytest.fixture
async def sample(pipeline: Pipeline, clock: FakeClock) -> Mapping[Status, list[UUID]]:
    """A hundred people with greetings in every status; the ids of those, by status."""
    clock.set(NOON)
    async with pipeline.database.connection() as connection, connection.transaction():
        await add_sample(connection, timezones_of(), NOON)
    rows = await pipeline.rows("SELECT id, status FROM message_logs ORDER BY scheduled_send_time")
    found: dict[Status, list[UUID]] = {}
    for row in rows:
        found.setdefault(Status(row["status"]), []).append(row["id"])
    assert set(found) == set(Status)
    return found


@pytest.fixture
async def guest(app: Litestar, doors: Doors) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who may look at greetings, and at no people."""
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # Litestar's scope is narrower
    headers = await doors.opened(Scope.MESSAGES_READ)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers=headers
    ) as client:
        yield client


async def read(client: httpx.AsyncClient, path: str = "/messages", status: int = 200) -> str:
    response = await client.get(path)
    assert response.status_code == status, response.text
    assert SCRIPT.findall(response.text) == []
    return response.text


async def statuses(pipeline: Pipeline, *ids: UUID) -> list[str]:
    rows = await pipeline.rows("SELECT id, status FROM message_logs")
    return [row["status"] for each in ids for row in rows if row["id"] == each]


# --- The list ----------------------------------------------------------------------------------


async def test_an_empty_list_says_where_to_look(client: httpx.AsyncClient) -> None:
    text = await read(client)
    assert "No greeting has been due yet." in text
    assert 'href="/messages?status=SCHEDULED"' in text


@pytest.mark.parametrize("status", Status)
async def test_those_of_a_status_are_listed(
    client: httpx.AsyncClient, sample: Mapping[Status, list[UUID]], status: Status
) -> None:
    text = await read(client, f"/messages?status={status}")
    assert {UUID(found) for found in re.findall(r'href="/messages/([0-9a-f-]{36})"', text)} == set(
        sample[status]
    )
    number = len(sample[status])
    assert f"{number} greeting{'s fit' if number > 1 else ' fits'}." in text


async def test_a_list_goes_on_page_by_page(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(START_AT)
    for number in range(53):
        await pipeline.create(
            timezone="UTC", birthday_date="1990-01-15", email=f"{number}@example.com"
        )
    first = await read(client, "/messages?status=SCHEDULED")
    (path,) = set(NEXT.findall(first))
    second = await read(client, path.replace("&amp;", "&"))
    ids = CHOICE.findall(first) + CHOICE.findall(second)
    assert (len(CHOICE.findall(first)), len(ids), len(set(ids))) == (50, 53, 53)
    assert NEXT.findall(second) == []
    assert "From the beginning" in second


async def test_times_are_those_of_the_person_and_of_utc(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(START_AT)
    await pipeline.create(
        first_name="Yuki", last_name="Sato", timezone="Asia/Tokyo", birthday_date="1990-01-15"
    )
    text = await read(
        client, "/messages?status=SCHEDULED&zone=Asia/Tokyo&from=2027-01-15&to=2027-01-15"
    )
    assert "Fri 15 Jan 2027, 09:00:00" in text
    assert '<span class="zone">Asia/Tokyo</span>' in text
    assert "Fri 15 Jan 2027, 00:00:00" in text
    assert "<bdi>Yuki Sato</bdi>" in text
    # Dates are counted in the zone: in UTC it is on the day before no more.
    assert "No greeting fits" in await read(client, "/messages?zone=Asia/Tokyo&to=2027-01-14")


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("status=GONE", "is none of: SCHEDULED"),
        ("type=NAME_DAY", "is none of: ANNIVERSARY, BIRTHDAY"),
        ("from=14.1.2027", "is no date"),
        ("zone=Tokyo", "is no IANA time zone"),
        ("person=ada", "is no person&#39;s id"),
        ("order=random", "is none of: latest, earliest"),
        ("after=1-2", "is no place"),
    ],
)
async def test_what_makes_no_sense_is_named_and_nothing_listed(
    client: httpx.AsyncClient, sample: Mapping[Status, list[UUID]], query: str, problem: str
) -> None:
    assert sample
    text = await read(client, f"/messages?{query}", 400)
    assert problem in text
    assert "data-label" not in text


async def test_who_may_not_see_people_sees_no_names_and_no_forms(
    guest: httpx.AsyncClient, pipeline: Pipeline, sample: Mapping[Status, list[UUID]]
) -> None:
    names = await pipeline.rows("SELECT first_name, last_name, email FROM users")
    for path in ("/messages?status=UNKNOWN", f"/messages/{sample[Status.UNKNOWN][0]}"):
        text = await read(guest, path)
        assert '<form method="post" action="/messages' not in text
        assert [row["email"] for row in names if row["email"] in text] == []
        assert [row for row in names if f"{row['first_name']} {row['last_name']}" in text] == []
    refused = await guest.post(f"/messages/{sample[Status.UNKNOWN][0]}/retry")
    assert refused.status_code == 403
    assert (await guest.post("/messages/many", data={"do": "cancel"})).status_code == 403
    assert (await guest.get(f"/messages/{sample[Status.SENT][0]}/letter")).status_code == 404


# --- One ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", Status)
async def test_each_status_says_what_it_means_and_what_can_be_done(
    client: httpx.AsyncClient, sample: Mapping[Status, list[UUID]], status: Status
) -> None:
    text = await read(client, f"/messages/{sample[status][0]}")
    offers = set(re.findall(r'class="card offer" action="[^"]+/(\w+)"', text))
    pending = {"SCHEDULED", "QUEUED", "RETRYING"}
    expected = {"cancel"} if status in pending else set()
    if status is Status.UNKNOWN:
        expected = {"retry", "resolve"}
    elif status is Status.FAILED:
        expected = {"retry"}
    assert offers == expected
    for part in ("What happened", "Planned", "Due", "On record", "Idempotency key", "Epoch"):
        assert part in text


async def test_nobody_has_this_id(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/messages/{uuid4()}")).status_code == 404
    assert (await client.post(f"/messages/{uuid4()}/cancel", data={})).status_code == 404


async def test_its_letter_stands_in_a_frame_in_which_nothing_runs(
    client: httpx.AsyncClient, pipeline: Pipeline, sample: Mapping[Status, list[UUID]]
) -> None:
    message_id = sample[Status.SCHEDULED][0]
    await pipeline.execute(
        "UPDATE message_logs SET message_html = '<p>Hey <script>alert(1)</script></p>', "
        "message_content = '<b>not bold</b>' WHERE id = $1",
        message_id,
    )
    text = await read(client, f"/messages/{message_id}")
    assert "&lt;b&gt;not bold&lt;/b&gt;" in text
    assert f'src="/messages/{message_id}/letter"' in text
    letter = await client.get(f"/messages/{message_id}/letter")
    policy = letter.headers["content-security-policy"]
    assert policy.startswith("sandbox")
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    plain = sample[Status.SENT][0]
    await pipeline.execute("UPDATE message_logs SET message_html = NULL WHERE id = $1", plain)
    assert (await client.get(f"/messages/{plain}/letter")).status_code == 404


async def test_the_timeline_tells_of_attempts_events_and_decisions(
    client: httpx.AsyncClient, pipeline: Pipeline, sample: Mapping[Status, list[UUID]]
) -> None:
    message_id = sample[Status.UNKNOWN][0]
    # The audit log goes by PostgreSQL's clock, which is behind that of the test.
    await pipeline.execute("UPDATE message_logs SET created_at = now() - interval '1 day'")
    await pipeline.execute(
        "INSERT INTO message_events (event_id, delivery_date, message_id, provider, kind, code, "
        "happened_at, received_at) SELECT gen_random_uuid(), delivery_date, id, 'postmark', "
        "'bounced', '5.1.1', scheduled_send_time + interval '1 h', now() FROM message_logs "
        "WHERE id = $1",
        message_id,
    )
    response = await client.post(
        f"/messages/{message_id}/resolve", data={"do": "sent", "note": "in its log"}
    )
    assert (response.status_code, response.headers["location"]) == (303, f"/messages/{message_id}")
    text = re.sub(r"\s+", " ", await read(client, f"/messages/{message_id}"))
    for said in (
        "Attempt 1",
        "ambiguous: nobody can say whether it was taken",
        "no answer came in time",
        "Told by postmark",
        "bounced: there is no such address",
        "5.1.1",
        "A person decided: it was sent",
        "in its log",
        "Audit log: message.resolve, by",
        "1 greeting is marked as sent.",
        "after it was due",
    ):
        assert said in text, said
    assert await statuses(pipeline, message_id) == ["SENT"]


async def test_what_moved_on_meanwhile_is_refused_and_shown_as_it_is(
    client: httpx.AsyncClient, sample: Mapping[Status, list[UUID]]
) -> None:
    message_id = sample[Status.SENT][0]
    response = await client.post(f"/messages/{message_id}/cancel", data={})
    assert response.status_code == 409
    assert "a greeting cannot go from SENT to CANCELLED" in response.text


async def test_a_note_that_may_not_be_kept_is_refused(
    client: httpx.AsyncClient, pipeline: Pipeline, sample: Mapping[Status, list[UUID]]
) -> None:
    message_id = sample[Status.SCHEDULED][0]
    response = await client.post(f"/messages/{message_id}/cancel", data={"note": "ada@example.com"})
    assert response.status_code == 422
    assert "holds an address" in response.text
    assert await statuses(pipeline, message_id) == ["SCHEDULED"]


# --- Many --------------------------------------------------------------------------------------


async def test_the_chosen_ones_are_asked_about_and_then_cancelled(
    client: httpx.AsyncClient, pipeline: Pipeline, sample: Mapping[Status, list[UUID]]
) -> None:
    chosen = [*sample[Status.SCHEDULED][:2], sample[Status.SENT][0]]
    form: dict[str, object] = {"do": "cancel", "which": "chosen", "ids": [*map(str, chosen)]}
    asked = await client.post("/messages/many", data=form)
    assert asked.status_code == 200
    assert "Cancel 3 greetings?" in asked.text
    assert await statuses(pipeline, *chosen) == ["SCHEDULED", "SCHEDULED", "SENT"]
    done = await client.post(
        "/messages/many/cancel", data={**form, "agreed": "3", "note": "a mistake"}
    )
    assert done.status_code == 303
    said = await read(client)
    assert "2 greetings were cancelled. 1 had moved on meanwhile, and was left as it is." in said
    assert await statuses(pipeline, *chosen) == ["CANCELLED", "CANCELLED", "SENT"]
    lines = await pipeline.rows(
        "SELECT cardinality(subject_ids) FROM audit_log WHERE action = 'message.cancel'"
    )
    assert [row[0] for row in lines] == [2]


async def test_all_that_fit_are_counted_and_settled(
    client: httpx.AsyncClient, pipeline: Pipeline, sample: Mapping[Status, list[UUID]]
) -> None:
    number = len(sample[Status.UNKNOWN])
    form = {"do": "failed", "which": "all", "status": "UNKNOWN"}
    asked = await client.post("/messages/many", data=form)
    assert f"Give up {number} greetings?" in asked.text
    assert f'name="agreed" value="{number}"' in asked.text
    done = await client.post("/messages/many/resolve", data={**form, "agreed": str(number)})
    assert (done.status_code, done.headers["location"]) == (
        303,
        "/messages?status=UNKNOWN&order=latest",
    )
    assert set(await statuses(pipeline, *sample[Status.UNKNOWN])) == {"FAILED"}
    again = await client.post("/messages/many", data=form)
    assert "None can be decided about so" in again.text


async def test_without_a_yes_nothing_is_done(
    client: httpx.AsyncClient, pipeline: Pipeline, sample: Mapping[Status, list[UUID]]
) -> None:
    before = await pipeline.messages()
    form = {"do": "cancel", "which": "all"}
    assert "Cancel" in (await client.post("/messages/many/cancel", data=form)).text
    for wrong in (
        {"do": "cancel", "which": "chosen"},
        {"do": "cancel", "ids": "no-id"},
        {"do": "explode", "which": "all"},
        {"which": "all"},
        {"do": "cancel", "which": "all", "agreed": "9", "zone": "Tokyo"},
    ):
        for path in ("/messages/many", "/messages/many/cancel"):
            refused = await client.post(path, data=wrong)
            assert refused.status_code == 422
            assert "Nothing was done" in refused.text
    note = {"do": "cancel", "which": "all", "agreed": "9", "note": "ada@example.com"}
    refused = await client.post("/messages/many/cancel", data=note)
    assert (refused.status_code, "holds an address" in refused.text) == (422, True)
    # A form of one deed does no other.
    mixed = {"do": "failed", "which": "all", "status": "UNKNOWN", "agreed": "9"}
    assert "Give up" in (await client.post("/messages/many/cancel", data=mixed)).text
    assert await pipeline.messages() == before
    assert sample
