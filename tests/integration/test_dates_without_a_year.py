"""People whose birth year nobody knows: from how they come in to what is sent, and when."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from rich.console import Console

from heyday.cli.users import import_file
from heyday.domain.policies import SkipPolicy, TimePolicies
from heyday.services.importing import ImportService
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import FakeClock, RecordingSender

BIRTHDAY = "Hey, Ada Lovelace it's your birthday"
ANNIVERSARY = "Hey, Ada Lovelace it's your work anniversary!"
DATES = ("birthday_date", "anniversary_date")

Bring = Callable[[Pipeline, Path, str], Awaitable[UUID]]
"""Brings a person in whose two dates are as given; it knows a folder to put files into."""


async def by_rest(pipeline: Pipeline, _folder: Path, day: str) -> UUID:
    return (await pipeline.create(timezone="UTC", **dict.fromkeys(DATES, day))).id


async def by_parts(pipeline: Pipeline, _folder: Path, day: str) -> UUID:
    month, of_month = map(int, day.removeprefix("--").split("-"))
    parts = {"year": None, "month": month, "day": of_month}
    return (await pipeline.create(timezone="UTC", **dict.fromkeys(DATES, parts))).id


async def by_sql(pipeline: Pipeline, _folder: Path, day: str) -> UUID:
    on = day.replace("--", "1604-")
    user_id = await pipeline.insert(timezone="UTC", **dict.fromkeys(DATES, on))
    await pipeline.daily.run_once()
    return user_id


async def by_csv(pipeline: Pipeline, folder: Path, day: str) -> UUID:
    path = folder / "people.csv"
    columns = ",".join(("first_name", "last_name", "email", "timezone", *DATES))
    path.write_text(f"{columns}\nAda,Lovelace,ada@example.com,UTC,{day},{day}\n")
    service = ImportService(pipeline.database, pipeline.planner, pipeline.clock)
    report = await import_file(service, path, Console(quiet=True))
    assert (report.imported, report.suspicious) == (1, 0)
    return UUID(str(await pipeline.value("SELECT id FROM users")))


@dataclass(frozen=True)
class Case:
    """Say when 29 February is greeted in a year, by a policy; None: not at all."""

    year: int
    policy: SkipPolicy
    greeted_on: date | None


CASES = [
    Case(2027, SkipPolicy.BACKWARD, date(2027, 2, 28)),
    Case(2027, SkipPolicy.FORWARD, date(2027, 3, 1)),
    Case(2027, SkipPolicy.OMIT, None),
    *(Case(2028, policy, date(2028, 2, 29)) for policy in SkipPolicy),
]


@pytest.mark.parametrize("bring", [by_rest, by_parts, by_sql, by_csv])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.year} {case.policy}")
async def test_29_february_without_a_year_is_greeted_as_the_policy_says(
    database_url: str, sender: RecordingSender, tmp_path: Path, bring: Bring, case: Case
) -> None:
    clock = FakeClock(datetime(case.year, 2, 27, 12, tzinfo=UTC))
    config = PipelineConfig(time=TimePolicies(leap_day=case.policy))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        user_id = await bring(pipeline, tmp_path, "--02-29")
        for _ in range(5):
            await pipeline.daily.run_once()
            await pipeline.send_due()
            clock.advance(timedelta(days=1))
        rows = await pipeline.messages(user_id)
    expected = [] if case.greeted_on is None else [case.greeted_on] * 2
    assert [row["delivery_date"] for row in rows] == expected
    assert {row["status"] for row in rows} <= {"SENT"}
    assert sorted(row["message_content"] for row in rows) == [BIRTHDAY, ANNIVERSARY][: len(rows)]
    for row in rows:
        nine = datetime.combine(row["delivery_date"], time(9), UTC)
        assert row["scheduled_send_time"] == nine


async def test_a_year_that_becomes_known_is_counted_from_then_on(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user = await pipeline.create(timezone="UTC", anniversary_date="--01-15")
    assert (await pipeline.message(user.id))["message_content"] == ANNIVERSARY
    for given, text in (
        ("2026-01-15", f"{ANNIVERSARY} 1 year with us!"),
        ("2020-01-15", f"{ANNIVERSARY} 7 years with us!"),
        ("--01-15", ANNIVERSARY),
    ):
        await pipeline.users.patch(user.id, {"anniversary_date": given})
        row = await pipeline.message(user.id)
        assert (row["status"], row["message_content"]) == ("SCHEDULED", text)
    clock.advance(timedelta(days=1, hours=9))
    await pipeline.send_due()
    assert await pipeline.statuses(user.id) == ["SENT"]


async def test_the_first_day_at_work_is_no_anniversary_but_without_a_year_it_is_greeted(
    pipeline: Pipeline,
) -> None:
    new = await pipeline.create(timezone="UTC", anniversary_date="2027-01-14")
    unknown = await pipeline.create(timezone="UTC", anniversary_date="--01-14")
    assert await pipeline.messages(new.id) == []
    assert (await pipeline.message(unknown.id))["message_content"] == ANNIVERSARY


async def test_a_patch_of_something_else_leaves_a_date_without_a_year(pipeline: Pipeline) -> None:
    user = await pipeline.create(timezone="UTC", **dict.fromkeys(DATES, "--02-29"))
    patched = await pipeline.users.patch(user.id, {"location_city": "London"})
    assert (patched.birthday_date, patched.anniversary_date) == (date(1604, 2, 29),) * 2
