"""The door, over a real database: who gets in, how long they stay, and what opens nothing."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest
from litestar import Litestar

from heyday.bootstrap.access import WRONG_KEYS
from heyday.db.web_sessions import WebSessionRepository
from heyday.domain.access import Scope
from heyday.domain.rate_limit import Whose
from heyday.domain.sessions import IDLE, LONGEST, NONCE_BYTES, form_csrf
from heyday.rate_limits import OwnRateLimits
from tests.factories import Pipeline
from tests.fakes import FakeClock
from tests.keys import Doors, bearer, pipeline_doors

BROWSER = {"accept": "text/html,*/*;q=0.8", "sec-fetch-site": "same-origin"}
HTML = "text/html; charset=utf-8"
WRONG = f"hd_1f3c5d0a_{'0123456789abcdef' * 4}"


@pytest.fixture
def doors(pipeline: Pipeline) -> Doors:
    """What lets in, and counts wrong keys as the program does."""
    limits = {Whose.WRONG_KEY: WRONG_KEYS}
    return pipeline_doors(pipeline, OwnRateLimits(limits, pipeline.clock, pipeline.metrics))


@pytest.fixture
async def browser(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A browser on this machine that is not signed in."""
    async with browser_at(app, "http://localhost:8000") as browser:
        yield browser


def browser_at(app: Litestar, url: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # Litestar's scope is narrower
    return httpx.AsyncClient(transport=transport, base_url=url, headers=BROWSER)


async def sign_in(browser: httpx.AsyncClient, key: str, **form: str) -> httpx.Response:
    return await browser.post("/sign-in", data={"key": key, **form})


def proof(browser: httpx.AsyncClient, nonce: bytes = b"n" * NONCE_BYTES) -> str:
    """Return a proof such as the pages of a browser's session hold."""
    return form_csrf(str(browser.cookies["heyday"]), nonce)


async def sessions(pipeline: Pipeline) -> int:
    count: int = await pipeline.value("SELECT count(*) FROM web_sessions")
    return count


async def is_in(browser: httpx.AsyncClient) -> bool:
    """Tell whether a browser is signed in; else it is led to the door."""
    reply = await browser.get("/inbox")
    assert reply.status_code in {200, 303}
    return reply.status_code == 200


class TestSigningIn:
    async def test_a_key_opens_the_pages_and_nothing_of_the_api(
        self, browser: httpx.AsyncClient, doors: Doors
    ) -> None:
        assert not await is_in(browser)
        reply = await sign_in(browser, await doors.key(), next="/inbox")
        assert (reply.status_code, reply.headers["location"]) == (303, "/inbox")
        assert await is_in(browser)
        for method, path in (
            ("GET", "/api/v1/users"),
            ("POST", "/api/v1/users"),
            ("GET", "/api/v1/keys"),
            ("DELETE", "/user/00000000-0000-0000-0000-000000000001"),
            ("GET", "/metrics"),
        ):
            headers = {"x-csrf-token": proof(browser)}
            refused = await browser.request(method, path, headers=headers)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")

    async def test_the_cookie_is_for_our_pages_alone(
        self, browser: httpx.AsyncClient, doors: Doors
    ) -> None:
        reply = await sign_in(browser, await doors.key())
        (cookie,) = reply.headers.get_list("set-cookie")
        name, *flags = cookie.split("; ")
        assert re.fullmatch(r"heyday=[0-9a-f]{64}", name)
        assert set(flags) == {"HttpOnly", "Path=/", "SameSite=strict"}

    @pytest.mark.parametrize("url", ["https://heyday.example.com", "https://localhost:8443"])
    async def test_over_tls_the_cookie_is_secure(
        self, app: Litestar, doors: Doors, url: str
    ) -> None:
        async with browser_at(app, url) as browser:
            reply = await sign_in(browser, await doors.key())
            (cookie,) = reply.headers.get_list("set-cookie")
            name, *flags = cookie.split("; ")
            assert name.startswith("__Host-heyday=")
            assert set(flags) == {"HttpOnly", "Path=/", "SameSite=strict", "Secure"}
            assert await is_in(browser)

    async def test_a_cookie_that_anybody_could_plant_there_is_not_taken(
        self, app: Litestar, doors: Doors
    ) -> None:
        key = await doors.keys.create({"name": "x", "scopes": ["admin"]})
        token = await doors.signing_in.begin(key.key)
        async with browser_at(app, "https://heyday.example.com") as browser:
            browser.cookies.set("heyday", token)
            assert not await is_in(browser)
            browser.cookies.set("__Host-heyday", token)
            assert await is_in(browser)

    async def test_without_tls_nobody_from_another_machine_is_signed_in(
        self, app: Litestar, doors: Doors, pipeline: Pipeline
    ) -> None:
        async with browser_at(app, "http://heyday.example.com") as browser:
            # Browsers leave Sec-Fetch-Site out there, and say http in Origin.
            del browser.headers["sec-fetch-site"]
            browser.headers["origin"] = "http://heyday.example.com"
            reply = await sign_in(browser, await doors.key())
            assert reply.status_code == 403
            assert "without encryption" in reply.text
            assert "set-cookie" not in reply.headers
        assert await sessions(pipeline) == 0

    async def test_behind_a_proxy_that_adds_tls_the_cookie_is_secure(
        self, app: Litestar, doors: Doors
    ) -> None:
        async with browser_at(app, "http://heyday.example.com") as browser:
            browser.headers["origin"] = "https://heyday.example.com"
            reply = await sign_in(browser, await doors.key())
            assert reply.status_code == 303
            assert "Secure" in reply.headers["set-cookie"]

    @pytest.mark.parametrize("given", ["", "nonsense", WRONG, "revoked", "expired"])
    async def test_a_wrong_key_is_told_so_in_the_same_words(
        self, browser: httpx.AsyncClient, doors: Doors, clock: FakeClock, given: str
    ) -> None:
        soon = clock.now() + timedelta(minutes=1)
        revoked, expired = await doors.key(), await doors.key(expires_at=soon.isoformat())
        await doors.keys.revoke(revoked[3:11])
        clock.advance(timedelta(minutes=1))
        key = {"revoked": revoked, "expired": expired}.get(given, given)
        reply = await sign_in(browser, key, next="/inbox")
        assert reply.status_code == 401
        assert reply.headers["www-authenticate"] == "Bearer"
        assert "no key that opens anything" in reply.text
        assert 'value="/inbox"' in reply.text
        assert "set-cookie" not in reply.headers
        if key:
            assert key not in reply.text

    async def test_guesses_are_limited_together_with_those_at_the_api(
        self, browser: httpx.AsyncClient, doors: Doors
    ) -> None:
        for _ in range(WRONG_KEYS.requests // 2):
            assert (await sign_in(browser, WRONG)).status_code == 401
            assert (await browser.get("/user/x", headers=bearer(WRONG))).status_code in {401, 404}
            assert (await browser.get("/metrics", headers=bearer(WRONG))).status_code == 401
        reply = await sign_in(browser, WRONG)
        assert reply.status_code == 429
        assert int(reply.headers["retry-after"]) > 0
        assert "Wait a minute" in reply.text
        assert (await sign_in(browser, await doors.key())).status_code == 303

    async def test_another_body_than_the_forms_is_no_key(
        self, browser: httpx.AsyncClient, doors: Doors
    ) -> None:
        key = await doors.key()
        assert (await browser.post("/sign-in", json={"key": key})).status_code == 401
        assert (await sign_in(browser, "x" * 9000)).status_code == 413

    @pytest.mark.parametrize(
        "path",
        ["//evil.example", "/\\evil.example", "/\t/evil.example",
         "https://evil.example", "javascript:alert(1)", "/sign-in", "/sign-out", ""],
    )  # fmt: skip
    async def test_nobody_is_led_elsewhere(
        self, browser: httpx.AsyncClient, doors: Doors, path: str
    ) -> None:
        shown = await browser.get(f"/sign-in?next={quote(path)}")
        assert 'name="next" value="/"' in shown.text
        assert "evil" not in shown.text
        reply = await sign_in(browser, await doors.key(), next=path)
        assert (reply.status_code, reply.headers["location"]) == (303, "/")
        led = await browser.get(f"/sign-in?next={quote(path)}")
        assert (led.status_code, led.headers["location"]) == (303, "/")


class TestFromElsewhere:
    @pytest.mark.parametrize(
        "headers",
        [
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"sec-fetch-site": "", "origin": "https://evil.example"},
        ],
    )
    async def test_no_other_page_can_sign_somebody_in(
        self,
        browser: httpx.AsyncClient,
        doors: Doors,
        pipeline: Pipeline,
        headers: dict[str, str],
    ) -> None:
        form = {"key": await doors.key()}
        reply = await browser.post("/sign-in", data=form, headers=headers)
        assert reply.status_code == 403
        assert "set-cookie" not in reply.headers
        assert await sessions(pipeline) == 0

    async def test_a_client_that_does_not_say_where_a_form_is_from_is_refused(
        self, browser: httpx.AsyncClient, doors: Doors
    ) -> None:
        del browser.headers["sec-fetch-site"]
        assert (await sign_in(browser, await doors.key())).status_code == 403
        browser.headers["origin"] = "http://localhost:8000"
        assert (await sign_in(browser, await doors.key())).status_code == 303

    async def test_who_follows_a_link_comes_again_with_the_cookie(
        self, browser: httpx.AsyncClient, doors: Doors
    ) -> None:
        await sign_in(browser, await doors.key())
        cookies = dict(browser.cookies)
        browser.cookies.clear()  # as browsers do for a link in a letter: it is SameSite=Strict
        led = await browser.get("/inbox?after=1", headers={"sec-fetch-site": "cross-site"})
        door = led.headers["location"]
        assert (led.status_code, door) == (303, "/sign-in?next=/inbox%3Fafter%3D1")
        passing = await browser.get(door, headers={"sec-fetch-site": "cross-site"})
        found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', passing.text)
        assert found
        browser.cookies.update(cookies)
        back = await browser.get(found[1])
        assert (back.status_code, back.headers["location"]) == (303, "/inbox?after=1")

    @pytest.mark.parametrize(
        ("headers", "form"),
        [
            ({}, {}),
            ({}, {"csrf_token": "0" * 96}),
            ({"x-csrf-token": "0" * 96}, {}),
            ({"sec-fetch-site": "cross-site"}, {"csrf_token": "right"}),
            ({"sec-fetch-site": "", "origin": "https://evil.example"}, {"csrf_token": "right"}),
        ],
    )
    async def test_a_write_without_its_proof_changes_nothing(
        self,
        browser: httpx.AsyncClient,
        doors: Doors,
        headers: dict[str, str],
        form: dict[str, str],
    ) -> None:
        await sign_in(browser, await doors.key())
        given = {k: proof(browser) if v == "right" else v for k, v in form.items()}
        reply = await browser.post("/sign-out", data=given, headers=headers)
        assert reply.status_code == 403
        assert "Nothing was done" in reply.text
        assert await is_in(browser)

    async def test_the_proof_of_another_session_is_none(
        self, app: Litestar, browser: httpx.AsyncClient, doors: Doors
    ) -> None:
        key = await doors.key()
        async with browser_at(app, "http://localhost:8000") as other:
            await sign_in(browser, key)
            await sign_in(other, key)
            stolen = {"csrf_token": proof(other)}
            assert (await browser.post("/sign-out", data=stolen)).status_code == 403
        assert await is_in(browser)

    async def test_a_page_holds_a_proof_that_is_taken_and_differs_each_time(
        self, browser: httpx.AsyncClient, doors: Doors
    ) -> None:
        # Of the pages that a key may not see, there is one everywhere.
        await sign_in(browser, await doors.key(Scope.MESSAGES_WRITE))
        shown = [await browser.get("/inbox") for _ in range(2)]
        found = [
            re.findall(r'name="csrf_token" value="([0-9a-f]{96})"', page.text) for page in shown
        ]
        assert [page.status_code for page in shown] == [403, 403]
        assert found[0] != found[1]
        reply = await browser.post("/sign-out", data={"csrf_token": found[0][0]})
        assert reply.status_code == 303


class TestEnding:
    async def test_to_sign_out_ends_the_session_wherever_it_is_held(
        self, app: Litestar, browser: httpx.AsyncClient, doors: Doors, pipeline: Pipeline
    ) -> None:
        await sign_in(browser, await doors.key())
        token = str(browser.cookies["heyday"])
        reply = await browser.post("/sign-out", data={"csrf_token": proof(browser)})
        assert (reply.status_code, reply.headers["location"]) == (303, "/sign-in")
        assert "heyday" not in browser.cookies
        assert "You are signed out" in (await browser.get("/sign-in")).text
        assert await sessions(pipeline) == 0
        async with browser_at(app, "http://localhost:8000") as thief:
            thief.cookies.set("heyday", token)
            assert not await is_in(thief)

    async def test_nobody_can_hand_a_session_to_another(
        self, app: Litestar, browser: httpx.AsyncClient, doors: Doors, pipeline: Pipeline
    ) -> None:
        async with browser_at(app, "http://localhost:8000") as attacker:
            await sign_in(attacker, await doors.key(Scope.USERS_READ))
            planted = str(attacker.cookies["heyday"])
            browser.cookies.set("heyday", planted, domain="localhost.local")
            await sign_in(browser, await doors.key())
            assert str(browser.cookies["heyday"]) != planted
            assert not await is_in(attacker), "the session that was planted opens something"
        assert await is_in(browser)
        assert await sessions(pipeline) == 1

    async def test_a_revoked_key_ends_its_sessions_at_once(
        self, browser: httpx.AsyncClient, doors: Doors
    ) -> None:
        key = await doors.key()
        await sign_in(browser, key)
        assert await is_in(browser)
        await doors.keys.revoke(key[3:11])
        assert not await is_in(browser)

    async def test_an_expired_key_ends_its_sessions(
        self, browser: httpx.AsyncClient, doors: Doors, clock: FakeClock
    ) -> None:
        soon = clock.now() + timedelta(hours=1)
        await sign_in(browser, await doors.key(expires_at=soon.isoformat()))
        assert await is_in(browser)
        clock.advance(timedelta(hours=1))
        assert not await is_in(browser)

    async def test_it_ends_when_it_is_not_used(
        self, browser: httpx.AsyncClient, doors: Doors, clock: FakeClock
    ) -> None:
        await sign_in(browser, await doors.key())
        clock.advance(IDLE - timedelta(seconds=1))
        assert await is_in(browser)
        clock.advance(IDLE - timedelta(seconds=1))
        assert await is_in(browser)
        clock.advance(IDLE)
        assert not await is_in(browser)

    async def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(
        self, browser: httpx.AsyncClient, doors: Doors, clock: FakeClock
    ) -> None:
        await sign_in(browser, await doors.key())
        for _ in range(3):
            clock.advance(IDLE / 4)
            assert (await browser.get("/inbox/messages")).status_code == 200
        clock.advance(IDLE / 4)
        assert not await is_in(browser)

    async def test_it_ends_however_much_it_is_used(
        self, browser: httpx.AsyncClient, doors: Doors, clock: FakeClock
    ) -> None:
        await sign_in(browser, await doors.key())
        for _ in range(int(LONGEST / (IDLE / 2)) - 1):
            clock.advance(IDLE / 2)
            assert await is_in(browser)
        clock.advance(IDLE / 2)
        assert not await is_in(browser)

    async def test_what_is_kept_opens_nothing(
        self, browser: httpx.AsyncClient, doors: Doors, pipeline: Pipeline
    ) -> None:
        await sign_in(browser, await doors.key())
        digest: bytes = await pipeline.value("SELECT digest FROM web_sessions")
        browser.cookies.set("heyday", digest.hex(), domain="localhost.local")
        assert not await is_in(browser)

    async def test_old_sessions_are_thrown_away_in_bites(
        self, doors: Doors, pipeline: Pipeline, clock: FakeClock
    ) -> None:
        key = (await doors.keys.create({"name": "x", "scopes": ["admin"]})).key
        for _ in range(5):
            await doors.signing_in.begin(key)
        clock.advance(timedelta(hours=1))
        await doors.signing_in.begin(key)
        store = WebSessionRepository(pipeline.database, bite=2)
        assert await store.forget(clock.now() + IDLE) == 5
        assert await sessions(pipeline) == 1


class TestWhoIsNotSignedIn:
    async def test_a_browser_is_led_to_the_door_and_back(self, browser: httpx.AsyncClient) -> None:
        led = await browser.get("/inbox?after=1&x=%2F")
        assert led.status_code == 303
        assert led.headers["location"] == "/sign-in?next=/inbox%3Fafter%3D1%26x%3D%252F"
        shown = await browser.get(led.headers["location"])
        assert 'name="next" value="/inbox?after=1&amp;x=%2F"' in shown.text

    async def test_a_script_is_led_there_with_its_page(self, browser: httpx.AsyncClient) -> None:
        headers = {
            "accept": "*/*",
            "hx-request": "true",
            "hx-current-url": "http://localhost:8000/people?a=1",
        }
        reply = await browser.get("/inbox/messages", headers=headers)
        assert reply.status_code == 401
        assert reply.headers["hx-redirect"] == "/sign-in?next=/people%3Fa%3D1"
        headers["hx-current-url"] = "https://evil.example//evil.example"
        reply = await browser.get("/inbox/messages", headers=headers)
        assert reply.headers["hx-redirect"] == "/sign-in?next=/"

    @pytest.mark.parametrize("accept", ["text/event-stream", "*/*", "application/json"])
    async def test_a_stream_or_a_program_gets_401(
        self, browser: httpx.AsyncClient, accept: str
    ) -> None:
        reply = await browser.get("/inbox/messages", headers={"accept": accept})
        assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")

    async def test_two_cookies_of_that_name_are_none(
        self, browser: httpx.AsyncClient, doors: Doors
    ) -> None:
        await sign_in(browser, await doors.key())
        twice = f"heyday={browser.cookies['heyday']}; heyday={'0' * 64}"
        browser.cookies.clear()
        assert (await browser.get("/inbox", headers={"cookie": twice})).status_code == 303

    async def test_a_key_that_does_not_reach_so_far_is_told_what_it_lacks(
        self, browser: httpx.AsyncClient, doors: Doors
    ) -> None:
        await sign_in(browser, await doors.key(Scope.MESSAGES_READ))
        reply = await browser.get("/inbox")
        assert (reply.status_code, reply.headers["content-type"]) == (403, HTML)
        assert "users:read" in reply.text
        assert 'href="/messages"' in reply.text
        assert 'href="/people"' not in reply.text


class TestTheBooks:
    async def test_who_signs_in_and_out_is_in_the_audit_log(
        self, browser: httpx.AsyncClient, doors: Doors, pipeline: Pipeline
    ) -> None:
        await sign_in(browser, WRONG)
        await sign_in(browser, await doors.key(name="Ada"))
        await browser.post("/sign-out", data={"csrf_token": proof(browser)})
        rows = await pipeline.rows(
            "SELECT action, actor_kind, actor_name, host(address) AS address FROM audit_log "
            "WHERE action LIKE 'session.%' ORDER BY id"
        )
        assert [tuple(row) for row in rows] == [
            ("session.sign_in", "key", "Ada", "127.0.0.1"),
            ("session.sign_out", "key", "Ada", "127.0.0.1"),
        ]

    async def test_a_session_counts_as_a_use_of_its_key(
        self, browser: httpx.AsyncClient, doors: Doors, clock: FakeClock
    ) -> None:
        await sign_in(browser, await doors.key())
        clock.advance(timedelta(minutes=5))
        assert await is_in(browser)
        await doors.access.ring.flush()
        (key,) = await doors.keys.list_all()
        assert key.last_used_at == clock.now()
