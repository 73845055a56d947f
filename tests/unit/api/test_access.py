"""Who is let in, in which order that is decided, and what the others are told."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar, Request, get
from litestar.exceptions import ImproperlyConfiguredException
from prometheus_client import CollectorRegistry
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from heyday.api.access import SCOPE, declare_access
from heyday.api.app import ApiServices, create_app
from heyday.domain.access import Caller, Scope
from heyday.domain.errors import DatabaseUnavailable
from heyday.domain.rate_limit import Counted, RateLimit, Whose
from heyday.rate_limits import OwnRateLimits
from heyday.settings.values import networks_of
from heyday.telemetry import Metrics
from tests.fakes import FakeClock
from tests.keys import Doors, MemoryKeys, bearer, memory_doors
from tests.unit.api.scripted import ADA, ScriptedUsers

PERSON = f"/user/{ADA.id}"
NOBODYS = f"hd_1f3c5d0a_{'0123456789abcdef' * 4}"
MANY = 40


@dataclass
class ScriptedLimits:
    """Have callers wait that long, by what they are counted by. asked: for whom."""

    waits: dict[Whose, timedelta] = field(default_factory=dict)
    asked: list[tuple[Whose, str]] = field(default_factory=list)
    counted: Counted = Counted.SHARED

    async def take(self, whose: Whose, caller: str) -> timedelta:
        self.asked.append((whose, caller))
        return self.waits.get(whose, timedelta())

    async def close(self) -> None:
        """Do nothing."""


@get("/seen", scope=Scope.MESSAGES_READ)
async def show_caller(request: Request[Any, Any, Any]) -> str:
    """Show who asks."""
    caller: Caller = request.scope["state"]["caller"]
    return f"{caller.name} {' '.join(caller.scopes)} {caller.address}"


@get("/page", scope=Scope.USERS_READ, is_page=True, include_in_schema=False)
async def show_page() -> str:
    """Show a page."""
    return "a page"


@pytest.fixture
def limits() -> ScriptedLimits:
    return ScriptedLimits()


@pytest.fixture
def doors(limits: ScriptedLimits) -> Doors:
    failures = OwnRateLimits({Whose.WRONG_KEY: RateLimit(MANY)}, FakeClock(), Metrics())
    return memory_doors(limits, failures)


@pytest.fixture
def app(users: ScriptedUsers, doors: Doors) -> Litestar:
    services = ApiServices(
        users=cast("Any", users),
        health=cast("Any", None),
        metrics=CollectorRegistry(),
        version="1.2.3",
        bulk=cast("Any", None),
        imports=cast("Any", None),
        keys=doors.keys,
        privacy=cast("Any", None),
        access=doors.access,
    )
    return create_app(services, [show_caller, show_page])


def strangers(doors: Doors, given: str) -> float | None:
    registry = doors.access.metrics.registry
    return registry.get_sample_value("heyday_api_strangers_total", {"given": given})


class TestKeys:
    async def test_a_key_lets_its_scopes_in_and_is_told_of_the_one_it_lacks(
        self, client: httpx.AsyncClient, doors: Doors
    ) -> None:
        reader = await doors.opened(Scope.USERS_READ)
        assert (await client.get(PERSON, headers=reader)).status_code == 200
        refused = await client.delete(PERSON, headers=reader)
        assert refused.status_code == 403
        assert refused.json()["type"] == "/problems/forbidden"
        assert "users:write" in refused.json()["detail"]
        assert "www-authenticate" not in refused.headers

    async def test_admin_lets_in_everywhere(self, client: httpx.AsyncClient) -> None:
        for path in (PERSON, "/seen", "/page", "/api/v1/keys"):
            assert (await client.get(path)).status_code == 200, path

    async def test_nobody_learns_what_is_wrong_with_a_key(
        self, client: httpx.AsyncClient, doors: Doors
    ) -> None:
        revoked, known = await doors.key(), await doors.key()
        await doors.keys.revoke(revoked[3:11])
        wrong = [NOBODYS, revoked, f"{known[:-64]}{'0' * 64}", "nonsense", ""]
        replies = [await client.get(PERSON, headers=bearer(key)) for key in wrong]
        seen = {
            (
                reply.status_code,
                reply.headers["www-authenticate"],
                reply.text.replace(reply.headers["x-request-id"], ""),
            )
            for reply in replies
        }
        assert len(seen) == 1
        assert replies[0].status_code == 401
        assert replies[0].headers["www-authenticate"] == "Bearer"
        assert replies[0].json()["type"] == "/problems/unauthenticated"

    async def test_the_body_of_a_refused_request_is_not_looked_at(
        self, client: httpx.AsyncClient, doors: Doors, users: ScriptedUsers
    ) -> None:
        odd = {"content-type": "x/y"}
        for headers, status in ((bearer(NOBODYS), 401), (await doors.opened(Scope.ADMIN), 415)):
            reply = await client.post("/user", content=b"no json", headers={**odd, **headers})
            assert reply.status_code == status
        reader = await doors.opened(Scope.USERS_READ)
        reply = await client.post("/user?limit=x", content=b"{", headers={**odd, **reader})
        assert reply.status_code == 403
        assert users.given == []

    async def test_the_route_knows_who_asks(self, client: httpx.AsyncClient, doors: Doors) -> None:
        headers = bearer(await doors.key(Scope.MESSAGES_READ, name="payroll"))
        reply = await client.get("/seen", headers=headers)
        assert reply.text == "payroll messages:read 127.0.0.1"

    async def test_methods_are_told_to_those_who_may_use_one(
        self, client: httpx.AsyncClient, doors: Doors
    ) -> None:
        assert (await client.options(PERSON)).status_code == 204
        assert (await client.options(PERSON, headers=bearer(NOBODYS))).status_code == 401
        other = await doors.opened(Scope.MESSAGES_READ)
        assert (await client.options(PERSON, headers=other)).status_code == 403
        open_to_all = {"Authorization": ""}
        assert (await client.options("/health/live", headers=open_to_all)).status_code == 204

    async def test_head_takes_a_key_as_get_does(self, client: httpx.AsyncClient) -> None:
        assert (await client.head(PERSON)).status_code == 200
        refused = await client.head(PERSON, headers=bearer(NOBODYS))
        assert (refused.status_code, refused.content) == (401, b"")

    async def test_without_a_database_nobody_is_let_in(
        self, client: httpx.AsyncClient, doors: Doors
    ) -> None:
        store = cast("MemoryKeys", doors.access.ring._store)  # noqa: SLF001 - what it stands on
        store.fault = DatabaseUnavailable("away")
        reply = await client.get(PERSON)
        assert (reply.status_code, reply.json()["type"]) == (503, "/problems/unavailable")


class TestPages:
    async def test_a_program_shows_its_key_and_is_told_so(
        self, client: httpx.AsyncClient, doors: Doors
    ) -> None:
        del client.headers["Authorization"]
        asked = await client.get("/page")
        assert (asked.status_code, asked.headers["www-authenticate"]) == (401, "Bearer")
        headers = await doors.opened(Scope.USERS_READ)
        assert (await client.get("/page", headers=headers)).text == "a page"

    async def test_what_a_browser_sends_by_itself_opens_nothing(
        self, client: httpx.AsyncClient, doors: Doors
    ) -> None:
        key = await doors.key()
        for method, path in (("GET", PERSON), ("DELETE", PERSON), ("GET", "/page")):
            reply = await client.request(method, path, auth=("anybody", key))
            assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")


class TestLimits:
    async def test_who_asks_too_often_is_told_when_to_go_on(
        self, client: httpx.AsyncClient, users: ScriptedUsers, limits: ScriptedLimits, doors: Doors
    ) -> None:
        limits.waits[Whose.ADDRESS] = timedelta(seconds=2.5)
        reply = await client.get(PERSON, headers=bearer(NOBODYS))
        assert (reply.status_code, reply.headers["retry-after"]) == (429, "3")
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.json()["type"] == "/problems/too-many-requests"
        assert limits.asked == [(Whose.ADDRESS, "127.0.0.1")]
        assert users.given == [], "the service was asked all the same"
        assert strangers(doors, "wrong key") is None, "the key was looked up all the same"

    async def test_a_key_is_counted_wherever_it_comes_from(
        self, client: httpx.AsyncClient, limits: ScriptedLimits
    ) -> None:
        limits.waits[Whose.KEY] = timedelta(seconds=1)
        reply = await client.get(PERSON)
        prefix = client.headers["Authorization"][len("Bearer hd_") :][:8]
        assert limits.asked == [(Whose.ADDRESS, "127.0.0.1"), (Whose.KEY, prefix)]
        assert (reply.status_code, reply.headers["retry-after"]) == (429, "1")
        assert "with your key" in reply.json()["detail"]

    @pytest.mark.parametrize(
        "path", ["/health/live", "/metrics", "/docs", "/openapi.json", "/nowhere", "/page"]
    )
    async def test_pages_and_what_is_asked_every_few_seconds_are_not_limited(
        self, client: httpx.AsyncClient, limits: ScriptedLimits, path: str
    ) -> None:
        assert (await client.get(path)).status_code in {200, 404}
        assert limits.asked == []

    async def test_wrong_keys_may_be_tried_so_often_and_right_ones_go_on_to_work(
        self, client: httpx.AsyncClient, doors: Doors
    ) -> None:
        tried = [await client.get("/page", headers=bearer(NOBODYS)) for _ in range(MANY + 5)]
        assert [reply.status_code for reply in tried] == [401] * MANY + [429] * 5
        assert int(tried[-1].headers["retry-after"]) >= 1
        assert (await client.get(PERSON)).status_code == 200
        assert (await client.get(PERSON, headers=await doors.opened())).status_code == 200
        assert strangers(doors, "wrong key") == MANY + 5

    async def test_to_come_without_a_key_is_no_guess(
        self, client: httpx.AsyncClient, doors: Doors
    ) -> None:
        del client.headers["Authorization"]
        tried = {(await client.get(PERSON)).status_code for _ in range(2 * MANY)}
        assert tried == {401}
        assert strangers(doors, "nothing") == 2 * MANY

    @pytest.mark.parametrize(
        "case",
        [
            ("10.0.0.1", "10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", "10.0.0.0/8", ["192.0.2.1, 10.1.2.3"], "192.0.2.1"),
            ("10.0.0.1", "10.0.0.0/8", ["192.0.2.1", "198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", "10.0.0.0/8", ["1.1.1.1, 192.0.2.1:4711"], "192.0.2.1"),
            ("10.0.0.1", "10.0.0.0/8", ["1.1.1.1, [2001:db8::1]:4711"], "2001:db8::/64"),
            ("10.0.0.1", "10.0.0.0/8", ["1.1.1.1, 2001:db8::1"], "2001:db8::/64"),
            ("10.0.0.1", "10.0.0.0/8", ["1.1.1.1, nonsense"], "unknown"),
            ("10.0.0.1", "10.0.0.0/8", ["1.1.1.1, "], "10.0.0.1"),
            ("10.0.0.1", "10.0.0.0/8", [""], "10.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.0/8", ["192.0.2.1, ::ffff:10.9.9.9"], "192.0.2.1"),
            ("2001:db8:9::1", "2001:db8:9::/48", ["192.0.2.1"], "192.0.2.1"),
            ("192.0.2.9", "10.0.0.0/8", ["192.0.2.1"], "192.0.2.9"),
            ("192.0.2.9", "", ["192.0.2.1"], "192.0.2.9"),
        ],
    )
    async def test_a_trusted_proxy_alone_says_whom_to_count_and_its_own_word_alone_counts(
        self, app: Litestar, doors: Doors, limits: ScriptedLimits, case: tuple[Any, ...]
    ) -> None:
        peer, trusted, forwarded, caller = case
        behind: Any = ProxyHeadersMiddleware(cast("Any", app), networks_of(trusted))
        transport = httpx.ASGITransport(behind, client=(peer, 1))
        headers = [*(await doors.opened()).items(), *(("X-Forwarded-For", f) for f in forwarded)]
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            assert (await client.get(PERSON, headers=headers)).status_code == 200
        assert limits.asked[0] == (Whose.ADDRESS, caller)


class TestDeclaring:
    async def test_each_operation_says_which_scope_it_takes_and_what_it_refuses(
        self, client: httpx.AsyncClient
    ) -> None:
        described = (await client.get("/openapi.json")).json()
        schemes = described["components"]["securitySchemes"]
        ((name, scheme),) = schemes.items()
        assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
        operation = described["paths"]["/seen"]["get"]
        assert operation["security"] == [{name: ["messages:read"]}]
        assert {"200", "401", "403", "429", "503"} <= set(operation["responses"])
        open_to_all = described["paths"]["/health/live"]["get"]
        assert "security" not in open_to_all
        assert not {"401", "403", "429"} & set(open_to_all["responses"])

    @pytest.mark.parametrize("options", [{}, {SCOPE: "admin"}, {SCOPE: True}, {SCOPE: ""}])
    def test_a_route_that_does_not_say_who_may_ask_is_not_served(
        self, users: ScriptedUsers, doors: Doors, options: dict[str, Any]
    ) -> None:
        async def show() -> str:
            return ""

        handler = get("/forgotten", **options)(show)
        services = ApiServices(
            users=cast("Any", users),
            health=cast("Any", None),
            metrics=CollectorRegistry(),
            version="1.2.3",
            bulk=cast("Any", None),
            imports=cast("Any", None),
            keys=doors.keys,
            privacy=cast("Any", None),
            access=doors.access,
        )
        with pytest.raises(ImproperlyConfiguredException, match=r"/forgotten .*scope="):
            create_app(services, [handler])

    def test_an_app_without_routes_has_nothing_to_declare(self) -> None:
        declare_access(Litestar([], openapi_config=None))
