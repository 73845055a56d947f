"""Show one person whole: what is known of them, what comes next and why, and what came before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from litestar.response import Response
from litestar.status_codes import HTTP_200_OK, HTTP_404_NOT_FOUND

from heyday.domain.cases import CasePerson, Effect, Explanation, Finding
from heyday.domain.countries import country_of
from heyday.domain.dates import has_year
from heyday.domain.errors import NotFound
from heyday.domain.models import User
from heyday.domain.ports import Clock
from heyday.domain.resolutions import GreetingRow
from heyday.domain.timezone import TimezoneService
from heyday.services.explaining import CaseReport, ExplanationService
from heyday.services.profiles import ProfileService
from heyday.web.person_words import (
    KINDS,
    kind_of,
    name_of,
    show_zone,
    write_day,
)
from heyday.web.shell import PageRequest, Shell

GREETINGS: Final = 20
"""How many greetings of a person stand on a page."""

_LEAP_DAY = (2, 29)


@dataclass(frozen=True, slots=True)
class DateShown:
    """Show a date of a person. is_leap: it is a 29 February, which few years have."""

    kind: str
    day: str | None
    has_year: bool
    is_leap: bool


@dataclass(frozen=True, slots=True)
class NextShown:
    """Show what becomes of a greeting, and every rule that has a say.

    verdict: the name of a Verdict, or NOTHING where there is no date to greet them for.   reason:
    why it is not sent, or what else there is to say.
    """

    kind: str
    on: date | None
    verdict: str
    reason: str
    send_at: datetime | None
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class WishShown:
    """Show whether a person wants greetings. message_type: its name.   since: when they left."""

    message_type: str
    kind: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class GreetingShown:
    """Show one greeting on the list."""

    row: GreetingRow
    kind: str


class PersonView:
    """Gather what the page of a person shows, and render it, or a part of it."""

    def __init__(
        self,
        shell: Shell,
        profiles: ProfileService,
        explanations: ExplanationService,
        timezones: Mapping[str, TimezoneService],
        clock: Clock,
    ) -> None:
        self._shell = shell
        self._profiles = profiles
        self._explanations = explanations
        self._timezones = timezones
        self._clock = clock

    async def show(  # noqa: PLR0913 - one parameter for each state of the page
        self,
        request: PageRequest,
        user_id: UUID,
        *,
        on: date | None = None,
        asked: str = "",
        problem: str | None = None,
        refusal: str | None = None,
        before: UUID | None = None,
        status_code: int = HTTP_200_OK,
    ) -> Response[str]:
        """Return the page. on, asked: the date that is asked about, and as it was written.

        problem: what is wrong with that.   refusal: why the last form was not taken.   before: a
        greeting; the list begins with older ones.
        """
        try:
            user = await self._profiles.get(user_id)
            report = await self._explanations.explain(str(user_id), on)
        except NotFound:
            return self.missing(request)
        values = self._facts(user, report.person) | self._next(report, asked, problem)
        values |= await self._greetings(user, before)
        values |= {"refusal": refusal}
        title = name_of(user)
        return self._shell.page(request, "person.html", title, status_code=status_code, **values)

    async def show_explanation(
        self,
        request: PageRequest,
        user_id: UUID,
        on: date | None,
        asked: str,
        problem: str | None,
    ) -> Response[str]:
        """Return what becomes of the greetings of a date alone."""
        try:
            user = await self._profiles.get(user_id)
            report = await self._explanations.explain(str(user_id), on)
        except NotFound:
            return self.missing(request)
        values = self._next(report, asked, problem)
        zone = show_zone(user.timezone, report.now)
        return self._shell.part(request, "person_next.html", user=user, zone=zone, **values)

    async def show_greetings(
        self, request: PageRequest, user_id: UUID, before: UUID | None
    ) -> Response[str]:
        """Return the list of greetings alone."""
        try:
            user = await self._profiles.get(user_id)
        except NotFound:
            return self.missing(request)
        values = await self._greetings(user, before)
        zone = show_zone(user.timezone, self._clock.now())
        return self._shell.part(request, "person_greetings.html", user=user, zone=zone, **values)

    def missing(self, request: PageRequest) -> Response[str]:
        """Say that there is no such person, and what may have become of them."""
        title = "No such person"
        return self._shell.page(
            request, "person_missing.html", title, status_code=HTTP_404_NOT_FOUND
        )

    def _facts(self, user: User, case: CasePerson) -> dict[str, Any]:
        zone = show_zone(user.timezone, self._clock.now())
        country = country_of(user.timezone)
        dates = [_show_date(name, case.dates[name]) for name, _ in KINDS]
        return {
            "user": user,
            "name": name_of(user),
            "zone": zone,
            "country": country,
            "dates": dates,
            "leap_days": self._leap_days(dates),
            "wishes": [WishShown(name, kind, case.left_at.get(name)) for name, kind in KINDS],
        }

    def _leap_days(self, dates: Sequence[DateShown]) -> list[tuple[str, str]]:
        """Return, for each 29 February, its kind and the policy for years without one."""
        policies = {kind: self._timezones[name].policies.leap_day for name, kind in KINDS}
        return [(each.kind, policies[each.kind].value) for each in dates if each.is_leap]

    def _next(self, report: CaseReport, asked: str, problem: str | None) -> dict[str, Any]:
        return {
            "asked": asked,
            "problem": problem,
            "tzdb_version": report.tzdb_version,
            "of_person": report.findings[1:],
            "coming": [_show_next(each, report) for each in report.explanations],
        }

    async def _greetings(self, user: User, before: UUID | None) -> dict[str, Any]:
        rows = await self._profiles.list_greetings(user.id, before, GREETINGS + 1)
        shown = rows[:GREETINGS]
        more = f"/people/{user.id}/greetings?before={shown[-1].id}" if rows[GREETINGS:] else None
        return {
            "greetings": [GreetingShown(row, kind_of(row.message_type)) for row in shown],
            "older_path": more,
            "is_later": before is not None,
        }


def _show_date(message_type: str, on: date | None) -> DateShown:
    is_leap = on is not None and (on.month, on.day) == _LEAP_DAY
    return DateShown(
        kind=kind_of(message_type),
        day=write_day(on),
        has_year=on is not None and has_year(on),
        is_leap=is_leap,
    )


def _show_next(explanation: Explanation, report: CaseReport) -> NextShown:
    is_dated = report.person.dates[explanation.message_type] is not None
    stops = (
        finding.text
        for finding in (*report.findings, *explanation.findings)
        if finding.effect is Effect.STOPS
    )
    reason = next(stops, explanation.summary)
    return NextShown(
        kind=kind_of(explanation.message_type),
        on=explanation.on,
        verdict=explanation.verdict.name if is_dated else "NOTHING",
        reason=f"{reason[:1].upper()}{reason[1:]}",
        send_at=explanation.send_at,
        findings=explanation.findings,
    )
