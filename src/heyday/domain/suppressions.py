"""Say why an address is on the list of those who get no greetings, whoever brings it again."""

from enum import StrEnum


class Reason(StrEnum):
    """Name what put an address there. More may come, such as mail that came back."""

    UNSUBSCRIBED = "unsubscribed"
    ERASED = "erased"
