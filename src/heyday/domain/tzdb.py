"""Read the tz database: the pinned `tzdata` package, by its own file paths.

So neither the operating system's older files nor PYTHONTZPATH can change an answer.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from zoneinfo import ZoneInfo

from heyday.domain.errors import UnknownTimezone

_VERSION = re.compile(r"# version (\S+)")

SUCCESSORS: Mapping[str, str] = {
    # Links that were dropped: 2017c and 2020b.
    "Canada/East-Saskatchewan": "America/Regina",
    "US/Pacific-New": "America/Los_Angeles",
    # Zones of solar time, dropped in 2013i: clocks there never went by the sun.
    **{
        f"{area}/Riyadh{year}": "Asia/Riyadh"
        for area in ("Asia", "Mideast")
        for year in (87, 88, 89)
    },
    # The file systemv, dropped in 2020b. With summer time: where its rules went on to be kept.
    "SystemV/AST4ADT": "America/Halifax",
    "SystemV/EST5EDT": "America/New_York",
    "SystemV/CST6CDT": "America/Chicago",
    "SystemV/MST7MDT": "America/Denver",
    "SystemV/PST8PDT": "America/Los_Angeles",
    "SystemV/YST9YDT": "America/Anchorage",
    # Without: the same distance from UTC for ever, which no place on earth can promise.
    "SystemV/AST4": "Etc/GMT+4",
    "SystemV/EST5": "Etc/GMT+5",
    "SystemV/CST6": "Etc/GMT+6",
    "SystemV/MST7": "Etc/GMT+7",
    "SystemV/PST8": "Etc/GMT+8",
    "SystemV/YST9": "Etc/GMT+9",
    "SystemV/HST10": "Etc/GMT+10",
    # GMT+5 and its like, without Etc/, are not here. The database dropped them because their sign
    # was read both ways, so nobody can tell what is meant.
}
"""Names that the tz database had once, each with the zone that goes on in its place.

Source: the NEWS and the former files pacificnew, solar87 and systemv of the tz project.
"""


class TzDatabase:
    """Hold one release of the tz database, from a `tzdata` package."""

    def __init__(self, package: Traversable, successors: Mapping[str, str] = SUCCESSORS) -> None:
        self._package = package
        self._successors = successors
        self._loaded: dict[str, ZoneInfo] = {}

    @cached_property
    def version(self) -> str:
        """Return the release, such as 2026f."""
        with self._package.joinpath("zoneinfo", "tzdata.zi").open("r", encoding="utf-8") as source:
            match = _VERSION.match(source.readline())
        if match is None:
            raise ValueError("the file tzdata.zi of the tzdata package does not name its release")
        return match.group(1)

    @cached_property
    def names(self) -> frozenset[str]:
        """Return every zone name of this release, links included."""
        listing = self._package.joinpath("zones").read_text(encoding="ascii")
        return frozenset(listing.split())

    @cached_property
    def vanished(self) -> Mapping[str, str]:
        """Return names that this release has no more, each with the zone in its place."""
        ends = {name: self._follow(name) for name in self._successors if name not in self.names}
        return {name: end for name, end in ends.items() if end in self.names}

    @cached_property
    def served(self) -> frozenset[str]:
        """Return every name whose people can be greeted."""
        return self.names | self.vanished.keys()

    def rows(self, table: str) -> Iterator[Sequence[str]]:
        """Yield the rows of a table of this release, such as zone.tab, column by column."""
        written = self._package.joinpath("zoneinfo", table).read_text(encoding="utf-8")
        for line in written.splitlines():
            if line and not line.startswith("#"):
                yield line.split("\t")

    @cached_property
    def links(self) -> Mapping[str, str]:
        """Return the names that are links, each with the zone that it leads to."""
        with self._package.joinpath("zoneinfo", "tzdata.zi").open("r", encoding="utf-8") as source:
            lines = (line.split() for line in source if line.startswith("L "))
            return {name: zone for _, zone, name in lines}

    def load(self, name: str) -> ZoneInfo:
        """Return the zone of this name, or of its successor.

        Raises UnknownTimezone if there is neither.
        """
        zone = self._loaded.get(name)
        if zone is None:
            zone = self._loaded[name] = self._read(self.vanished.get(name, name))
        return zone

    def _follow(self, name: str) -> str:
        """Return the first zone of this release on the way from successor to successor."""
        for _ in self._successors:  # no way is longer than the table, unless it goes in circles
            if name in self.names:
                break
            name = self._successors.get(name, name)
        return name

    def _read(self, name: str) -> ZoneInfo:
        if name not in self.names:
            raise UnknownTimezone
        path = self._package.joinpath("zoneinfo", *name.split("/"))
        with path.open("rb") as tzif:
            return ZoneInfo.from_file(tzif, key=name)


PINNED = TzDatabase(files("tzdata"))
"""The release that comes with this Heyday."""
