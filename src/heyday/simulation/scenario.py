"""Say what is to be simulated: which days, and what goes wrong meanwhile."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from zipfile import BadZipFile
from zipfile import Path as ZipPath

from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.tzdb import TzDatabase

PINNED_PACKAGE = files("tzdata")

# The first date begins, in the easternmost zone, at 10:00 UTC of the day before, and its nine
# o'clock is at 19:00. In between, and off any quarter of an hour, everything is started.
_STARTED = time(12, 7, 30, tzinfo=UTC)
# The last date has its last second at 12:00 UTC of the day after.
_ENDED = time(12, 7, 30, tzinfo=UTC)
_ONE_DAY = timedelta(days=1)
_LONGEST = timedelta(days=366 * 10)


@dataclass(frozen=True, slots=True)
class Outage:
    """Span a time in which nothing of Heyday runs, and at whose beginning its queue is lost."""

    start_at: datetime
    end_at: datetime

    def __contains__(self, at: datetime) -> bool:
        """Tell whether an instant lies in the outage."""
        return self.start_at <= at < self.end_at


@dataclass(frozen=True, slots=True)
class Scenario:
    """Hold the local dates of interest, both included, and the faults.

    tzdata_before: a tzdata wheel or folder to start with.   tz_update_on: at 00:00 UTC of this
    day everything is started again, on the pinned release.
    """

    first_on: date
    last_on: date
    outage: Outage | None = None
    is_killing_planners: bool = False
    tzdata_before: Path | None = None
    tz_update_on: date | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be lived through. Raises InvalidInput."""
        problems = self._problems()
        if problems:
            raise InvalidInput(problems)

    @property
    def begin_at(self) -> datetime:
        """Return when everything is started."""
        return datetime.combine(self.first_on - _ONE_DAY, _STARTED)

    @property
    def end_at(self) -> datetime:
        """Return when everything is over."""
        return datetime.combine(self.last_on + _ONE_DAY, _ENDED)

    @property
    def tz_update_at(self) -> datetime | None:
        """Return when the pinned release takes over."""
        on = self.tz_update_on
        return datetime.combine(on, time(0, tzinfo=UTC)) if on else None

    @property
    def tzdata(self) -> Traversable:
        """Return the package that everything starts with. Raises InvalidInput."""
        return open_tzdata(self.tzdata_before) if self.tzdata_before else PINNED_PACKAGE

    def _problems(self) -> list[FieldProblem]:
        problems: list[FieldProblem] = []
        if not self.first_on <= self.last_on <= self.first_on + _LONGEST:
            given = f"{self.last_on} does not lie in the ten years from {self.first_on} on"
            problems.append(FieldProblem("--to", given))
            return problems
        if self.outage and not (
            self.begin_at < self.outage.start_at < self.outage.end_at < self.end_at
        ):
            detail = f"must lie between {self.begin_at} and {self.end_at}"
            problems.append(FieldProblem("--outage", detail))
        if (self.tzdata_before is None) != (self.tz_update_on is None):
            problems.append(FieldProblem("--tz-update", "goes together with --tzdata-before"))
        if self.tz_update_on and not self.first_on <= self.tz_update_on <= self.last_on:
            problems.append(FieldProblem("--tz-update", "must lie between --from and --to"))
        if self.tz_update_at and self.outage and self.tz_update_at in self.outage:
            problems.append(FieldProblem("--tz-update", "lies in the outage; choose another day"))
        return problems


def open_tzdata(path: Path) -> Traversable:
    """Return what is in a wheel of the `tzdata` package, or in its folder. Raises InvalidInput."""
    try:
        package = path if path.is_dir() else ZipPath(path, "tzdata/")
        found = TzDatabase(package)
        _ = found.version, found.names
    except (OSError, BadZipFile, ValueError, KeyError):
        detail = f"{path} is no wheel, and no folder, of the tzdata package"
        raise InvalidInput([FieldProblem("--tzdata-before", detail)]) from None
    return package
