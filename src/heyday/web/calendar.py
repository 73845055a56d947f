"""Serve the calendar: a year ahead, a day with its people, and why somebody is greeted or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Response
from litestar.status_codes import HTTP_200_OK, HTTP_422_UNPROCESSABLE_ENTITY

from heyday.domain.access import Scope
from heyday.domain.calendar_day import CountedDay, DayFilter, DayPlace
from heyday.domain.countries import countries, with_country
from heyday.domain.errors import InvalidInput
from heyday.domain.explaining import EARLIEST_ON, LATEST_ON
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.timezone import TimezoneService
from heyday.domain.tzdb import PINNED
from heyday.domain.wall_clock import write_date
from heyday.services.asking import Answer, AskingService
from heyday.services.calendar import CalendarService
from heyday.services.kept import Snapshot
from heyday.web.calendar_months import draw, lay_out
from heyday.web.calendar_places import group_by_country, list_instants
from heyday.web.routes import action, page
from heyday.web.shell import PageRequest, Shell

PATH = "/calendar"
_DAY = f"{PATH}/{{on:date}}"
_SHOWN = 50
_ONE_DAY = timedelta(days=1)
# A first count of very many people takes longer; the page then says so, and looks again.
_PATIENCE = timedelta(seconds=1)
_TYPES = {t.name: t.name.capitalize().replace("_", " ") for t in MESSAGE_TYPES}


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Hold which greetings of a day a query string asks for, as it says so."""

    zone: str
    country: str
    kind: str

    def filter(self) -> DayFilter:
        """Return what is wanted. Raises NotFoundException for what there is not."""
        if self.kind and self.kind not in _TYPES:
            raise NotFoundException
        if self.country and self.country not in countries():
            raise NotFoundException
        if self.zone and self.zone not in PINNED.served:
            raise NotFoundException
        zones = None
        if self.zone:
            zones = frozenset({self.zone})
        elif self.country:
            zones = frozenset(countries()[self.country].all_zones)
        return DayFilter(zones, self.kind or None)

    @property
    def place(self) -> str | None:
        """Return where greetings are asked for; None: anywhere."""
        if self.zone:
            return with_country(self.zone)
        found = countries().get(self.country)
        return found.name if found else None

    def query(self, **changes: str) -> str:
        """Return the query string of this with some changes: a text that begins with ?, or none."""
        asked = {"zone": self.zone, "country": self.country, "type": self.kind, **changes}
        given = {name: value for name, value in asked.items() if value}
        return f"?{urlencode(given, safe='/~:')}" if given else "?"


class CalendarPages:
    """Bind the pages to their services."""

    def __init__(
        self,
        shell: Shell,
        calendar: CalendarService,
        asking: AskingService,
        timezones: Mapping[str, TimezoneService],
    ) -> None:
        self._shell = shell
        self._calendar = calendar
        self._asking = asking
        self._send_times = sorted({rules.policies.send_time for rules in timezones.values()})

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        return [
            page(PATH, Scope.USERS_READ)(self.show_calendar),
            page(_DAY, Scope.USERS_READ)(self.show_day),
            action(f"{_DAY}/why", Scope.USERS_READ)(self.explain_day),
        ]

    async def show_calendar(self, request: PageRequest) -> Response[str]:
        """Show a year ahead."""
        kept = await self._calendar.find_year(_PATIENCE)
        if kept is None:
            return self._shell.page(request, "calendar_counting.html", "Calendar")
        return self._shell.page(
            request,
            "calendar.html",
            "Calendar",
            year=kept.value,
            read_at=kept.read_at,
            months=lay_out(kept.value),
            chart=draw(kept.value),
            today_on=self._calendar.today(),
            busiest_name=write_date(busiest.on) if (busiest := kept.value.busiest) else "",
            types=_TYPES,
        )

    async def show_day(  # noqa: PLR0913, PLR0917 - one parameter for each of the query string
        self,
        request: PageRequest,
        on: FromPath[date],
        zone: FromQuery[str] = "",
        country: FromQuery[str] = "",
        type: FromQuery[str] = "",  # noqa: A002 - as the query string calls it
        after: FromQuery[str] = "",
    ) -> Response[str]:
        """Show a day: how many, where, and who."""
        narrowing = Narrowing(zone, country, type)
        wanted = narrowing.filter()
        kept = await self._count(on)
        place = DayPlace.parse(after) if after else None
        listed = await self._calendar.list_day(kept.value, wanted, place, _SHOWN)
        return self._shell.page(
            request,
            "calendar_day.html",
            write_date(on),
            **self._of_day(kept),
            wanted=narrowing,
            day=kept.value.narrowed(wanted),
            instants=list_instants(kept.value.narrowed(wanted), list(_TYPES)),
            listed=listed,
            after=after,
            answer=None,
            problem=None,
        )

    async def explain_day(self, request: PageRequest, on: FromPath[date]) -> Response[str]:
        """Show why those of a name are greeted on a day, or are not."""
        kept = await self._count(on)
        form = parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
        query = form.get("query", [""])[0]
        answer: Answer | None = None
        problem: str | None = None
        try:
            answer = await self._asking.ask(query, on)
        except InvalidInput as refusal:
            problem = "; ".join(fault.detail for fault in refusal.problems)
        return self._shell.page(
            request,
            "calendar_why.html",
            write_date(on),
            status_code=HTTP_422_UNPROCESSABLE_ENTITY if problem else HTTP_200_OK,
            **self._of_day(kept),
            query=query,
            answer=answer,
            problem=problem,
        )

    async def _count(self, on: date) -> Snapshot[CountedDay]:
        if not EARLIEST_ON <= on <= LATEST_ON:
            raise NotFoundException
        return await self._calendar.count_day(on)

    def _of_day(self, kept: Snapshot[CountedDay]) -> dict[str, Any]:
        """Return what every page about a day shows."""
        on = kept.value.on
        return {
            "on": on,
            "name": write_date(on),
            "before": on - _ONE_DAY,
            "next": on + _ONE_DAY,
            "today_on": self._calendar.today(),
            "whole": kept.value,
            "read_at": kept.read_at,
            "zones": len(kept.value.by_zone),
            "countries": group_by_country(kept.value.by_zone),
            "send_times": self._send_times,
            "types": _TYPES,
        }
