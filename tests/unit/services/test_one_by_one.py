from dataclasses import replace
from datetime import timedelta

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.services.one_by_one import OneByOne
from tests.fakes import MESSAGE, RecordingSender


async def test_each_message_is_a_call_of_its_own():
    single = RecordingSender()
    refused = Outcome(OutcomeKind.REFUSED)
    single.script("key-1", refused)
    sender = OneByOne(single)
    letters = [replace(MESSAGE, idempotency_key=f"key-{n}") for n in range(3)]
    outcomes = await sender.send_many(letters)
    assert sender.batch_size == 1
    assert sender.key_lifetime == timedelta(hours=24)
    assert single.keys == ["key-0", "key-1", "key-2"]
    assert [outcome.provider_message_id for outcome in outcomes] == ["fake-1", None, "fake-3"]
    assert outcomes[1] == refused
