"""Webhooks: signatures by Standard Webhooks, and whom one is allowed to call."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from heyday.domain.delivery import OutcomeKind, Trouble
from heyday.senders.calls import HttpConfig
from heyday.senders.providers.sender import ProviderSender, Route
from heyday.senders.providers.webhook import Webhook, read_secret, sign
from heyday.senders.resolving import Resolve, ask_for_public, ask_system
from tests.certificates import Certificate
from tests.contracts.scene import WRITER
from tests.contracts.stub import Reply, Stub
from tests.contracts.webhook import SECRET
from tests.contracts.webhook import Webhook as Contract
from tests.fakes import MESSAGE, FakeClock

ACCEPTED, NOT_ACCEPTED = OutcomeKind.ACCEPTED, OutcomeKind.NOT_ACCEPTED
OTHER = f"whsec_{base64.b64encode(bytes(range(32, 64))).decode()}"


def sender_to(url: str, *secrets: str, resolve: Resolve = ask_system) -> ProviderSender:
    keys = [read_secret(text) for text in secrets or [SECRET]]
    route = Route(Webhook(keys, timedelta(hours=1)), HttpConfig(f"{url}/in"), resolve=resolve)
    return ProviderSender(route, WRITER, FakeClock())


@pytest.mark.parametrize(
    ("secrets", "status"), [([SECRET], 204), ([OTHER, SECRET], 204), ([OTHER], 401)]
)
async def test_any_secret_of_ours_opens_so_that_they_can_be_changed(
    secrets: list[str], status: int
):
    async with Stub(Contract()) as stub:
        async with sender_to(stub.url, *secrets) as sender:
            (outcome,) = await sender.send_many([MESSAGE])
        signatures = stub.requests[0].headers["webhook-signature"].split(" ")
    assert len(signatures) == len(secrets)
    assert outcome.code == status


def test_the_published_example_is_signed_as_published():
    """From the tests of standard-webhooks/standard-webhooks, libraries/python."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    key = "msg_p5jXN8AQM9LWM0D4loKWxJek"  # pragma: allowlist secret
    signed = sign([secret], key, 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize("body", [b"", b"thanks", b'{"success": false}'])
async def test_any_2xx_is_a_success(status: int, body: bytes):
    async with (
        Stub(Contract(), lambda _, __: Reply(status, b"" if status == 204 else body)) as stub,
        sender_to(stub.url) as sender,
    ):
        (outcome,) = await sender.send_many([MESSAGE])
    assert outcome.kind is ACCEPTED


async def test_an_id_that_it_gives_is_kept():
    async with (
        Stub(Contract(), lambda _, __: Reply(200, b'{"id": "w-1"}')) as stub,
        sender_to(stub.url) as sender,
    ):
        (outcome,) = await sender.send_many([MESSAGE])
    assert outcome.provider_message_id == "w-1"


async def test_a_webhook_that_is_gone_is_a_matter_of_the_account():
    async with (
        Stub(Contract(), lambda _, __: Reply(410)) as stub,
        sender_to(stub.url) as sender,
    ):
        (outcome,) = await sender.send_many([MESSAGE])
    assert (outcome.kind, outcome.trouble) == (NOT_ACCEPTED, Trouble.ACCOUNT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "whsec_!!!!",
        base64.b64encode(bytes(32)).decode(),
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
    ],
)
def test_a_secret_that_could_be_guessed_is_none_and_not_told(text: str):
    with pytest.raises(ValueError, match="whsec_ and 24 to 64 bytes") as refused:
        read_secret(text)
    assert len(text) <= len("whsec_") or text not in str(refused.value)


# --- Whom it may call -------------------------------------------------------------------------


@asynccontextmanager
async def hook(certificate: Certificate) -> AsyncIterator[Stub]:
    async with Stub(Contract(), tls=certificate.server()) as stub:
        yield stub


async def test_by_https_to_an_address_of_ones_own_where_that_is_allowed(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    async with hook(certificate) as stub:
        async with sender_to(stub.url) as sender:
            (outcome,) = await sender.send_many([MESSAGE])
        assert (outcome.kind, stub.accepted.total()) == (ACCEPTED, 1)


async def test_no_private_address_is_called_by_whatever_name(certificate: Certificate):
    async with hook(certificate) as stub:
        for url in (stub.url, stub.url.replace("localhost", "127.0.0.1")):
            async with sender_to(url, resolve=ask_for_public) as sender:
                (outcome,) = await sender.send_many([MESSAGE])
            assert (outcome.kind, outcome.trouble) == (NOT_ACCEPTED, Trouble.PROVIDER)
            assert outcome.error == "the provider's host has no address that is public"
        assert stub.requests == []


async def test_a_name_that_leads_elsewhere_after_the_check_leads_nowhere(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
):
    """DNS rebinding: a public address when it is checked, this machine's when it is called."""
    asked: list[str] = []
    loop = asyncio.get_running_loop()

    async def getaddrinfo(host: str, port: int, **_: object) -> object:
        asked.append(host)
        address = "203.0.113.7" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    connected: list[object] = []

    async def sock_connect(_: object, address: object) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(loop, "sock_connect", sock_connect)
    monkeypatch.setattr("heyday.senders.resolving.is_public", lambda text: text != "127.0.0.1")
    async with hook(certificate) as stub:
        port = int(stub.url.rpartition(":")[2])
        async with sender_to(stub.url, resolve=ask_for_public) as sender:
            for _ in range(2):
                (outcome,) = await sender.send_many([MESSAGE])
                assert outcome.kind is NOT_ACCEPTED
        assert stub.requests == []
    assert connected == [("203.0.113.7", port)]
    assert len(asked) == 2
