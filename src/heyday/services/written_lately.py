"""Know who may have been changed past Heyday, by SQL, without a look at everybody each time."""

from collections import deque
from datetime import datetime, timedelta

from heyday.domain.models import Written
from heyday.domain.ports import Session

# What else SQL may have changed, such as a greeting, no person's row tells of.
_EVERYBODY_EVERY = timedelta(days=1)
# With more people it is quicker to go through all that is planned.
_AT_MOST = 100_000


class WrittenLately:
    """Tell whose rows were written since the look before the last.

    Not since the last: a plan that read them before may have been committed after it. The first
    two looks of a process, and one a day, are at everybody.
    """

    def __init__(self) -> None:
        self._horizons: deque[int] = deque(maxlen=2)
        self._everybody_at: datetime | None = None

    async def look(self, session: Session, now: datetime) -> Written:
        """Return who it was; where nobody can tell, it may be anybody."""
        return await session.plans.find_written(self._since(now), _AT_MOST)

    def note(self, written: Written, now: datetime) -> None:
        """Take it that what was found is in order now."""
        self._horizons.append(written.horizon)
        if written.user_ids is None:
            self._everybody_at = now

    def _since(self, now: datetime) -> int | None:
        at = self._everybody_at
        is_lately = at is not None and at <= now < at + _EVERYBODY_EVERY
        return self._horizons[0] if is_lately and len(self._horizons) > 1 else None
