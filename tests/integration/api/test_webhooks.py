"""What providers post, over HTTP: taken if they signed it, and answered with a status alone."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from structlog.testing import capture_logs

from heyday.api.webhooks import LONGEST_BODY
from heyday.domain.errors import SourceUnavailable
from heyday.domain.event_ports import Posted
from tests.factories import Pipeline
from tests.fakes import FakeClock
from tests.webhooks import PROVIDERS, TOPIC, Amazon, Telling, signed_mailgun, signed_sendgrid

NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
SECONDS = timedelta(seconds=10)


@pytest.fixture
async def key(pipeline: Pipeline, clock: FakeClock) -> str:
    """The key of a greeting of which nobody can say whether it left."""
    clock.set(NINE - timedelta(hours=1))
    await pipeline.create(
        first_name="Zebulon", email="zq@mark.example", timezone="UTC", birthday_date="1990-01-15"
    )
    await pipeline.execute("UPDATE message_logs SET status = 'UNKNOWN', ambiguous_count = 1")
    clock.set(NINE + SECONDS)
    return str((await pipeline.message())["idempotency_key"])


@pytest.fixture
async def client(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """Somebody without a key of the API."""
    client.headers["X-Key"] = client.headers.pop("Authorization")
    return client


async def post(client: httpx.AsyncClient, provider: str, posted: Posted) -> httpx.Response:
    return await client.post(
        f"/webhooks/{provider}", content=posted.body, headers=dict(posted.headers)
    )


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_signed_event_settles_a_greeting_before_the_reply_and_shows_in_its_timeline(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock, key: str, provider: str
) -> None:
    telling = Telling(provider, "delivered", key, to="zq@mark.example")
    reply = await post(client, provider, telling.posted(clock.now()))
    assert (reply.status_code, reply.content) == (200, b"")
    row = await pipeline.message()
    assert row["status"] == "SENT"
    headers = {"Authorization": client.headers["X-Key"]}
    shown = (await client.get(f"/api/v1/messages/{row['id']}", headers=headers)).json()
    texts = [event["text"] for event in shown["timeline"]]
    assert [text for text in texts if text.startswith(f"told by {provider}: delivered")]
    assert [attempt["outcome"] for attempt in shown["attempts"]] == ["told"]


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_stranger_learns_and_changes_nothing_and_is_soon_held_off(
    client: httpx.AsyncClient, pipeline: Pipeline, provider: str
) -> None:
    replies = [await post(client, provider, Posted({}, b'{"x": 1}')) for _ in range(31)]
    assert [reply.status_code for reply in replies] == [401] * 30 + [429]
    assert {reply.content for reply in replies} == {b""}
    assert int(replies[-1].headers["Retry-After"]) > 0
    assert await pipeline.statuses() == ["UNKNOWN"]
    refused = pipeline.metrics.registry.get_sample_value(
        "heyday_webhooks_refused_total", {"provider": provider}
    )
    assert refused == 31


async def test_whoever_signs_is_not_held_off_by_strangers_from_the_same_address(
    client: httpx.AsyncClient, clock: FakeClock, key: str
) -> None:
    for _ in range(40):
        await post(client, "webhook", Posted({}, b"{}"))
    reply = await post(client, "webhook", Telling("webhook", "delivered", key).posted(clock.now()))
    assert reply.status_code == 200


@pytest.mark.parametrize("webhooks", [None])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_provider_that_is_not_set_up_is_not_there(
    client: httpx.AsyncClient, clock: FakeClock, key: str, provider: str
) -> None:
    reply = await post(client, provider, Telling(provider, "delivered", key).posted(clock.now()))
    assert reply.status_code == 404


async def test_nobody_looks_at_what_a_get_would_say(client: httpx.AsyncClient) -> None:
    assert (await client.get("/webhooks/ses")).status_code == 405


async def test_a_body_without_end_is_not_read(client: httpx.AsyncClient) -> None:
    reply = await post(client, "webhook", Posted({}, b"x" * (LONGEST_BODY + 1)))
    assert reply.status_code == 413


async def test_what_is_signed_and_unreadable_is_refused_for_good(
    client: httpx.AsyncClient, clock: FakeClock
) -> None:
    reply = await post(client, "sendgrid", signed_sendgrid(b"{", clock.now()))
    assert (reply.status_code, reply.content) == (400, b"")


async def test_a_certificate_that_cannot_be_had_lets_the_provider_come_again(
    client: httpx.AsyncClient, pipeline: Pipeline, amazon: Amazon, key: str
) -> None:
    amazon.fault = SourceUnavailable("Amazon SNS does not answer (TimeoutError)")
    posted = Telling("ses", "delivered", key).posted()
    reply = await post(client, "ses", posted)
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "5")
    amazon.fault = None
    assert (await post(client, "ses", posted)).status_code == 200
    assert await pipeline.statuses() == ["SENT"]


async def test_a_token_of_mailgun_opens_for_no_other_event(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock, key: str
) -> None:
    posted = signed_mailgun({"event": "opened"}, clock.now(), "t")
    forged = signed_mailgun(
        {"event": "complained", "id": "x", "user-variables": {"heyday_key": key}}, clock.now(), "t"
    )
    statuses = [
        (await post(client, "mailgun", each)).status_code for each in (posted, posted, forged)
    ]
    assert statuses == [200, 200, 401]
    assert await pipeline.value("SELECT count(*) FROM message_events") == 0


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_no_log_line_tells_who_was_told_of_or_what_it_was_signed_with(
    client: httpx.AsyncClient, clock: FakeClock, key: str, provider: str
) -> None:
    telling = Telling(provider, "bounced", key, to="zq@mark.example", name="an-event")
    posted = telling.posted(clock.now())
    with capture_logs() as logs:
        await post(client, provider, posted)
        await post(client, provider, Posted({}, posted.body))
    assert {line["event"] for line in logs} >= {"events_received", "request"}
    secrets = ["zq@mark", "Zebulon", key, "an-event", TOPIC, *posted.headers.values()]
    assert [secret for secret in secrets if secret in str(logs)] == []


async def test_a_delivery_is_no_line_of_the_audit_log(
    client: httpx.AsyncClient, pipeline: Pipeline, clock: FakeClock, key: str
) -> None:
    await pipeline.execute("DELETE FROM audit_log")
    await post(client, "webhook", Telling("webhook", "delivered", key).posted(clock.now()))
    assert await pipeline.value("SELECT count(*) FROM audit_log") == 0
