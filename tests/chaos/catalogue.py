"""List every fault, in the order in which a run goes through them."""

from collections.abc import Sequence

from tests.chaos.fault import Fault
from tests.chaos.faults import kills

FAULTS: Sequence[Fault] = (
    kills.WORKER,
    kills.BACKEND,
    kills.RESTART,
)
