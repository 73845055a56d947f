"""Every class of fault, by name, over real sockets on loopback."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.errors import ConfigurationError
from heyday.senders.calls import HttpConfig
from heyday.senders.connection import Connection
from heyday.senders.connections import Connections
from heyday.senders.http import HttpSender
from tests.fakes import MESSAGE, FakeClock
from tests.provider import Act, Provider, Received, always
from tests.wire import listening, read_request, reset

ACCEPTED, REFUSED = OutcomeKind.ACCEPTED, OutcomeKind.REFUSED
NOT_ACCEPTED, AMBIGUOUS = OutcomeKind.NOT_ACCEPTED, OutcomeKind.AMBIGUOUS
SHORT = timedelta(milliseconds=600)


def sender_for(url: str, within: timedelta = timedelta(seconds=10)) -> HttpSender:
    return HttpSender(HttpConfig(url, within), FakeClock())


async def send_to(url: str, within: timedelta = timedelta(seconds=10)) -> Outcome:
    async with sender_for(url, within) as sender:
        return await sender.send(MESSAGE)


# --- The request ------------------------------------------------------------------------------


async def test_the_request_is_the_one_of_the_contract():
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with listening(serve) as address:
        outcome = await send_to(f"http://user:pass@{address}/api/")
    head, _, body = seen[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert outcome.kind is ACCEPTED
    assert lines[0] == "POST /api/send-email HTTP/1.1"
    assert f"Idempotency-Key: {MESSAGE.idempotency_key}" in lines
    assert "Content-Type: application/json" in lines
    assert "Authorization: Basic dXNlcjpwYXNz" in lines
    assert body.decode() == (
        '{"email":"ada.byron@example.com","message":"Hey, Ada Lovelace it\'s your birthday"}'
    )


async def test_connections_are_kept_and_no_cookie_comes_back():
    transports: set[object] = set()
    cookies: list[str | None] = []

    async def handle(request: web.Request) -> web.Response:
        transports.add(request.transport)
        cookies.append(request.headers.get("Cookie"))
        response = web.json_response({})
        response.set_cookie("session", "1")
        return response

    app = web.Application()
    app.router.add_post("/send-email", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with sender_for(f"http://localhost:{runner.addresses[0][1]}") as sender:
        for _ in range(3):
            assert (await sender.send(MESSAGE)).kind is ACCEPTED
    await runner.cleanup()
    assert len(transports) == 1
    assert cookies == [None, None, None]


async def test_a_sender_that_is_not_open_says_so():
    with pytest.raises(RuntimeError, match="not open"):
        await sender_for("http://127.0.0.1:9").send(MESSAGE)


@pytest.mark.parametrize("lifetime", [timedelta(minutes=15), None])
def test_for_how_long_keys_are_known_is_a_setting(lifetime: timedelta | None):
    config = HttpConfig("http://127.0.0.1:9", key_lifetime=lifetime)
    assert HttpSender(config, FakeClock()).key_lifetime == lifetime


# --- Answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "kind", "code"),
    [
        (Act.OK, ACCEPTED, 200),
        (Act.REFUSE, REFUSED, 422),
        (Act.BUSY, NOT_ACCEPTED, 429),
        (Act.SUCCESS_FALSE, NOT_ACCEPTED, 200),
        (Act.ERROR, AMBIGUOUS, 500),
        (Act.ERROR_ACCEPTED, AMBIGUOUS, 500),
        (Act.UNAVAILABLE, AMBIGUOUS, 503),
        (Act.HTML_ACCEPTED, AMBIGUOUS, 200),
        (Act.TRUNCATED_ACCEPTED, AMBIGUOUS, 200),
        (Act.RESET_ACCEPTED, AMBIGUOUS, None),
        (Act.HANG_UP_ACCEPTED, AMBIGUOUS, None),
        (Act.GARBAGE_ACCEPTED, AMBIGUOUS, None),
    ],
)
async def test_the_class_of_each_act_and_one_request_for_one_attempt(
    act: Act, kind: OutcomeKind, code: int | None
):
    async with Provider(always(act)) as provider:
        outcome = await send_to(provider.url)
        assert (outcome.kind, outcome.code) == (kind, code)
        assert [request.key for request in provider.requests] == [MESSAGE.idempotency_key]


@pytest.mark.parametrize(
    ("act", "code"),
    [(Act.HANG, None), (Act.HANG_ACCEPTED, None), (Act.SLOW_BODY_ACCEPTED, 200)],
)
async def test_no_complete_answer_in_time_is_ambiguous(act: Act, code: int | None):
    async with Provider(always(act)) as provider:
        async with asyncio.timeout(5):
            outcome = await send_to(provider.url, SHORT)
        assert (outcome.kind, outcome.code) == (AMBIGUOUS, code)
        assert "in time" in (outcome.error or "")


async def test_an_accepted_answer_carries_the_provider_id():
    async with Provider() as provider:
        outcome = await send_to(provider.url)
    assert outcome.provider_message_id == "m-1"
    assert outcome.body == '{"success": true, "id": "m-1"}'
    assert outcome.error is None


@pytest.mark.parametrize("act", [Act.BUSY, Act.UNAVAILABLE])
async def test_retry_after_is_passed_on(act: Act):
    async with Provider(always(act)) as provider:
        assert (await send_to(provider.url)).retry_after == timedelta(seconds=1)


async def test_a_redirect_is_not_followed():
    async with Provider() as target:

        def away(_: Received) -> web.Response:
            return web.Response(status=307, headers={"Location": f"{target.url}/send-email"})

        async with Provider(away) as provider:
            outcome = await send_to(provider.url)
        assert (outcome.kind, outcome.code) == (NOT_ACCEPTED, 307)
        assert target.requests == []


async def test_a_body_that_echoes_the_person_is_stored_without_them():
    def echo(request: Received) -> web.Response:
        return web.json_response({"to": request.email, "text": request.message}, status=400)

    async with Provider(echo) as provider:
        outcome = await send_to(provider.url)
    assert outcome.kind is REFUSED
    assert outcome.body == '{"to": "[...]", "text": "Hey, [...] [...] it\'s your birthday"}'


@pytest.mark.parametrize(("status", "kind"), [(200, AMBIGUOUS), (400, REFUSED), (500, AMBIGUOUS)])
async def test_a_body_without_end_is_not_read(status: int, kind: OutcomeKind):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 99999999\r\n\r\n" % status)
        writer.write(b" " * 100_000)
        await reader.read()

    async with listening(serve) as address:
        outcome = await send_to(f"http://{address}")
    assert (outcome.kind, outcome.code, outcome.body) == (kind, status, None)
    if status == 200:
        assert outcome.error == (
            "the provider answered 200, but the body is longer than 65536 bytes"
        )


async def test_a_status_stands_when_the_body_breaks_off():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 429 X\r\nRetry-After: 5\r\nContent-Length: 10\r\n\r\n{")

    async with listening(serve) as address:
        outcome = await send_to(f"http://{address}")
    assert (outcome.kind, outcome.retry_after) == (NOT_ACCEPTED, timedelta(seconds=5))


# --- Connections ------------------------------------------------------------------------------


async def test_a_refused_connection_was_surely_not_accepted(unused_port: int):
    outcome = await send_to(f"http://127.0.0.1:{unused_port}")
    assert outcome.kind is NOT_ACCEPTED
    assert outcome.error == "no connection to the provider (ECONNREFUSED)"


async def test_a_name_without_address_was_surely_not_accepted(monkeypatch: pytest.MonkeyPatch):
    async def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    outcome = await send_to("http://mail.invalid")
    assert outcome.kind is NOT_ACCEPTED
    assert outcome.error == "the provider's host name cannot be resolved"


async def test_no_tls_was_surely_not_accepted():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with listening(serve) as address:
        outcome = await send_to(f"https://{address}")
    assert outcome.kind is NOT_ACCEPTED
    assert outcome.error is not None
    assert outcome.error.startswith("no TLS connection to the provider")


async def test_a_connection_that_takes_too_long_was_surely_not_accepted():
    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()  # never a TLS greeting in return

    async with listening(serve) as address:
        outcome = await send_to(f"https://{address}", SHORT)
    late = "no connection to the provider in time"
    assert outcome == Outcome(NOT_ACCEPTED, error=late, trouble=Trouble.PROVIDER)


@pytest.mark.parametrize("close", [reset, asyncio.StreamWriter.close], ids=["rst", "fin"])
async def test_a_connection_cut_before_the_request_was_read_is_ambiguous(
    close: Callable[[asyncio.StreamWriter], None],
):
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        close(writer)

    async with listening(serve) as address:
        assert (await send_to(f"http://{address}")).kind is AMBIGUOUS


@pytest.mark.parametrize("cut", [Act.HANG_UP_ACCEPTED, Act.RESET_ACCEPTED])
async def test_a_kept_connection_that_closes_under_a_request_is_ambiguous_and_not_resent(cut: Act):
    async with Provider() as provider, sender_for(provider.url) as sender:
        assert (await sender.send(MESSAGE)).kind is ACCEPTED
        provider.behave = always(cut)
        assert (await sender.send(MESSAGE)).kind is AMBIGUOUS
        assert len(provider.requests) == 2


async def test_a_kept_connection_that_closed_while_idle_is_not_used_again():
    served = 0
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        await read_request(reader)
        served += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.write_eof()
        await reader.read()  # ends when the client has closed its half, having seen ours
        writer.close()
        closed.set()

    async with listening(serve) as address, sender_for(f"http://{address}") as sender:
        assert (await sender.send(MESSAGE)).kind is ACCEPTED
        await closed.wait()
        assert (await sender.send(MESSAGE)).kind is ACCEPTED
    assert served == 2


async def test_when_every_connection_is_busy_no_attempt_is_made():
    async with Provider(always(Act.HANG)) as provider:
        # Long enough for the first to connect on a busy machine.
        patience = timedelta(seconds=1)
        config = HttpConfig(provider.url, connect_timeout=patience, connections=1)
        async with HttpSender(config, FakeClock()) as sender:
            first = asyncio.create_task(sender.send(MESSAGE))
            await provider.wait_for(1)
            second = await sender.send(replace(MESSAGE, idempotency_key="second"))
            provider.released.set()
            assert (await first).kind is ACCEPTED
        assert second.kind is OutcomeKind.NOT_TRIED
        assert len(provider.requests) == 1


async def test_no_more_calls_are_made_at_once_than_connections():
    async with Provider(always(Act.HANG)) as provider:
        config = HttpConfig(provider.url, connections=3)
        async with HttpSender(config, FakeClock()) as sender:
            calls = [asyncio.create_task(sender.send(MESSAGE)) for _ in range(10)]
            await provider.wait_for(3)
            assert len(provider.requests) == 3
            provider.released.set()
            assert {outcome.kind for outcome in await asyncio.gather(*calls)} == {ACCEPTED}


async def test_a_cancelled_call_is_cancelled_and_gives_its_connection_back():
    async with Provider(always(Act.HANG)) as provider:
        config = HttpConfig(provider.url, connections=1)
        async with HttpSender(config, FakeClock()) as sender:
            call = asyncio.create_task(sender.send(MESSAGE))
            await provider.wait_for(1)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            provider.behave = always(Act.OK)
            assert (await sender.send(MESSAGE)).kind is ACCEPTED


# --- Ahead of time ----------------------------------------------------------------------------


class Guests:
    """Count the connections that a server got, and answer each request over them."""

    def __init__(self) -> None:
        self.came = 0
        self._changed = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came += 1
        async with self._changed:
            self._changed.notify_all()
        while True:
            await read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async def wait_for(self, number: int) -> None:
        async with self._changed, asyncio.timeout(10):
            await self._changed.wait_for(lambda: self.came >= number)


async def test_connections_are_there_before_the_calls_that_need_them():
    guests = Guests()
    async with listening(guests.serve) as address:
        config = HttpConfig(f"http://{address}", connections=8)
        async with HttpSender(config, FakeClock()) as sender:
            sender.make_ready(5)
            await guests.wait_for(5)
            calls = [sender.send(MESSAGE) for _ in range(5)]
            assert {outcome.kind for outcome in await asyncio.gather(*calls)} == {ACCEPTED}
            assert guests.came == 5


async def test_no_more_are_made_ready_than_calls_are_made_at_once_and_none_twice():
    guests = Guests()
    async with listening(guests.serve) as address:
        config = HttpConfig(f"http://{address}", connections=3)
        async with HttpSender(config, FakeClock()) as sender:
            for _ in range(3):
                sender.make_ready(2)
            await guests.wait_for(2)
            await sender.made_ready()
            sender.make_ready(500)
            await sender.made_ready()
            assert guests.came == 3
            calls = [sender.send(MESSAGE) for _ in range(9)]
            assert {outcome.kind for outcome in await asyncio.gather(*calls)} == {ACCEPTED}
            assert guests.came == 3


async def test_making_ready_for_a_provider_that_is_away_costs_one_try(
    unused_port: int, monkeypatch: pytest.MonkeyPatch
):
    tries = 0
    connect = Connections.open

    async def count(connections: Connections) -> Connection:
        nonlocal tries
        tries += 1
        return await connect(connections)

    monkeypatch.setattr(Connections, "open", count)
    async with sender_for(f"http://127.0.0.1:{unused_port}") as sender:
        sender.make_ready(64)
        await sender.made_ready()
        assert tries == 1
        assert (await sender.send(MESSAGE)).kind is NOT_ACCEPTED


async def test_closing_ends_what_is_being_made_ready():
    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()  # never a TLS greeting in return

    async with listening(serve) as address:
        sender = sender_for(f"https://{address}")
        sender.make_ready(1)  # before it is open there is nothing to do
        async with sender:
            sender.make_ready(2)


# --- Texts and settings -----------------------------------------------------------------------


@pytest.mark.parametrize("act", [act for act in Act if "ang" not in act and "slow" not in act])
async def test_no_error_text_names_the_provider_or_the_person(act: Act):
    async with Provider(always(act)) as provider:
        outcome = await send_to(provider.url.replace("//", "//user:secret@"))
    for private in ("127.0.0.1", "secret", "send-email", "ada", "byron", "Lovelace"):
        assert private not in (outcome.error or "")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example.com",
        "ftp://mail.example.com",
        "http://",
        "http:///path",
        "http://mail.example.com/?key=1",
        "http://mail.example.com/#top",
        "http://mail.example.com:port",
        "http://mail.example.com:99999",
        "http://mail example.com",
        "http://[::1",
        f"http://{'x' * 64}.example.com",
        "http://a..example.com",
    ],
)
def test_an_address_that_cannot_be_called_is_refused(url: str):
    with pytest.raises(ConfigurationError, match="EMAIL_SERVICE_URL"):
        HttpConfig(url)


@pytest.mark.parametrize(
    "settings",
    [
        {"timeout": timedelta()},
        {"connect_timeout": timedelta()},
        {"timeout": timedelta(seconds=-1)},
        {"connections": 0},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(settings: dict[str, timedelta]):
    with pytest.raises(ConfigurationError, match="provider"):
        HttpConfig("http://mail.example.com", **settings)  # type: ignore[arg-type]


def test_a_password_in_the_address_is_not_shown():
    assert "secret" not in repr(HttpConfig("http://user:secret@mail.example.com"))


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port
