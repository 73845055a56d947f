"""Stand before a sender, and pass on what does not concern whoever stands there."""

from datetime import timedelta

from heyday.domain.ports import BatchSender


class PassingOn:
    """Say of a sender what it says of itself; `send_many` is left to who stands before it."""

    def __init__(self, sender: BatchSender) -> None:
        self.sender = sender

    @property
    def batch_size(self) -> int:
        """Return the most greetings that one call may carry."""
        return self.sender.batch_size

    @property
    def key_lifetime(self) -> timedelta | None:
        """Return for how long the provider takes a repeated key for the same message."""
        return self.sender.key_lifetime

    def make_ready(self, calls: int) -> None:
        """Begin what can be done ahead of so many calls."""
        self.sender.make_ready(calls)
