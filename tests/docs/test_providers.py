"""What docs/mail.md says of providers is what their modules and settings say."""

import json
import re

from heyday.senders.providers import resend
from heyday.settings import Settings
from heyday.settings.providers import NEEDED
from tests.contracts.recorded import FOLDER
from tests.contracts.scene import ORIGIN, PROVIDERS
from tests.docs.pages import page

MAIL = page("docs/mail.md")


def test_what_each_needs_is_what_it_is_refused_without() -> None:
    (table,) = MAIL.tables(
        "`SENDER`", "needs", "its API, unless `HEYDAY_PROVIDER_URL` names another"
    )
    fields = Settings.model_fields
    said = {row[0]: re.findall(r"`(\w+)`", row[1]) for row in table.rows}
    assert said == {
        f"`{name.value}`": [fields[field].alias for field in needed]
        for name, needed in NEEDED.items()
    }
    usual = {f"`{name}`": known.usual for name, known in PROVIDERS.items()}
    for name, _, url in table.rows:
        if url:
            assert url.replace("{region}", "eu-central-1") == usual[name]


def test_what_each_promises_is_what_is_reckoned_with() -> None:
    (table,) = MAIL.tables(
        "provider",
        "greetings in one call",
        "known for a repeated key",
        "calls a second unless set",
        "the provider's id",
    )
    assert [row[0] for row in table.rows] == [f"`{name.value}`" for name in NEEDED]
    for name, batch, keys, rate, _ in table.rows:
        dialect = PROVIDERS[name.strip("`")].speak("http://127.0.0.1:9", ORIGIN)
        most = dialect.batch_limit
        assert batch == (f"up to {most}" if most > 1 else "1")
        assert (keys == "never") == (dialect.key_lifetime is None)
        if name == "`resend`":
            assert dialect.key_lifetime is not None
            hours = dialect.key_lifetime.total_seconds() / 3600
            assert keys == f"{hours:g} h; in a batch never"
            assert rate == f"{resend.CALLS_PER_SECOND:g}"


def test_the_body_of_a_webhook_is_the_one_that_is_sent() -> None:
    shown, _ = (json.loads(block) for block in MAIL.blocks("text") if block.startswith("{"))
    recorded = (FOLDER / "webhook-rich.http").read_bytes().partition(b"\r\n\r\n")[2]
    sent = json.loads(recorded)
    assert list(shown) == list(sent)
    assert list(shown["data"]) == list(sent["data"])
    assert shown["type"] == sent["type"]
