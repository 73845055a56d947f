"""Say what a fault is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.chaos.world import Setup, World


@dataclass(frozen=True, slots=True)
class Fault:
    """Declare a fault: how it is brought about, and how often.

    inject: bring it about, `per_turn` times.   at_once: how many turns are taken side by side.
    is_each_alone: whether each turn has a world of its own.
    review: look back at the end, add to the notes, and return what else is wrong.
    is_clear: whether it leaves no attempt of which nobody can say how it ended.
    is_of_broker: whether it can only be where RabbitMQ is the transport.
    """

    name: str
    title: str
    times: int
    short: int
    inject: Callable[[World], Awaitable[None]]
    setup: Setup = field(default_factory=Setup)
    per_turn: int = 1
    at_once: int = 1
    is_each_alone: bool = False
    review: Callable[[World], Awaitable[list[str]]] | None = None
    is_clear: bool = False
    is_of_broker: bool = False
