"""Explanations agree with what Heyday does."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from heyday.db.cases import CaseRepository
from heyday.domain.cases import Explanation, Verdict
from heyday.domain.errors import InvalidInput, NotFound
from heyday.domain.message_types import BIRTHDAY, MESSAGE_TYPES
from heyday.domain.timezone import Window
from heyday.domain.tzdb import PINNED
from heyday.services.explaining import CaseReport, ExplanationService
from tests.factories import Pipeline, timezones_of
from tests.fakes import FakeClock

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TODAY = date(2027, 1, 14)
NINE = datetime(2027, 1, 14, 9, tzinfo=UTC)


async def report(pipeline: Pipeline, user: object, on: date | None = None) -> CaseReport:
    cases = CaseRepository(pipeline.database)
    service = ExplanationService(cases, timezones_of(), pipeline.clock, timedelta(hours=48))
    return await service.explain(str(user), on)


async def birthday(pipeline: Pipeline, user: object, on: date | None = TODAY) -> Explanation:
    told = await report(pipeline, user, on)
    (found,) = [e for e in told.explanations if e.message_type == BIRTHDAY.name]
    return found


def rules(told: Explanation) -> set[str]:
    return {finding.rule for finding in told.findings}


async def test_a_greeting_from_before_it_is_planned_until_it_is_sent(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    ada = await pipeline.insert(timezone="UTC", birthday_date="1990-01-14")
    told = await birthday(pipeline, ada)
    assert (told.verdict, told.send_at) == (Verdict.WILL, NINE)
    assert "plan" in rules(told)
    await pipeline.daily.run_once()
    assert "SCHEDULED" in rules(await birthday(pipeline, ada))
    clock.set(NINE)
    await pipeline.minute.run_once()
    assert "QUEUED" in rules(await birthday(pipeline, ada))
    await pipeline.deliver_all()
    told = await birthday(pipeline, ada)
    assert (told.verdict, told.send_at) == (Verdict.SENT, NINE)


async def test_a_person_is_found_by_id_and_by_address_whatever_its_case(pipeline: Pipeline) -> None:
    ada = await pipeline.create(email="ada@example.com")
    assert (await report(pipeline, ada.id)).person.id == ada.id
    assert (await report(pipeline, "Ada@Example.com")).person.id == ada.id


async def test_of_an_address_the_live_person_is_meant_and_else_the_last_deleted(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    people = []
    for _ in range(3):
        people.append(await pipeline.create(email="ada@example.com", birthday_date="1990-01-14"))
        assert (await report(pipeline, "ada@example.com")).person.id == people[-1].id
        clock.advance(HOUR)
        await pipeline.users.delete(people[-1].id)
    told = await report(pipeline, "ada@example.com")
    assert told.person.id == people[-1].id
    assert "deleted" in {finding.rule for finding in told.findings}
    assert {e.verdict for e in told.explanations} == {Verdict.NOT}


async def test_an_unknown_person_is_a_clear_error(pipeline: Pipeline) -> None:
    with pytest.raises(NotFound, match="no person with the email address x@example"):
        await report(pipeline, "x@example.com")
    with pytest.raises(NotFound, match="no person with the id"):
        await report(pipeline, UUID(int=1))
    with pytest.raises(InvalidInput, match="neither an id"):
        await report(pipeline, "Ada")


async def test_a_row_that_is_gone_is_known_from_the_ledger(pipeline: Pipeline) -> None:
    ada = await pipeline.insert(timezone="UTC", birthday_date="1990-01-14")
    await pipeline.daily.run_once()
    await pipeline.execute("DELETE FROM message_logs")
    told = await birthday(pipeline, ada)
    assert told.verdict is Verdict.NOT
    assert "ledger" in rules(told)
    await pipeline.daily.run_once()
    assert await pipeline.messages() == []


async def test_a_corrected_date_is_not_greeted_again_and_the_reason_is_told(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    ada = await pipeline.insert(timezone="UTC", birthday_date="1990-01-14")
    clock.set(NINE)
    await pipeline.daily.run_once()
    await pipeline.send_due()
    await pipeline.execute(
        "UPDATE users SET birthday_date = '1990-01-16', eligible_since = $1, updated_at = $1",
        clock.now(),
    )
    told = await birthday(pipeline, ada, date(2027, 1, 16))
    assert told.verdict is Verdict.NOT
    assert "same occasion" in rules(told)
    clock.set(NINE + 2 * DAY)
    await pipeline.daily.run_once()
    await pipeline.send_due()
    assert await pipeline.statuses() == ["SENT", "SKIPPED"]
    told = await birthday(pipeline, ada, date(2027, 1, 16))
    assert (told.verdict, "SKIPPED" in rules(told)) == (Verdict.NOT, True)


async def test_who_comes_after_nine_is_explained_as_they_are_treated(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(NINE + HOUR)
    ada = await pipeline.insert(
        timezone="UTC", birthday_date="1990-01-14", eligible_since=clock.now()
    )
    assert "late join" in rules(await birthday(pipeline, ada))
    await pipeline.daily.run_once()
    await pipeline.send_due()
    assert (await birthday(pipeline, ada)).verdict is Verdict.SENT


async def test_what_is_told_is_what_the_planner_writes_in_every_zone(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(datetime(2027, 2, 27, tzinfo=UTC))
    zones = [*sorted(PINNED.served)[::9], "US/Pacific-New", "Pacific/Kiritimati"]
    dates = ["1988-02-29", "1990-02-27", "1990-02-28", "1990-03-01"]
    people = {
        await pipeline.insert(
            timezone=zone, birthday_date=dates[n % 4], anniversary_date=dates[n % 3]
        )
        for n, zone in enumerate(zones)
    }
    told = {}
    for user in people:
        for explanation in (await report(pipeline, user)).explanations:
            if explanation.send_at and explanation.send_at < clock.now() + 2 * DAY:
                key = user, explanation.message_type, explanation.on
                told[key] = explanation.send_at
    await pipeline.planner.plan_window(
        pipeline.database, Window(clock.now(), clock.now() + 2 * DAY), clock.now()
    )
    written = {
        (row["user_id"], row["message_type"], row["delivery_date"]): row["scheduled_send_time"]
        for row in await pipeline.messages()
    }
    assert len(written) > 50
    # Who is asked about today, whose nine o'clock is past, is told of today: that is no plan.
    assert {key: at for key, at in told.items() if at >= clock.now()} == written


async def test_each_message_type_has_its_explanation(pipeline: Pipeline) -> None:
    ada = await pipeline.create(birthday_date="1990-01-14")
    told = await report(pipeline, ada.id)
    assert [e.message_type for e in told.explanations] == [t.name for t in MESSAGE_TYPES]
    assert told.tzdb_version == PINNED.version
