"""List every fault, in the order in which a run goes through them."""

from collections.abc import Sequence

from tests.chaos.fault import Fault
from tests.chaos.faults import (
    broker,
    clocks,
    database,
    edits,
    failpoints,
    outage,
    provider,
    workers,
)

FAULTS: Sequence[Fault] = (
    workers.KILL,
    failpoints.WORKER,
    workers.STOP,
    failpoints.SCHEDULER,
    database.BACKEND,
    database.CRASH,
    provider.FAULTY,
    provider.IN_BATCHES,
    edits.RACE,
    workers.RESTART,
    clocks.JUMP,
    outage.AWAY,
    broker.LEADER,
    broker.PARTITION,
    broker.WIPE,
)
