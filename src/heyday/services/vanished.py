"""Say how attempts ended whose worker vanished in the middle."""

from collections.abc import Sequence

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import Clock
from heyday.domain.send_ports import SendLedger

_VANISHED = Outcome(OutcomeKind.AMBIGUOUS, error="the worker vanished during the call")
_TAKEN = Outcome(OutcomeKind.ACCEPTED, error="known from the ledger of sends")


async def outcomes_of_vanished(
    ledger: SendLedger, messages: Sequence[ClaimedMessage], clock: Clock
) -> dict[str, Outcome]:
    """Return outcomes by key: ambiguous, unless a ledger knows that the provider had said yes."""
    keys = {message.idempotency_key for message in messages}
    since = min((m.ambiguous_since for m in messages if m.ambiguous_since), default=clock.now())
    accepted = await ledger.find_accepted(keys, since)
    return {key: _TAKEN if key in accepted else _VANISHED for key in keys}
