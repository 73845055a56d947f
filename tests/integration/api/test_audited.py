"""Every write and every look at a person leaves a line: who, what, whom, when, from where."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from heyday.api.audit import AUDIT
from heyday.api.keys import KEYS
from heyday.api.users import PEOPLE, SHORT
from heyday.db.audit import AuditRepository
from heyday.domain.access import Scope
from heyday.domain.errors import DatabaseUnavailable
from tests.factories import Pipeline, person
from tests.keys import Doors

FORMS = pytest.mark.parametrize("path", [PEOPLE, SHORT])


async def lines(pipeline: Pipeline) -> list[asyncpg.Record]:
    """Return the lines of the log, the first first."""
    return await pipeline.rows("SELECT * FROM audit_log ORDER BY id")


async def add(client: httpx.AsyncClient, path: str = PEOPLE, **fields: object) -> UUID:
    return UUID((await client.post(path, json=person(**fields))).json()["id"])


async def clear(pipeline: Pipeline) -> None:
    await pipeline.execute("TRUNCATE audit_log")


@FORMS
async def test_each_write_is_one_line_that_says_who_and_whom(
    client: httpx.AsyncClient, pipeline: Pipeline, doors: Doors, path: str
) -> None:
    (key,) = await doors.keys.list_all()
    await clear(pipeline)
    user_id = await add(client, path)
    item, long = f"{path}/{user_id}", f"{PEOPLE}/{user_id}"
    writes: list[tuple[str, str, Any]] = [
        ("PUT", item, person(timezone="Asia/Tokyo")),
        ("PATCH", long, {"location_city": "Rome"}),
        ("POST", f"{long}/unsubscribe", None),
        ("POST", f"{long}/resubscribe", None),
        ("DELETE", item, None),
        ("POST", f"{long}/undelete", None),
    ]
    for method, url, body in writes:
        reply = await client.request(method, url, json=body, headers={"X-Request-Id": "shop-7"})
        assert reply.is_success
    log = await lines(pipeline)
    assert [row["action"] for row in log] == [
        "person.create",
        "person.replace",
        "person.change",
        "person.unsubscribe",
        "person.resubscribe",
        "person.delete",
        "person.undelete",
    ]
    assert {tuple(row["subject_ids"]) for row in log} == {(user_id,)}
    assert {row["actor_kind"] for row in log} == {"key"}
    assert {row["actor_id"] for row in log} == {key.id}
    assert {row["actor_name"] for row in log} == {"a test"}
    assert {str(row["address"]) for row in log} == {"127.0.0.1"}
    assert {row["request_id"] for row in log[1:]} == {"shop-7"}
    assert {row["sql_role"] for row in log} == {await pipeline.value("SELECT session_user")}


async def test_a_line_names_the_fields_that_changed_and_never_a_value(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user_id = await add(client, first_name="Wilhelmina", email="wilhelmina@example.com")
    await client.patch(
        f"{PEOPLE}/{user_id}",
        json={"first_name": "Zenobia", "birthday_date": "1990-02-03", "location_city": None},
    )
    await client.get(f"{PEOPLE}/{user_id}")
    await client.post(f"{PEOPLE}/{user_id}/unsubscribe?message_type=BIRTHDAY")
    await client.delete(f"{PEOPLE}/{user_id}")
    log = await lines(pipeline)
    changed = {row["action"]: row["fields"] for row in log}
    assert changed["person.create"] == []
    assert changed["person.change"] == ["first_name", "birthday_date"]
    assert changed["person.unsubscribe"] == ["birthday_unsubscribed_at"]
    assert changed["person.delete"] == ["deleted_at"]
    written = str([dict(row) for row in log])
    for value in ("Wilhelmina", "Zenobia", "@example.com", "1990", "02-03"):
        assert value not in written


async def test_metrics_are_shown_without_a_line(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    # Nobody is in them. They are asked for every few seconds, also while PostgreSQL is away.
    await clear(pipeline)
    assert (await client.get("/metrics")).status_code == 200
    assert await lines(pipeline) == []


@FORMS
async def test_a_look_is_a_line_before_anything_is_shown(
    client: httpx.AsyncClient, pipeline: Pipeline, path: str
) -> None:
    ids = sorted([await add(client), await add(client)])
    await clear(pipeline)
    assert (await client.get(f"{path}/{ids[0]}")).status_code == 200
    assert (await client.head(f"{path}/{ids[0]}")).status_code == 200
    await client.get(PEOPLE)
    log = [(row["action"], row["subject_ids"]) for row in await lines(pipeline)]
    assert log == [
        ("person.get", ids[:1]),
        ("person.get", ids[:1]),
        ("people.list", ids),
    ]


async def test_what_cannot_be_noted_is_not_shown(
    client: httpx.AsyncClient, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = await add(client, first_name="Wilhelmina")

    async def fail(*_: object) -> None:
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(AuditRepository, "add_looks", fail)
    for path in (f"{PEOPLE}/{user_id}", PEOPLE):
        reply = await client.get(path)
        assert (reply.status_code, reply.json()["type"]) == (503, "/problems/unavailable")
        assert "Wilhelmina" not in reply.text
    monkeypatch.undo()
    await pipeline.execute("DROP TABLE audit_log CASCADE")
    for path in (f"{PEOPLE}/{user_id}", PEOPLE):
        reply = await client.get(path)
        assert (reply.status_code, "Wilhelmina" in reply.text) == (500, False)


async def test_what_cannot_be_noted_is_not_done(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.execute("DROP TABLE audit_log CASCADE")
    assert (await client.post(PEOPLE, json=person())).status_code == 500
    assert (
        await client.post(f"{KEYS}", json={"name": "x", "scopes": ["admin"]})
    ).status_code == 500
    assert await pipeline.value("SELECT count(*) FROM users") == 0


async def test_what_is_refused_leaves_no_line(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await add(client, email="ada@example.com")
    await clear(pipeline)
    await client.post(PEOPLE, json=person(email="ada@example.com"))
    await client.post(PEOPLE, json=person(email="nobody"))
    await client.get(f"{PEOPLE}/{uuid4()}")
    await client.delete(f"{PEOPLE}/{uuid4()}")
    await client.get(PEOPLE, headers={"Authorization": "Bearer nothing"})
    assert await lines(pipeline) == []


async def test_what_the_caller_knows_already_is_no_look(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    made = await client.post(PEOPLE, json=person())
    await clear(pipeline)
    item = f"{PEOPLE}/{made.json()['id']}"
    reply = await client.get(item, headers={"If-None-Match": made.headers["etag"]})
    assert reply.status_code == 304
    assert await lines(pipeline) == []


async def test_a_write_that_changes_nothing_is_noted_all_the_same(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user_id = await add(client)
    await client.post(f"{PEOPLE}/{user_id}/unsubscribe")
    await clear(pipeline)
    await client.post(f"{PEOPLE}/{user_id}/unsubscribe")
    (line,) = await lines(pipeline)
    assert (line["action"], line["subject_ids"]) == ("person.unsubscribe", [user_id])


async def test_a_write_that_touches_nobody_is_a_line_as_well(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    made = await client.post(KEYS, json={"name": "payroll", "scopes": ["users:read"]})
    await client.delete(f"{KEYS}/{made.json()['prefix']}")
    actions = [row["action"] for row in await lines(pipeline)]
    assert actions[-2:] == ["key.create", "key.revoke"]
    assert made.json()["key"] not in str([dict(row) for row in await lines(pipeline)])


async def test_a_write_with_a_key_is_one_line_and_its_repeat_a_look(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    headers, body = {"Idempotency-Key": "one"}, person()
    user_id = UUID((await client.post(PEOPLE, json=body, headers=headers)).json()["id"])
    await client.post(PEOPLE, json=body, headers=headers)
    log = [(row["action"], row["subject_ids"]) for row in await lines(pipeline)]
    assert log[-2:] == [("person.create", [user_id]), ("reply.replay", [user_id])]


async def test_what_asks_for_no_key_and_shows_nobody_leaves_no_line(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await clear(pipeline)
    for path in ("/health", "/health/live", "/openapi.json", "/docs", "/problems/not-found"):
        assert (await client.get(path)).status_code == 200
    assert await lines(pipeline) == []


async def test_many_looks_at_once_share_a_statement_and_each_has_its_line(
    client: httpx.AsyncClient, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = await add(client)
    await clear(pipeline)
    groups: list[int] = []
    add_looks = AuditRepository.add_looks

    async def counted(self: AuditRepository, deeds: Any) -> None:
        groups.append(len(deeds))
        await add_looks(self, deeds)

    monkeypatch.setattr(AuditRepository, "add_looks", counted)
    headers = [{"X-Request-Id": f"r{number}"} for number in range(40)]
    await asyncio.gather(*(client.get(f"{PEOPLE}/{user_id}", headers=h) for h in headers))
    assert {row["request_id"] for row in await lines(pipeline)} == {f"r{n}" for n in range(40)}
    assert sum(groups) == 40
    assert len(groups) < 40


async def test_people_who_come_in_a_file_are_noted_under_its_import(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    rows = [f"A,B,{number}@example.com,UTC" for number in range(250)]
    content = "\n".join(["first_name,last_name,email,timezone", *rows, ""])
    reply = await client.post(
        "/api/v1/imports",
        content=content,
        headers={"Content-Type": "text/csv", "Idempotency-Key": "taken by no file"},
    )
    assert reply.status_code == 202
    await pipeline.import_runner.run_once()
    log = (await lines(pipeline))[1:]
    assert (log[0]["action"], log[0]["actor_kind"]) == ("import.start", "key")
    assert {(row["action"], row["actor_kind"], str(row["actor_id"])) for row in log[1:]} == {
        ("import.run", "job", reply.json()["id"])
    }
    assert sum(len(row["subject_ids"]) for row in log[1:]) == 250


async def test_a_decision_on_a_message_names_its_person(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    user_id = await add(client, birthday_date="1990-01-15")
    message = await pipeline.message(user_id)
    await clear(pipeline)
    path = f"/api/v1/messages/{message['id']}"
    assert (await client.get(path)).status_code == 200
    assert (await client.post(f"{path}/cancel", json={"note": "asked"})).status_code == 200
    log = [(row["action"], row["subject_ids"]) for row in await lines(pipeline)]
    assert log == [("message.show", [user_id]), ("message.cancel", [user_id])]


async def test_of_people_in_bulk_the_reply_and_the_log_name_each(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    known = await client.post(PEOPLE, json=person(email="ada@example.com"))
    await clear(pipeline)
    body = {"people": [person(email="ada@example.com", location_city="Rome"), person()]}
    reply = await client.post(f"{PEOPLE}/bulk", json=body, headers={"Idempotency-Key": "many"})
    assert reply.status_code == 200, reply.text
    ids = {UUID(row["id"]) for row in reply.json()["results"]}
    assert UUID(known.json()["id"]) in ids
    log = await lines(pipeline)
    assert {user_id for row in log for user_id in row["subject_ids"]} == ids
    assert len({row["action"] for row in log}) == 1
    assert set(await pipeline.value("SELECT subject_ids FROM api_replies")) == ids


async def test_keys_are_watched_also_past_the_api_but_for_their_last_use(
    pipeline: Pipeline, doors: Doors
) -> None:
    await doors.key(Scope.ADMIN)
    await pipeline.execute("UPDATE api_keys SET last_used_at = now()")
    await pipeline.execute("UPDATE api_keys SET scopes = '{users:read}'")
    await pipeline.execute("DELETE FROM api_keys")
    assert [row["action"] for row in await lines(pipeline)] == [
        "keys.insert",
        "keys.update",
        "keys.delete",
    ]


# --- Edits past the API ----------------------------------------------------------------------


async def test_edits_by_sql_are_noted_under_the_role(pipeline: Pipeline) -> None:
    user_id = await pipeline.insert()
    await pipeline.execute("UPDATE users SET timezone = 'Asia/Tokyo', location_city = 'Kyoto'")
    await pipeline.execute("UPDATE users SET timezone = 'Asia/Tokyo' WHERE false")
    await pipeline.execute("DELETE FROM users")
    await pipeline.execute("TRUNCATE users CASCADE")
    role = await pipeline.value("SELECT session_user")
    log = await lines(pipeline)
    assert [(row["action"], row["subject_ids"], row["fields"]) for row in log] == [
        ("people.insert", [user_id], []),
        ("people.update", [user_id], ["timezone", "location_city"]),
        ("people.delete", [user_id], []),
        ("people.truncate", [], []),
    ]
    assert {(row["actor_kind"], row["actor_name"], row["sql_role"]) for row in log} == {
        ("sql", role, role)
    }


async def test_a_statement_is_one_line_however_many_people(pipeline: Pipeline) -> None:
    many = (
        "INSERT INTO users (first_name, last_name, email, timezone) "
        "SELECT 'A', 'B', n || '@example.com', 'UTC' FROM generate_series(1, 25000) n"
    )
    await pipeline.execute(many)
    await pipeline.execute("UPDATE users SET last_name = 'C'")
    log = await lines(pipeline)
    assert [(row["action"], len(row["subject_ids"])) for row in log] == [
        ("people.insert", 10_000),
        ("people.insert", 10_000),
        ("people.insert", 5_000),
        ("people.update", 10_000),
        ("people.update", 10_000),
        ("people.update", 5_000),
    ]
    assert len({user_id for row in log[:3] for user_id in row["subject_ids"]}) == 25_000


async def test_a_role_that_may_write_people_needs_no_right_to_the_log_and_gets_none(
    pipeline: Pipeline,
) -> None:
    role = f"clerk_{uuid4().hex[:8]}"
    await pipeline.execute(f"CREATE ROLE {role} LOGIN")
    try:
        await pipeline.execute(f"GRANT SELECT, INSERT, UPDATE ON users TO {role}")
        async with pipeline.database.connection() as connection:
            await connection.execute(f"SET SESSION AUTHORIZATION {role}")
            try:
                await connection.execute(
                    "INSERT INTO users (first_name, last_name, email, timezone) "
                    "VALUES ('A', 'B', 'a@example.com', 'UTC')"
                )
                for forbidden in (
                    "SELECT * FROM audit_log",
                    "DELETE FROM audit_log",
                    "SELECT note_deed('{}')",
                    "SELECT add_to_audit_log('x', '{}', '{}')",
                ):
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await connection.execute(forbidden)
            finally:
                await connection.execute("RESET SESSION AUTHORIZATION")
        (line,) = await lines(pipeline)
        assert (line["actor_name"], line["sql_role"]) == (role, role)
    finally:
        await pipeline.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


async def test_who_gives_another_name_by_sql_is_known_by_the_role(pipeline: Pipeline) -> None:
    async with pipeline.database.connection() as connection, connection.transaction():
        await connection.execute(
            """SET LOCAL heyday.deed = '{"kind": "key", "name": "payroll", "action": "x.y"}'"""
        )
        await connection.execute(
            "INSERT INTO users (first_name, last_name, email, timezone) "
            "VALUES ('A', 'B', 'a@example.com', 'UTC')"
        )
    await pipeline.execute("UPDATE users SET last_name = 'C'")
    role = await pipeline.value("SELECT session_user")
    log = await lines(pipeline)
    assert [(row["actor_name"], row["action"], row["sql_role"]) for row in log] == [
        ("payroll", "x.y", role),
        (role, "people.update", role),
    ]


@pytest.mark.parametrize(
    "name", ['O\'Hara \\ "x"; DROP TABLE users; --', "\u4e2d\u6587 \U0001f382"]
)
async def test_the_name_of_a_key_is_noted_as_it_is(
    client: httpx.AsyncClient, doors: Doors, pipeline: Pipeline, name: str
) -> None:
    key = await doors.key(Scope.USERS_WRITE, name=name)
    reply = await client.post(PEOPLE, json=person(), headers={"Authorization": f"Bearer {key}"})
    assert reply.status_code == 201
    assert (await lines(pipeline))[-1]["actor_name"] == name


# --- Reading it ------------------------------------------------------------------------------


async def test_the_log_is_read_in_pages_the_latest_first(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    ids = [await add(client) for _ in range(5)]
    await clear(pipeline)
    for user_id in ids:
        await client.get(f"{PEOPLE}/{user_id}")
    seen: list[str] = []
    query = {"limit": "2", "action": "person.get"}
    while True:
        page = (await client.get(AUDIT, params=query)).json()
        seen += [line["subject_ids"][0] for line in page["items"]]
        if page["next"] is None:
            break
        query["after"] = str(page["next"])
    assert seen == [str(user_id) for user_id in reversed(ids)]


async def test_the_log_is_searched_by_person_actor_action_and_time(
    client: httpx.AsyncClient, pipeline: Pipeline, doors: Doors
) -> None:
    ada, bob = await add(client), await add(client)
    await pipeline.execute("UPDATE users SET location_city = 'Rome'")
    await client.get(f"{PEOPLE}/{bob}")
    other = await doors.opened(Scope.USERS_READ)
    await client.get(f"{PEOPLE}/{ada}", headers=other)
    key = max(await doors.keys.list_all(), key=lambda k: Scope.USERS_READ in k.scopes)

    async def actions(**query: str) -> list[str]:
        reply = await client.get(AUDIT, params=query)
        return [line["action"] for line in reply.json()["items"]]

    mine = ["person.get", "people.update", "person.create"]
    assert await actions(person=str(ada)) == mine
    assert await actions(person=str(bob)) == mine
    assert await actions(person=str(uuid4())) == []
    assert await actions(key=key.prefix) == ["person.get"]
    assert await actions(actor="a test", action="person.create") == ["person.create"] * 2
    assert await actions(until="2020-01-01T00:00:00Z") == []
    assert await actions(since="2020-01-01T00:00:00Z", person=str(ada)) == mine
    assert await actions(since="2100-01-01T00:00:00Z") == []


async def test_a_person_is_found_in_lines_of_very_many(
    client: httpx.AsyncClient, pipeline: Pipeline
) -> None:
    await pipeline.execute(
        "INSERT INTO users (first_name, last_name, email, timezone) "
        "SELECT 'A', 'B', n || '@example.com', 'UTC' FROM generate_series(1, 300) n"
    )
    user_id = await pipeline.value("SELECT id FROM users LIMIT 1")
    page = (await client.get(AUDIT, params={"person": str(user_id)})).json()
    assert [line["action"] for line in page["items"]] == ["people.insert"]


async def test_to_read_the_log_is_a_look_and_takes_the_highest_scope(
    client: httpx.AsyncClient, pipeline: Pipeline, doors: Doors
) -> None:
    await client.get(AUDIT)
    assert (await lines(pipeline))[-1]["action"] == "audit.list"
    headers = await doors.opened(Scope.USERS_READ, Scope.USERS_WRITE)
    assert (await client.get(AUDIT, headers=headers)).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "person=x",
        "limit=0",
        "limit=201",
        "after=0",
        "after=9223372036854775808",
        "since=today",
        "action=DROP TABLE",
        "actor=%00",
        "actor=",
        "key=%00",
    ],
)
async def test_a_query_that_is_wrong_is_refused(client: httpx.AsyncClient, query: str) -> None:
    reply = await client.get(f"{AUDIT}?{query}")
    assert (reply.status_code, reply.json()["type"]) == (422, "/problems/invalid-input")
