"""A queue: at least once, in no certain order, and it may lose everything."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from heyday.domain.errors import TransportError
from heyday.domain.models import Batch


class Trouble(StrEnum):
    """What may go wrong with the queue."""

    REFUSES = "the next publish is refused"
    UNSURE = "the next publish arrives, and is not confirmed"
    LOSES_ACK = "the next acknowledgement is lost"
    LOSES_ONE = "a batch is lost"
    LOSES_ALL = "all waiting batches are lost"
    DOUBLES = "a batch is there twice"
    REDELIVERS = "what workers hold is delivered again"


class ModelBroker:
    """Hold batches: those that wait, and those that a worker has and has not acknowledged."""

    def __init__(self) -> None:
        self.waiting: list[Batch] = []
        self.held: dict[int, Batch] = {}
        self._to_come: set[Trouble] = set()
        self._number = 0

    def suffer(self, what: Trouble, place: int) -> None:
        """Let something go wrong, now or with the next call."""
        match what:
            case Trouble.LOSES_ALL:
                self.waiting.clear()
            case Trouble.REDELIVERS:
                self.waiting.extend(self.held.values())
            case Trouble.LOSES_ONE if self.waiting:
                self.waiting.pop(place % len(self.waiting))
            case Trouble.DOUBLES if self.waiting:
                self.waiting.append(self.waiting[place % len(self.waiting)])
            case _:
                self._to_come.add(what)

    def publish(self, batches: Sequence[Batch]) -> None:
        if self._comes(Trouble.REFUSES):
            raise TransportError(Trouble.REFUSES)
        self.waiting.extend(batches)
        if self._comes(Trouble.UNSURE):
            raise TransportError(Trouble.UNSURE)

    def count_due(self, now: datetime) -> int:
        return sum(batch.due_at <= now for batch in self.waiting)

    def take(self, place: int) -> tuple[int, Batch]:
        """Hand one of the waiting batches to a worker; return its number and it."""
        batch = self.waiting.pop(place % len(self.waiting))
        self._number += 1
        self.held[self._number] = batch
        return self._number, batch

    def ack(self, number: int) -> None:
        """Forget a batch. An answer that is lost brings it again."""
        batch = self.held.pop(number, None)
        if batch and self._comes(Trouble.LOSES_ACK):
            self.waiting.append(batch)
            raise TransportError(Trouble.LOSES_ACK)

    def give_back(self, *numbers: int) -> None:
        """Put batches that were not acknowledged back into the queue."""
        held = [self.held.pop(number) for number in numbers if number in self.held]
        self.waiting.extend(held)

    def heal(self) -> None:
        self._to_come.clear()

    def _comes(self, trouble: Trouble) -> bool:
        if trouble not in self._to_come:
            return False
        self._to_come.remove(trouble)
        return True
