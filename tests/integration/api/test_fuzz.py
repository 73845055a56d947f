"""Thousands of bad requests against the real stack: a reason every time, never a fault."""

import csv
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from io import StringIO

import httpx
import pytest

from tests.factories import Pipeline, person
from tests.fakes import RecordingSender

REQUESTS = 3000
# Stands in every bad value; no reply may repeat it.
CANARY = "SECRET"
JSON = {"Content-Type": "application/json"}

ANYWHERE: list[object] = [
    0,
    -1,
    1.5,
    10**400,
    True,
    False,
    [],
    [CANARY],
    {},
    {CANARY: CANARY},
    [[[[CANARY]]]],
    f"{CANARY}\x00",
    f"{CANARY}\ud800",
    f"\udfff{CANARY}",
    f"{CANARY}\r\nX: y",
    CANARY * 50,
]
NOTHING: list[object] = [None, "", "   ", "\t\n"]
BAD_VALUES: dict[str, list[object]] = {
    "first_name": [*ANYWHERE, *NOTHING],
    "last_name": [*ANYWHERE, *NOTHING],
    "email": [
        *ANYWHERE,
        *NOTHING,
        CANARY,
        f"@{CANARY}",
        f"{CANARY}@",
        f"{CANARY}@b",
        f"a@@{CANARY}.de",
        f"a b@{CANARY}.de",
        f"{CANARY}@example..com",
        f"{CANARY}@-a.de",
        f"{CANARY}@[127.0.0.1]",
        f'"{CANARY}"@example.com',
        f"{CANARY}@example.com\nBcc: x@example.com",
        f"{CANARY * 50}@example.com",
    ],
    "timezone": [
        *ANYWHERE,
        *NOTHING,
        f"Mars/{CANARY}",
        "europe/berlin",
        "../../etc/passwd",
        "Europe/Berlin\x00",
        "Europe/",
        "/UTC",
        "+01:00",
        "zones",
    ],
    "birthday_date": [
        *ANYWHERE,
        f"{CANARY}-01-01",
        "2026-02-29",
        "1990-13-01",
        "1990-00-10",
        "1990-1-1",
        "19900101",
        "1899-12-31",
        "2027-01-16",
        "9999-12-31",
        "10000-01-01",
        "-001-01-01",
        "1990-01-01T00:00:00Z",
        "\uff11\uff19\uff19\uff10-01-01",
    ],
    "location_city": ANYWHERE,
    "location_country": ANYWHERE,
}
BAD_VALUES["anniversary_date"] = BAD_VALUES["birthday_date"]


BAD_FILTERS: dict[str, list[str]] = {
    "timezone": ["", "europe/berlin", "../../etc/passwd", "UTC%00"],
    "birthday": ["", "02-30", "--13-01", "1990-02-28", "--2-1"],
    "anniversary": ["", "0229", "%ef%bc%91%ef%bc%92-10"],
    "birthday_from": ["", "--02-29", "2027-02-29", "10000-01-01", "2027-01-14T00:00:00Z"],
    "anniversary_to": ["", "2027", "0000-00-00"],
    "created_from": ["", "2027-01-14", "2027-01-14T00:00:00", "0001-01-01T00:00:00%2B14:00"],
    "updated_to": ["", "now", "9999-12-31T23:59:59-12:00", "2027-01-14T24:30:00Z"],
    "deleted": ["", "perhaps", "2"],
    "unsubscribed": ["perhaps", "2"],
    "after": ["x", "5"],
}


@dataclass(frozen=True)
class BadRequest:
    kind: str
    method: str
    path: str
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Generator:
    """Make bad requests by chance, the same ones in every run."""

    def __init__(self, seed: int, user_id: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 - chooses cases, guards nothing
        self._user_id = user_id
        self._kinds = [
            self.wrong_values,
            self.wrong_names,
            self.broken_json,
            self.wrong_documents,
            self.wrong_media_types,
            self.wrong_paths,
            self.wrong_queries,
            self.wrong_filters,
            self.wrong_searches,
            self.wrong_calls_for_many,
            self.wrong_files,
            self.wrong_methods,
        ]

    def make(self) -> BadRequest:
        return self._random.choice(self._kinds)()

    def target(self) -> tuple[str, str]:
        item = f"/api/v1/users/{self._user_id}"
        short = f"/user/{self._user_id}"
        targets = [("POST", "/api/v1/users"), ("POST", "/user"), ("PUT", item), ("PUT", short)]
        return self._random.choice([*targets, ("PATCH", item)])

    def body(self, kind: str, content: bytes) -> BadRequest:
        return BadRequest(kind, *self.target(), content, JSON)

    def garbage(self, most: int = 60) -> bytes:
        return self._random.randbytes(self._random.randint(1, most))

    def wrong_values(self) -> BadRequest:
        fields = self._random.sample(sorted(BAD_VALUES), self._random.randint(1, 4))
        wrong = {name: self._random.choice(BAD_VALUES[name]) for name in fields}
        return self.body("wrong values", json.dumps(person(**wrong)).encode())

    def wrong_names(self) -> BadRequest:
        known_elsewhere = ["id", "Email", "created_at", "deleted_at", "__class__"]
        odd = ["", " ", "/", "~", "$ne", "a.b", "first_name\x00", "\ud800", "\u202eemail"]
        name = self._random.choice([*known_elsewhere, *odd, f"{CANARY} 1", "x" * 5000])
        return self.body("wrong names", json.dumps(person(**{name: CANARY})).encode())

    def broken_json(self) -> BadRequest:
        whole = json.dumps(person(location_city=CANARY)).encode()
        cut = self._random.randrange(len(whole))
        at = self._random.randrange(len(whole))
        broken = [
            self.garbage(),
            whole[:cut],
            whole[:at] + b"\xff" + whole[at:],
            whole + whole,
            whole[:-1] + b',"email":"x@example.com"}',
            whole[:-1] + b',"n":NaN}',
            whole[:-1] + b',"n":' + b"9" * 5000 + b"}",
            b'{"a":' * 9000,
            b"[" * 60000,
            whole.decode().encode("utf-16"),
            b"\xef\xbb\xbf" + whole,
            b"",
        ]
        return self.body("broken json", self._random.choice(broken))

    def wrong_documents(self) -> BadRequest:
        documents = ["null", "[]", f'"{CANARY}"', "1", "true", "[{}]", "1e999", "-0"]
        too_long = json.dumps(person(location_city=CANARY * 12000))
        return self.body("wrong documents", self._random.choice([*documents, too_long]).encode())

    def wrong_media_types(self) -> BadRequest:
        media_types = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
        odd = ["application/msgpack", "json", "", ";", "application/jsonx", f"text/{CANARY}"]
        chosen = self._random.choice([*media_types, *odd])
        content = json.dumps(person()).encode()
        return BadRequest("wrong media type", *self.target(), content, {"Content-Type": chosen})

    def wrong_paths(self) -> BadRequest:
        escaped = "".join(f"%{byte:02x}" for byte in self.garbage(20))
        root = self._random.choice(
            ["/zz", "/api/v1/users/", "/user/", "/static/", "/docs/", "/docs/assets/", "/problems/"]
        )
        method = self._random.choice(["GET", "DELETE", "PUT", "PATCH"])
        return BadRequest("wrong path", method, f"{root}{CANARY}{escaped}")

    def wrong_queries(self) -> BadRequest:
        limits = ["0", "201", "-1", "x", "1.5", "1e3", "%00", "9" * 400, "%ff", CANARY]
        query = f"limit={self._random.choice(limits)}"
        if self._random.random() < 0.5:
            afters = ["", "x", "%00", self._user_id[:-1], f"{self._user_id}'--", CANARY]
            query = f"limit=5&after={self._random.choice(afters)}"
        return BadRequest("wrong query", "GET", f"/api/v1/users?{query}")

    def wrong_filters(self) -> BadRequest:
        name = self._random.choice(sorted(BAD_FILTERS))
        value = self._random.choice([*BAD_FILTERS[name], CANARY, "%00", "%ff", "9" * 400])
        return BadRequest("wrong filter", "GET", f"/api/v1/users?limit=5&{name}={value}")

    def wrong_searches(self) -> BadRequest:
        wrong: dict[str, list[object]] = {
            "query": [*ANYWHERE, *NOTHING],
            "limit": [0, 201, 10**400, 1.5, True, None, CANARY],
            "after": [5, CANARY, f"{self._user_id}'--", "\ud800", [CANARY]],
            f"{CANARY} 1": [CANARY],
        }
        name = self._random.choice(sorted(wrong))
        content = json.dumps({"query": "a", name: self._random.choice(wrong[name])}).encode()
        return BadRequest("wrong search", "POST", "/api/v1/users/search", content, JSON)

    def wrong_calls_for_many(self) -> BadRequest:
        bodies: list[object] = [{}, [], None, {"people": None}, {"people": {}}, {"people": CANARY}]
        odd = {"people": [], f"{CANARY} 1": CANARY}
        content = json.dumps(self._random.choice([*bodies, odd, {"people": [{}] * 1001}])).encode()
        broken = [
            b'{"people": [' + self.garbage(),
            b'{"people": [{"email": 1, "email": 2}]}',
            b'{"people": ' + b"[" * 60_000,
        ]
        chosen = self._random.choice([content, *broken])
        return BadRequest("wrong call for many", "POST", "/api/v1/users/bulk", chosen, JSON)

    def wrong_files(self) -> BadRequest:
        media_type = self._random.choice(["text/csv", "text/csv", "text/plain", f"text/{CANARY}"])
        headers = [b"", b"\n\n", b"first_name;last_name", b"first_name,email", self.garbage()]
        content = self._random.choice([*headers, CANARY.encode(), b"\xff\xfe" + self.garbage()])
        given = {"Content-Type": media_type}
        return BadRequest("wrong file", "POST", "/api/v1/imports", content, given)

    def wrong_methods(self) -> BadRequest:
        path = self._random.choice(
            ["/user", "/api/v1/users", "/health", "/metrics", "/openapi.json"]
        )
        method = self._random.choice(["PUT", "DELETE", "TRACE", "PROPFIND", CANARY])
        return BadRequest("wrong method", method, path)


async def send(client: httpx.AsyncClient, bad: BadRequest) -> httpx.Response:
    odd = {"X-Request-Id": f"{CANARY} {{}}", "Cookie": CANARY}
    headers = {**odd, **bad.headers}
    return await client.request(bad.method, bad.path, content=bad.content, headers=headers)


async def test_no_bad_request_makes_a_fault(client: httpx.AsyncClient) -> None:
    user_id = (await client.post("/user", json=person())).json()["id"]
    before = (await client.get(f"/user/{user_id}")).json()
    generator = Generator(20270114, user_id)
    seen: Counter[tuple[str, int]] = Counter()
    for _ in range(REQUESTS):
        bad = generator.make()
        reply = await send(client, bad)
        assert 400 <= reply.status_code < 500, bad
        assert reply.headers["Content-Type"] == "application/problem+json", bad
        problem = reply.json()
        assert problem["status"] == reply.status_code, bad
        assert problem["type"].startswith("/problems/"), bad
        assert problem["title"], bad
        assert problem["detail"], bad
        assert all(error["detail"] for error in problem.get("errors", [])), bad
        assert CANARY not in reply.text, bad
        seen[bad.kind, reply.status_code] += 1
    assert {status for _, status in seen} == {400, 404, 405, 413, 415, 422}
    assert (await client.get(f"/user/{user_id}")).json() == before


async def test_every_bad_value_is_a_row_that_is_rejected(client: httpx.AsyncClient) -> None:
    cases = [(name, value) for name, values in BAD_VALUES.items() for value in values]
    rows = [person(**{name: value}) for name, value in cases]
    body = json.dumps({"people": rows}).encode()
    reply = await client.post("/api/v1/users/bulk", content=body, headers=JSON)
    assert (reply.status_code, reply.json()["rejected"]) == (200, len(rows))
    for (name, value), result in zip(cases, reply.json()["results"], strict=True):
        assert result["outcome"] == "rejected", (name, value)
        pointers = [error["pointer"] for error in result["errors"]]
        # Of a date that is given by its parts, each wrong part is named.
        field = f"/people/{result['index']}/{name}"
        assert {pointer[: len(field)] for pointer in pointers} == {field}, value
        assert all(error["detail"] for error in result["errors"])
    assert CANARY not in reply.text


ODD_NAMES = [
    "\U0001f600" * 100,
    "\u202eecila",
    "\u200bA\u200dd\ufeffa",
    "=?utf-8?q?=41da?=",
    "=1+1",
    "<script>alert(1)</script>",
    "Robert'); DROP TABLE users;--",
    "A\u0301",
    "\u00c5",
    "\u2028Ada\u2029x",
    "%s%n{first_name}$1\\0",
    "\U000e0041\U0010ffff\uffff",
]


@pytest.mark.parametrize("door", ["one", "bulk", "file"])
async def test_an_odd_name_is_stored_found_and_sent_byte_for_byte(
    client: httpx.AsyncClient, pipeline: Pipeline, sender: RecordingSender, door: str
) -> None:
    given = [person(first_name=name.strip(), birthday_date="1990-01-14") for name in ODD_NAMES]
    if door == "one":
        for row in given:
            assert (await client.post("/user", json=row)).status_code == 201
    elif door == "bulk":
        reply = await client.post("/api/v1/users/bulk", json={"people": given})
        assert reply.json()["created"] == len(given)
    else:
        text = StringIO()
        writer = csv.DictWriter(text, list(given[0]))
        writer.writeheader()
        writer.writerows(given)
        headers = {"Content-Type": "text/csv"}
        await client.post("/api/v1/imports", content=text.getvalue().encode(), headers=headers)
        await pipeline.import_runner.run_once()
    for row in given:
        query = {"query": row["email"]}
        (shown,) = (await client.post("/api/v1/users/search", json=query)).json()["items"]
        assert shown["first_name"] == row["first_name"]
        by_name = {"query": str(row["first_name"])}
        found = (await client.post("/api/v1/users/search", json=by_name)).json()["items"]
        assert shown in found
    pipeline.clock.set(pipeline.clock.now().replace(hour=9))  # type: ignore[attr-defined]
    await pipeline.send_due()
    texts = {f"Hey, {row['first_name']} Lovelace it's your birthday" for row in given}
    assert {message.text for message in sender.sent} == texts
