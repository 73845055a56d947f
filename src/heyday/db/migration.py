"""What a migration says of itself: what it locks, for how long, and whom it serves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType


@dataclass(frozen=True, slots=True)
class Migration:
    """Describe a migration, as its file does.

    title: the first line of its docstring.
    locks: the strongest lock on each table that was there before; a partition's is its parent's.
    whole: those of them of which all is read or written under it, so that it lasts.
    serves_from: the newest revision that a program has to know to work on beside it; None: it takes
    nothing away.
    is_transaction: whether it runs in one. Indexes that are built beside writers cannot.
    A test holds locks and whole to what PostgreSQL says.
    """

    revision: str
    title: str
    locks: Mapping[str, str]
    whole: Sequence[str]
    serves_from: str | None
    is_transaction: bool

    @classmethod
    def of(cls, revision: str, module: ModuleType) -> "Migration":
        """Read it off the file of a migration."""
        title = (module.__doc__ or "").strip().partition("\n")[0]
        return cls(
            revision,
            title,
            getattr(module, "locks", {}),
            getattr(module, "whole", ()),
            getattr(module, "serves_from", None),
            getattr(module, "is_transaction", True),
        )
