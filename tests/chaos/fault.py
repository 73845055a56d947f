"""Say what a fault is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.chaos.world import Setup, World


@dataclass(frozen=True, slots=True)
class Fault:
    """Declare a fault: how it is brought about once, and how often it is.

    inject: bring it about once.   at_once: how many are brought about side by side.
    ambiguous: whether it may leave an attempt of which nobody can say how it ended.
    """

    name: str
    title: str
    times: int
    short: int
    inject: Callable[[World], Awaitable[None]]
    setup: Setup = field(default_factory=Setup)
    at_once: int = 1
    ambiguous: bool = True
