"""Say why an address is on the list of those who get no greetings, whoever brings it again."""

from enum import StrEnum


class Reason(StrEnum):
    """Name what put an address there, the weakest first: a stronger one takes its place."""

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"
