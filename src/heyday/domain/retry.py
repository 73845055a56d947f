"""Decide how long to wait before the next attempt."""

from dataclasses import dataclass
from datetime import timedelta

from heyday.domain.errors import ConfigurationError

_LONGEST_RETRY_AFTER = timedelta(hours=1)
_LONGEST_DELAY = timedelta(days=1)
# 2**62 times a microsecond is longer than any delay allowed, and still a float.
_LARGEST_EXPONENT = 62


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Space retries out: 2, 4, 8, 16, 32 s by default, each give or take `spread`.

    max_retries: retries after the first attempt.   spread: share of the delay, 0 to 1.
    """

    max_retries: int = 5
    first_delay: timedelta = timedelta(seconds=2)
    longest_delay: timedelta = timedelta(seconds=32)
    spread: float = 0.2

    def __post_init__(self) -> None:
        """Refuse a policy that would wait for a negative time, or for days."""
        delays = (self.first_delay, self.longest_delay)
        if self.max_retries < 0 or not 0 <= self.spread <= 1:
            raise ConfigurationError(
                f"retries: got at most {self.max_retries}, spread {self.spread}; "
                "expected 0 or more, and a spread from 0 to 1"
            )
        if min(delays) < timedelta() or max(delays) > _LONGEST_DELAY:
            raise ConfigurationError(
                f"retry delays: got {self.first_delay} to {self.longest_delay}; "
                f"expected between 0 and {_LONGEST_DELAY}"
            )

    def delay(self, retry: int, jitter: float, retry_after: timedelta | None = None) -> timedelta:
        """Return the wait before retry number `retry` (from 1).

        jitter: a random number in [0, 1), given so that the rule stays pure.
        retry_after: what the provider asked for; obeyed when longer, up to one hour.
        """
        exponent = min(max(retry, 1) - 1, _LARGEST_EXPONENT)
        longest = self.longest_delay.total_seconds()
        plain = min(self.first_delay.total_seconds() * 2**exponent, longest)
        spaced = timedelta(seconds=plain * (1 + self.spread * (2 * jitter - 1)))
        if retry_after is None:
            return spaced
        return max(spaced, min(retry_after, _LONGEST_RETRY_AFTER))

    def is_spent(self, retries_made: int) -> bool:
        """Tell whether no retry is left."""
        return retries_made >= self.max_retries
