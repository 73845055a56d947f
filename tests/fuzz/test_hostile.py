"""No request, however broken, makes a fault or learns of the inside: a part of `make api-fuzz`."""

from pathlib import Path
from uuid import uuid4

import pytest

from tests.fuzz.attack import attack
from tests.fuzz.hostile import Hostile, operations
from tests.fuzz.leaks import Leaks
from tests.fuzz.server import running_api

REQUESTS = 1500
DOCUMENT = {"paths": {"/user/{id}": {"get": {}, "delete": {"parameters": []}, "summary": "x"}}}


async def test_no_request_makes_a_fault_or_learns_of_the_inside(
    database_url: str, tmp_path: Path
) -> None:
    async with running_api(database_url, tmp_path) as api:
        statuses = await attack(api, Leaks(database_url), seed=7, number=REQUESTS)
    # Otherwise most would have been refused at the door.
    assert {200, 201, 400, 404, 405, 415, 422} <= set(statuses)
    assert sum(statuses.values()) >= REQUESTS


def test_requests_differ() -> None:
    assert len(set(Hostile(7, DOCUMENT, uuid4(), {}).requests(200))) > 100


def test_every_operation_of_the_description_is_asked() -> None:
    found = [(each.method, each.path) for each in operations(DOCUMENT)]
    assert found == [("GET", "/user/{id}"), ("DELETE", "/user/{id}")]


@pytest.mark.parametrize(
    "reply",
    [
        b'Traceback (most recent call last):\n  File "x"',
        b"in /usr/lib/python3/x",
        b"heyday/api/app.py",
        b"SELECT id FROM users WHERE",
        b'relation "users" does not exist',
        b"asyncpg.exceptions.UniqueViolationError",
        b"duplicate key value violates unique constraint",
        b"connect to 127.0.0.1:5432 failed",
        b"postgresql://user@host",
        b"<heyday.api.app.X object at 0x7f>",
        b"KeyError: 'x'",
        b"the database heyday_test_1",
    ],
)
def test_what_tells_of_the_inside_is_found(reply: bytes) -> None:
    leaks = Leaks("postgresql://u:p@127.0.0.1:5432/heyday_test_1")
    assert leaks.find(b'HTTP/1.1 400\r\n\r\n{"detail": "' + reply + b'"}')


@pytest.mark.parametrize(
    "reply",
    [
        b'{"type": "/problems/not-found", "detail": "There is no person with this id."}',
        b'{"timezone": "Europe/London", "email": "ada@example.com"}',
        b"Location: /api/v1/users/8a6f2b1e-4c7d-4e30-8f3c-5d0a9b7e4d1c",
    ],
)
def test_what_tells_nothing_is_not(reply: bytes) -> None:
    assert Leaks("postgresql://u:p@127.0.0.1:5432/heyday_test_1").find(reply) is None
