"""What comes out of one run: of a peer, or of Heyday."""

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.lateness import Lateness


@dataclass(frozen=True, slots=True)
class Cpu:
    """Hold CPU seconds: of the programs themselves, and of PostgreSQL or RabbitMQ."""

    programs: float
    server: float

    def since(self, before: "Cpu") -> "Cpu":
        """Return what was taken since then."""
        return Cpu(self.programs - before.programs, self.server - before.server)


@dataclass(frozen=True, slots=True)
class Run:
    """Hold one run.

    handed_over: seconds it took to enqueue all, before the instant; None where nobody does.
    undone: jobs that were not marked as done in the end.   lost, twice: greetings that the
    provider never had, and requests beyond the first of a greeting.   before, after: the instant.
    """

    name: str
    greetings: int
    handed_over: float | None
    lost: int
    twice: int
    undone: int
    seconds: float
    lateness: Lateness
    before: Cpu
    after: Cpu

    @property
    def rate(self) -> float:
        """Return greetings a second, from the instant to the last."""
        return self.greetings / self.seconds

    @property
    def is_right(self) -> bool:
        """Tell whether everybody was greeted once, not early, and the books say so."""
        return not (self.lost or self.twice or self.undone or self.lateness.early)

    def per_million(self, seconds: float) -> float:
        """Return CPU seconds for a million greetings."""
        return seconds / self.greetings * 1e6


@dataclass(frozen=True, slots=True)
class Received:
    """Hold what a provider had. late: of each greeting's first request, in seconds."""

    late: list[float]
    twice: int

    @classmethod
    def of(cls, log: Iterable[tuple[float, str]], due_at: float) -> "Received":
        """Read its log. Raises ValueError if it had nothing."""
        first: dict[str, float] = {}
        requests = 0
        for received_at, key in log:
            requests += 1
            first.setdefault(key, received_at - due_at)
        if not first:
            raise ValueError("the provider had no request: what the workers wrote says why")
        return cls(list(first.values()), requests - len(first))
