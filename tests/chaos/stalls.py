"""Find how long nothing was sent although there was work."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from tests.chaos.provider import Request


def longest_stall(requests: Sequence[Request], created: Mapping[str, datetime]) -> timedelta:
    """Return the longest time between two requests in which some greeting waited.

    requests: in the order of their arrival.   created: since when each greeting waits, by its key.
    """
    longest, oldest = timedelta(), datetime.max.replace(tzinfo=requests[0].received_at.tzinfo)
    first = _first_requests(requests)
    # From the end: what is requested later than a pause, and was there before it, waited in it.
    for number in range(len(requests) - 1, 0, -1):
        request, before = requests[number], requests[number - 1]
        if first[request.key] == number:
            oldest = min(oldest, created[request.key])
        waited = request.received_at - max(before.received_at, oldest)
        longest = max(longest, waited)
    return longest


def _first_requests(requests: Sequence[Request]) -> Mapping[str, int]:
    """Return where the first request for each key is."""
    first: dict[str, int] = {}
    for number, request in enumerate(requests):
        first.setdefault(request.key, number)
    return first
