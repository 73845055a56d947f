"""A queue: at least once, in no certain order, and it may lose everything."""

from collections.abc import Sequence
from enum import StrEnum

from heyday.domain.errors import TransportError
from heyday.domain.models import Batch


class Confirm(StrEnum):
    """What becomes of one publish."""

    SURE = "there, and confirmed"
    REFUSED = "not there, and said so"
    UNSURE = "there, but not confirmed"


class ModelBroker:
    """Hold batches: those that wait, and those that a worker has and has not acknowledged."""

    def __init__(self) -> None:
        self.waiting: list[Batch] = []
        self.held: dict[int, Batch] = {}
        self.next_confirm = Confirm.SURE
        self.loses_next_ack = False
        self._number = 0

    def publish(self, batches: Sequence[Batch]) -> None:
        confirm, self.next_confirm = self.next_confirm, Confirm.SURE
        if confirm is not Confirm.REFUSED:
            self.waiting.extend(batches)
        if confirm is not Confirm.SURE:
            raise TransportError(confirm)

    def take(self, place: int) -> tuple[int, Batch]:
        """Hand one of the waiting batches to a worker; return its number and it."""
        batch = self.waiting.pop(place % len(self.waiting))
        self._number += 1
        self.held[self._number] = batch
        return self._number, batch

    def ack(self, number: int) -> None:
        """Forget a batch. An answer that is lost brings it again."""
        batch = self.held.pop(number, None)
        if self.loses_next_ack and batch:
            self.loses_next_ack = False
            self.waiting.append(batch)
            raise TransportError("the acknowledgement was lost")

    def give_back(self, *numbers: int) -> None:
        """Put batches that were not acknowledged back into the queue."""
        held = [self.held.pop(number) for number in numbers if number in self.held]
        self.waiting.extend(held)

    def redeliver(self) -> None:
        """Deliver again what workers hold, who may still be at it."""
        self.waiting.extend(self.held.values())

    def lose_all(self) -> None:
        self.waiting.clear()

    def heal(self) -> None:
        self.next_confirm = Confirm.SURE
        self.loses_next_ack = False
