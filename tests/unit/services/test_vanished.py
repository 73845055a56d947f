"""How attempts ended whose worker vanished."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from heyday.domain.delivery import OutcomeKind
from heyday.domain.send_ports import NO_LEDGER, NoLedger
from heyday.services.vanished import outcomes_of_vanished
from tests.fakes import MESSAGE, START_AT, FakeClock

OTHER = replace(MESSAGE, idempotency_key="00000000-0000-0000-0000-000000000009:BIRTHDAY:2027-01-14")


class Ledger(NoLedger):
    """Know one greeting that was accepted."""

    def __init__(self) -> None:
        self.since: datetime | None = None

    async def find_accepted(self, keys: Collection[str], since: datetime) -> Mapping[str, datetime]:
        self.since = since
        return {key: START_AT for key in keys if key == OTHER.idempotency_key}


async def test_without_a_ledger_nobody_can_say() -> None:
    found = await outcomes_of_vanished(NO_LEDGER, [MESSAGE], FakeClock())
    assert found[MESSAGE.idempotency_key].kind is OutcomeKind.AMBIGUOUS


async def test_what_a_ledger_knows_is_no_doubt() -> None:
    ledger = Ledger()
    old = replace(MESSAGE, ambiguous_since=START_AT - timedelta(hours=3))
    found = await outcomes_of_vanished(ledger, [old, OTHER], FakeClock())
    assert found[OTHER.idempotency_key].kind is OutcomeKind.ACCEPTED
    assert found[MESSAGE.idempotency_key].kind is OutcomeKind.AMBIGUOUS
    assert ledger.since == old.ambiguous_since
