"""Serve the page that tells how a day is going, and what keeps it up to date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Response, Stream
from litestar.status_codes import HTTP_422_UNPROCESSABLE_ENTITY
from markupsafe import Markup

from heyday.domain.access import Scope
from heyday.domain.day_figures import ONE_DAY, SLOT, DayFigures, Fate, day_window
from heyday.domain.day_ports import MOST_COUNTED, Upcoming
from heyday.domain.error_budget import OBJECTIVE
from heyday.domain.ports import Clock
from heyday.domain.send_line import Turn, find_turns
from heyday.domain.timezone import TimezoneService
from heyday.services.kept import Snapshot
from heyday.services.today import MonthSoFar, Present, TodayService
from heyday.web import send_map, times, today_chart
from heyday.web.live import EVENTS, Live
from heyday.web.routes import page
from heyday.web.shell import PageRequest, Shell, Visitor

_HOUR = timedelta(hours=1)
# What a page is made of, each filled by a template of this name; of a day that is over the first.
_OF_A_DAY = ("today_figures", "today_chart", "today_map")
_OF_NOW = ("today_attention", "today_say", "today_next", "today_as_of")
_PATH = "/today"
# The calendar begins with this day, for who looks back.
_EARLIEST_ON = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class _Look:
    """Hold what was read for one look at a day.

    day: None where it is still being counted.   present, month: None where it is over.
    """

    on: date
    day: Snapshot[DayFigures] | None
    present: Snapshot[Present] | None
    month: Snapshot[MonthSoFar] | None

    @property
    def stamp(self) -> tuple[datetime | None, ...]:
        """Return what changes when anything of it does."""
        return tuple(
            each.read_at if each else None for each in (self.day, self.present, self.month)
        )


class TodayPages:
    """Bind the routes. All who look at a day, and may see the same, are shown one rendering."""

    def __init__(
        self,
        shell: Shell,
        today: TodayService,
        timezones: TimezoneService,
        live: Live,
        clock: Clock,
    ) -> None:
        """Take the parts. timezones: when greetings of the first message type leave."""
        self._shell = shell
        self._today = today
        self._timezones = timezones
        self._live = live
        self._clock = clock
        self._turns: tuple[object, Sequence[Turn]] = (None, ())
        self._rendered: dict[tuple[date, bool], tuple[object, Mapping[str, Markup]]] = {}

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        routine = {"is_routine": True, "uncompressed": True, "media_type": EVENTS}
        return [
            page(_PATH, Scope.MESSAGES_READ)(self.show_today),
            page(f"{_PATH}/events", Scope.MESSAGES_READ, **routine)(self.stream_today),
        ]

    async def show_today(self, request: PageRequest, on: FromQuery[str] = "") -> Response[str]:
        """Show how today is going, or how another day went."""
        today_on = self._today.today_on()
        chosen, problem = _read_day(on, today_on)
        parts = await self._parts(request, chosen)
        response = self._shell.page(
            request,
            "today.html",
            "Today" if chosen == today_on else f"{chosen:%-d %B %Y}",
            status_code=HTTP_422_UNPROCESSABLE_ENTITY if problem else 200,
            on=chosen,
            today_on=today_on,
            before_on=max(chosen - ONE_DAY, _EARLIEST_ON),
            tomorrow_on=today_on + ONE_DAY,
            after_on=min(chosen + ONE_DAY, today_on),
            earliest_on=_EARLIEST_ON,
            problem=problem,
            asked=on,
            parts=parts,
            live=f"{_PATH}/events",
        )
        if not parts:
            # What is being counted is there by then, also where no script runs.
            response.headers["Refresh"] = "3"
        return response

    async def stream_today(self, request: PageRequest) -> Stream:
        """Send what changes of today, as it does."""
        return self._live.stream(lambda: self._parts(request, self._today.today_on()))

    async def _parts(self, request: PageRequest, on: date) -> Mapping[str, Markup]:
        """Return the parts of the page, rendered once for all who may see the same."""
        look = await self._look(on)
        visitor = Visitor(request.scope["state"].get("caller"))
        key, stamp = (on, visitor.may(Scope.USERS_READ)), (look.stamp, bool(self._today.people()))
        held = self._rendered.get(key)
        if held is None or held[0] != stamp:
            parts = self._render(request, look)
            # Of days that are over a few are looked at again at once, by a page and its reload.
            self._rendered = {**dict(list(self._rendered.items())[-7:]), key: (stamp, parts)}
            return parts
        return held[1]

    async def _look(self, on: date) -> _Look:
        if on != self._today.today_on():
            return _Look(on, await self._today.day(on), None, None)
        return _Look(
            on, await self._today.day(on), await self._today.present(), await self._today.month()
        )

    def _render(self, request: PageRequest, look: _Look) -> Mapping[str, Markup]:
        now = self._clock.now()
        if look.day is None:
            return {}
        figures, end_at = look.day.value, day_window(look.on).end_at
        present = look.present.value if look.present else None
        overdue = present.attention.overdue if present else 0
        values: dict[str, Any] = {
            "on": look.on,
            "is_today": present is not None,
            "figures": figures,
            "types": sorted(figures.by_type.items()) if len(figures.by_type) > 1 else [],
            "fates": Fate,
            "read_at": look.day.read_at,
            "present": present,
            "most": MOST_COUNTED,
            "objective": OBJECTIVE,
            "month": look.month.value if look.month else None,
            "budget": look.month.value.budget(figures, overdue) if look.month else None,
            "p50": _span(figures.lateness_at(0.5)),
            "p99": _span(figures.lateness_at(0.99)),
            "hours": today_chart.draw_day(figures.by_time(_HOUR), _HOUR, now),
            "quarters": today_chart.draw_day(figures.by_time(SLOT), SLOT, now),
            "chart": today_chart,
            "map": self._map(figures, min(now, end_at)),
            "send_time": self._timezones.policies.send_time,
            "upcoming": _together(present.upcoming) if present else [],
            "wait": lambda at: _wait(at - now),
        }
        names = _OF_A_DAY + (_OF_NOW if present else ())
        return {
            name.replace("_", "-"): Markup(  # noqa: S704 - a template escaped what is in it
                self._shell.part(request, f"{name}.html", **values).content
            )
            for name in names
        }

    def _map(self, figures: DayFigures, now: datetime) -> send_map.SendMap:
        people = self._today.people()
        zones = frozenset(people) | figures.by_zone.keys()
        if self._turns[0] != (figures.on, zones):
            turns = find_turns(self._timezones, zones, figures.on)
            self._turns = ((figures.on, zones), turns)
        send_time = self._timezones.policies.send_time
        return send_map.draw_map(self._turns[1], people, figures, now, send_time)


def _read_day(text: str, today_on: date) -> tuple[date, str]:
    """Return the day that is asked for, and what is wrong with it: then it is today."""
    if not text:
        return today_on, ""
    try:
        on = date.fromisoformat(text)
    except ValueError:
        return today_on, "form"
    if on > today_on:
        return today_on, "future"
    return (on, "") if on >= _EARLIEST_ON else (today_on, "form")


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _together(upcoming: Sequence[Upcoming]) -> Sequence[tuple[object, Sequence[Upcoming]]]:
    """Return those who are greeted at one time in one zone together."""
    groups = groupby(upcoming, key=lambda each: (each.scheduled_send_at, each.timezone))
    return [(key, list(group)) for key, group in groups]


def _wait(span: timedelta) -> str:
    """Write how long it is until then, in whole minutes; nothing for less than one."""
    minutes = span // timedelta(minutes=1)
    return times.length(timedelta(minutes=minutes)) if minutes > 0 else ""
