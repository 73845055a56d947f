"""A write with an Idempotency-Key is done once, whatever happens; its reply can be had again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from heyday.api.keys import KEYS
from heyday.api.users import PEOPLE, SHORT
from heyday.db.replies import ReplyRepository
from heyday.domain.access import Scope
from heyday.domain.replies import KeptReply, ReplyKey, Write
from heyday.services.replies import ReplyService
from tests.factories import Pipeline, person
from tests.fakes import FakeClock
from tests.keys import Doors

KEY = {"Idempotency-Key": "order-66"}
REPLAYED = "idempotent-replayed"
FORMS = pytest.mark.parametrize("path", [PEOPLE, SHORT])
# Between two requests of one caller, what the database holds of them.
BACKENDS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND state = 'idle in transaction'"
)


async def count(pipeline: Pipeline, table: str = "users") -> int:
    return int(await pipeline.value(f"SELECT count(*) FROM {table}"))  # noqa: S608 - our own names


# --- The same request again ------------------------------------------------------------------


@FORMS
async def test_a_repeated_request_gets_the_first_reply_and_does_nothing(
    client: httpx.AsyncClient, pipeline: Pipeline, path: str
) -> None:
    body = person(birthday_date="1990-01-15")
    first, again = [await client.post(path, json=body, headers=KEY) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    assert again.content == first.content
    same = ("etag", "location", "content-type", "content-length", "cache-control")
    assert [again.headers[name] for name in same] == [first.headers[name] for name in same]
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert await count(pipeline) == 1
    assert len(await pipeline.messages()) == 1


@FORMS
async def test_every_write_of_a_person_may_be_repeated(
    client: httpx.AsyncClient, path: str
) -> None:
    made = (await client.post(path, json=person())).json()
    item = f"{path}/{made['id']}"
    writes: list[tuple[str, str, Any]] = [
        ("PUT", item, person()),
        ("PATCH", f"{PEOPLE}/{made['id']}", {"location_city": "Rome"}),
        ("POST", f"{PEOPLE}/{made['id']}/unsubscribe", None),
        ("POST", f"{PEOPLE}/{made['id']}/resubscribe", None),
        ("DELETE", item, None),
        ("POST", f"{PEOPLE}/{made['id']}/undelete", None),
    ]
    for number, (method, url, body) in enumerate(writes):
        key = {"Idempotency-Key": f"write-{number}"}
        first = await client.request(method, url, json=body, headers=key)
        again = await client.request(method, url, json=body, headers=key)
        assert first.is_success, first.text
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers[REPLAYED] == "true"
        assert again.headers.get("etag") == first.headers.get("etag")


async def test_the_second_delete_is_the_reply_to_the_first_and_no_404(
    client: httpx.AsyncClient,
) -> None:
    made = (await client.post(PEOPLE, json=person())).json()
    item = f"{PEOPLE}/{made['id']}"
    replies = [await client.delete(item, headers=KEY) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [204, 204]
    assert (await client.delete(item)).status_code == 404


async def test_twins_at_once_are_done_once(client: httpx.AsyncClient, pipeline: Pipeline) -> None:
    body = person()
    replies = await asyncio.gather(*(client.post(PEOPLE, json=body, headers=KEY) for _ in range(8)))
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.content for reply in replies}) == 1
    assert sum(REPLAYED in reply.headers for reply in replies) == 7
    assert await count(pipeline) == 1


async def test_a_reply_is_kept_for_48_hours_and_the_key_is_free_afterwards(
    client: httpx.AsyncClient, clock: FakeClock
) -> None:
    made = (await client.post(PEOPLE, json=person())).json()
    change = {"location_city": "Rome"}
    item = f"{PEOPLE}/{made['id']}"
    first = await client.patch(item, json=change, headers=KEY)
    clock.advance(timedelta(hours=47, minutes=59))
    assert REPLAYED in (await client.patch(item, json=change, headers=KEY)).headers
    clock.advance(timedelta(minutes=2))
    late = await client.patch(item, json={"location_city": "Oslo"}, headers=KEY)
    assert REPLAYED not in late.headers
    assert (late.status_code, late.json()["location_city"]) == (200, "Oslo")
    assert late.headers["etag"] != first.headers["etag"]


async def test_each_caller_has_keys_of_their_own(
    client: httpx.AsyncClient, doors: Doors, pipeline: Pipeline
) -> None:
    others = await doors.opened(Scope.USERS_WRITE)
    mine = await client.post(PEOPLE, json=person(), headers=KEY)
    theirs = await client.post(PEOPLE, json=person(), headers=KEY | others)
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert await count(pipeline) == 2


async def test_repeats_hold_no_connection_afterwards(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    body = person()
    for _ in range(25):
        assert (await client.post(PEOPLE, json=body, headers=KEY)).status_code == 201
        assert (await client.post(PEOPLE, json={}, headers=KEY)).status_code == 422
    assert await count(pipeline) == 1


# --- Another request with the same key -------------------------------------------------------


@pytest.mark.parametrize("what", ["body", "path", "query", "method", "if-match"])
async def test_a_key_stands_for_one_request(
    client: httpx.AsyncClient, pipeline: Pipeline, what: str
) -> None:
    made = await client.post(PEOPLE, json=person())
    item = f"{PEOPLE}/{made.json()['id']}"
    body, tag = person(), {"If-Match": made.headers["etag"]}
    first = await client.put(item, json=body, headers=KEY)
    assert first.status_code == 200
    others = {
        "body": ("PUT", item, person(), {}),
        "path": ("PUT", f"{SHORT}/{made.json()['id']}", body, {}),
        "query": ("PUT", f"{item}?why=not", body, {}),
        "method": ("PATCH", item, body, {}),
        "if-match": ("PUT", item, body, tag),
    }
    method, url, other, headers = others[what]
    reply = await client.request(method, url, json=other, headers=KEY | headers)
    assert (reply.status_code, reply.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert await pipeline.value("SELECT updated_at FROM users") == datetime.fromisoformat(
        first.json()["updated_at"]
    )


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "sch\u00f6n", "tab\there"])
async def test_a_key_that_is_none_is_refused(
    client: httpx.AsyncClient, pipeline: Pipeline, key: str
) -> None:
    headers = {"Idempotency-Key": key.encode("latin-1")}
    reply = await client.post(PEOPLE, json=person(), headers=headers)  # type: ignore[arg-type]
    assert (reply.status_code, reply.json()["type"]) == (400, "/problems/malformed-idempotency-key")
    assert await count(pipeline) == 0


async def test_two_keys_at_once_are_refused(client: httpx.AsyncClient) -> None:
    headers = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    reply = await client.post(PEOPLE, json=person(), headers=headers)
    assert (reply.status_code, reply.json()["type"]) == (400, "/problems/malformed-idempotency-key")


async def test_the_longest_key_is_taken(client: httpx.AsyncClient) -> None:
    reply = await client.post(PEOPLE, json=person(), headers={"Idempotency-Key": "~" * 255})
    assert reply.status_code == 201


# --- A refusal is not kept -------------------------------------------------------------------


async def test_the_key_of_a_refused_request_serves_the_corrected_one(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    wrong = await client.post(PEOPLE, json=person(timezone="Mars/Phobos"), headers=KEY)
    assert wrong.status_code == 422
    assert await count(pipeline, "api_replies") == 0
    right = await client.post(PEOPLE, json=person(), headers=KEY)
    assert (right.status_code, REPLAYED in right.headers) == (201, False)


async def test_a_refusal_in_the_middle_of_a_write_leaves_nothing(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await client.post(PEOPLE, json=person(email="ada@example.com"))
    taken = await client.post(PEOPLE, json=person(email="ADA@example.com"), headers=KEY)
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/email-taken")
    assert (await count(pipeline), await count(pipeline, "api_replies")) == (1, 0)
    assert (
        await pipeline.value(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
        )
        == 0
    )


async def test_a_fault_of_ours_leaves_nothing(
    client: httpx.AsyncClient, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = pipeline.users.create

    async def fail_late(fields: Any) -> None:
        await create(fields)
        raise RuntimeError

    monkeypatch.setattr(type(pipeline.users), "create", lambda _, fields: fail_late(fields))
    body = person()
    assert (await client.post(PEOPLE, json=body, headers=KEY)).status_code == 500
    monkeypatch.undo()
    assert await count(pipeline) == 0
    assert (await client.post(PEOPLE, json=body, headers=KEY)).status_code == 201


async def test_reads_take_no_key(client: httpx.AsyncClient, pipeline: Pipeline) -> None:
    for _ in range(2):
        reply = await client.get(PEOPLE, headers={"Idempotency-Key": "two words"})
        assert (reply.status_code, REPLAYED in reply.headers) == (200, False)
    assert await count(pipeline, "api_replies") == 0


async def test_of_a_reply_that_holds_a_secret_nothing_is_kept(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    draft = {"name": "payroll", "scopes": ["users:read"]}
    first, again = [await client.post(KEYS, json=draft, headers=KEY) for _ in range(2)]
    assert first.json()["key"] != again.json()["key"]
    assert await count(pipeline, "api_replies") == 0


# --- While the first is under way ------------------------------------------------------------


async def test_a_twin_that_takes_too_long_is_not_waited_for_for_ever(
    client: httpx.AsyncClient, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, began, may_go_on = pipeline.users.create, asyncio.Event(), asyncio.Event()

    async def slowly(fields: Any) -> Any:
        began.set()
        await may_go_on.wait()
        return await create(fields)

    monkeypatch.setattr(type(pipeline.users), "create", lambda _, fields: slowly(fields))
    body = person()
    first = asyncio.create_task(client.post(PEOPLE, json=body, headers=KEY))
    await began.wait()
    twin = await client.post(PEOPLE, json=body, headers=KEY)
    assert (twin.status_code, twin.json()["type"]) == (409, "/problems/idempotency-key-in-use")
    assert int(twin.headers["retry-after"]) >= 1
    may_go_on.set()
    assert (await first).status_code == 201
    late = await client.post(PEOPLE, json=body, headers=KEY)
    assert (late.status_code, late.content) == (201, (await first).content)


async def test_a_twin_does_what_the_first_did_not_finish(
    client: httpx.AsyncClient, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, began, may_go_on = pipeline.users.create, asyncio.Event(), asyncio.Event()
    calls = 0

    async def fail_first(fields: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            await create(fields)
            began.set()
            await may_go_on.wait()
            raise RuntimeError
        return await create(fields)

    monkeypatch.setattr(type(pipeline.users), "create", lambda _, fields: fail_first(fields))
    body = person()
    first = asyncio.create_task(client.post(PEOPLE, json=body, headers=KEY))
    await began.wait()
    twin = asyncio.create_task(client.post(PEOPLE, json=body, headers=KEY))
    await pipeline.wait_until_blocked()
    may_go_on.set()
    assert (await first).status_code == 500
    assert ((await twin).status_code, REPLAYED in (await twin).headers) == (201, False)
    assert await count(pipeline) == 1


# --- A crash at each step --------------------------------------------------------------------


FailAt = Callable[[str, Callable[[], Awaitable[None]]], None]


class FailingReplies:
    """Fail once, at a step of a write with a key (domain.replies.ReplyStore)."""

    def __init__(
        self, store: ReplyRepository, at: str, fail: Callable[[], Awaitable[None]]
    ) -> None:
        self._store = store
        self._at: str | None = at
        self._fail = fail

    async def begin(
        self, key: ReplyKey, fingerprint: bytes, now: datetime, expired_before: datetime
    ) -> Write | KeptReply:
        began = await self._store.begin(key, fingerprint, now, expired_before)
        return began if isinstance(began, KeptReply) else _FailingWrite(began, self.reach)

    async def forget(self, expired_before: datetime, limit: int) -> int:
        return await self._store.forget(expired_before, limit)

    async def reach(self, step: str) -> None:
        if self._at == step:
            self._at = None
            await self._fail()


class _FailingWrite:
    def __init__(self, write: Write, reach: Callable[[str], Awaitable[None]]) -> None:
        self._write = write
        self._reach = reach

    async def commit(self, reply: KeptReply) -> None:
        await self._reach("done")
        await self._write.commit(reply)
        await self._reach("committed")

    async def abandon(self) -> None:
        await self._write.abandon()


@pytest.fixture
def fail_at(pipeline: Pipeline, replies: ReplyService, monkeypatch: pytest.MonkeyPatch) -> FailAt:
    """What has the application fail once, at a step of a write."""
    create = pipeline.users.create

    def arm(step: str, fail: Callable[[], Awaitable[None]]) -> None:
        store = FailingReplies(ReplyRepository(pipeline.database), step, fail)

        async def failing(_: object, fields: Any) -> Any:
            await store.reach("begun")
            return await create(fields)

        monkeypatch.setattr(replies, "_store", store)
        monkeypatch.setattr(type(pipeline.users), "create", failing)

    return arm


@pytest.mark.parametrize("step", ["begun", "done"])
async def test_where_the_connection_breaks_before_the_commit_the_repeat_does_it_once(
    client: httpx.AsyncClient, pipeline: Pipeline, fail_at: FailAt, step: str
) -> None:
    async def cut() -> None:
        connection = await asyncpg.connect(pipeline.url)
        await connection.execute(BACKENDS)
        await connection.close()

    fail_at(step, cut)
    body = person(birthday_date="1990-01-15")
    lost = await client.post(PEOPLE, json=body, headers=KEY)
    assert (lost.status_code, lost.json()["type"]) == (503, "/problems/unavailable")
    assert (await count(pipeline), await count(pipeline, "message_logs")) == (0, 0)
    again = await client.post(PEOPLE, json=body, headers=KEY)
    assert (again.status_code, REPLAYED in again.headers) == (201, False)
    assert (await count(pipeline), await count(pipeline, "message_logs")) == (1, 1)


@pytest.mark.parametrize("step", ["begun", "done"])
async def test_where_the_process_ends_before_the_commit_the_repeat_does_it_once(
    client: httpx.AsyncClient, pipeline: Pipeline, fail_at: FailAt, step: str
) -> None:
    async def end() -> None:
        raise asyncio.CancelledError

    fail_at(step, end)
    body = person()
    with pytest.raises(asyncio.CancelledError):
        await client.post(PEOPLE, json=body, headers=KEY)
    assert (await count(pipeline), await count(pipeline, "api_replies")) == (0, 0)
    again = await client.post(PEOPLE, json=body, headers=KEY)
    assert (again.status_code, REPLAYED in again.headers) == (201, False)


async def test_where_the_process_ends_after_the_commit_the_repeat_gets_the_reply(
    client: httpx.AsyncClient, pipeline: Pipeline, fail_at: FailAt
) -> None:
    async def end() -> None:
        raise asyncio.CancelledError

    fail_at("committed", end)
    body = person()
    with pytest.raises(asyncio.CancelledError):
        await client.post(PEOPLE, json=body, headers=KEY)
    assert (await count(pipeline), await count(pipeline, "api_replies")) == (1, 1)
    again = await client.post(PEOPLE, json=body, headers=KEY)
    assert (again.status_code, again.headers[REPLAYED]) == (201, "true")
    shown = await client.get(again.headers["location"])
    assert again.json() == shown.json()
    assert await count(pipeline) == 1


async def test_a_partition_that_a_write_makes_stays_though_the_write_is_undone(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.execute("DROP TABLE message_logs_y2027m01, idempotency_keys_y2027m01")
    await client.post(PEOPLE, json=person(email="ada@example.com"))
    await pipeline.execute("DROP TABLE message_logs_y2027m01, idempotency_keys_y2027m01")
    pipeline.planner._partitioned = None  # noqa: SLF001 - as in a process that has just started
    body = person(email="ada@example.com", birthday_date="1990-01-15")
    refused = await client.post(PEOPLE, json=body, headers=KEY)
    assert refused.status_code == 409
    taken = await client.post(PEOPLE, json=person(birthday_date="1990-01-15"), headers=KEY)
    assert taken.status_code == 201


# --- What is kept ----------------------------------------------------------------------------


async def test_a_kept_reply_names_the_people_whom_it_shows(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    made = (await client.post(PEOPLE, json=person(), headers=KEY)).json()
    row = (await pipeline.rows("SELECT * FROM api_replies"))[0]
    assert row["subject_ids"] == [UUID(made["id"])]
    assert (row["status"], row["idempotency_key"]) == (201, KEY["Idempotency-Key"])
    assert b"Lovelace" in row["body"]


async def test_old_replies_are_forgotten_in_small_steps(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock
) -> None:
    for number in range(5):
        headers = {"Idempotency-Key": str(number)}
        await client.post(PEOPLE, json=person(), headers=headers)
    store = ReplyRepository(pipeline.database)
    assert await ReplyService(store, clock).forget_old() == 0
    assert await store.forget(clock.now() + timedelta(seconds=1), 2) == 2
    clock.advance(timedelta(hours=48, seconds=1))
    assert await ReplyService(store, clock).forget_old() == 3
    assert await count(pipeline, "api_replies") == 0
