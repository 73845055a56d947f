"""Who is planned, for which instant, with which words: the daily run from people to rows."""

from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import pytest

from heyday.domain.policies import SkipPolicy, TimePolicies
from heyday.domain.timezone import Window
from heyday.domain.tzdb import TzDatabase
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import START_AT, FakeClock, RecordingSender

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def at(month: int, day: int, hour: int, minute: int = 0, year: int = 2027) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


async def instants(pipeline: Pipeline, user_id: UUID) -> list[datetime]:
    return [row["scheduled_send_time"] for row in await pipeline.messages(user_id)]


# --- The window -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "birthday", "send_at"),
    [
        # The clock stands at 00:00 UTC on 14 January 2027.
        ("Pacific/Kiritimati", "1990-01-15", at(1, 14, 19)),
        ("Asia/Tokyo", "1990-01-14", at(1, 14, 0)),
        ("Europe/Berlin", "1990-01-14", at(1, 14, 8)),
        ("America/New_York", "1990-01-14", at(1, 14, 14)),
        ("Pacific/Honolulu", "1990-01-14", at(1, 14, 19)),
        ("Etc/GMT+12", "1990-01-14", at(1, 14, 21)),
        ("Asia/Kathmandu", "1990-01-15", at(1, 15, 3, 15)),
        ("Pacific/Chatham", "1990-01-16", at(1, 15, 19, 15)),
    ],
)
async def test_the_send_time_is_nine_on_the_wall_of_the_zone(
    pipeline: Pipeline, zone: str, birthday: str, send_at: datetime
) -> None:
    user_id = await pipeline.insert(timezone=zone, birthday_date=birthday)
    assert await pipeline.daily.run_once() == {"retimed": 0, "planned": 1}
    row = await pipeline.message(user_id)
    assert row["scheduled_send_time"] == send_at
    assert row["status"] == "SCHEDULED"
    assert row["delivery_date"] == date.fromisoformat(birthday).replace(year=2027)
    assert row["idempotency_key"] == f"{user_id}:BIRTHDAY:{row['delivery_date']}"
    assert row["timezone"] == zone
    assert row["tzdb_version"] == pipeline.timezones.tzdb.version


async def test_people_east_of_utc_plus_nine_are_not_missed_by_daily_runs(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    """Their nine o'clock on a date has passed before that date begins in UTC."""
    people = [
        await pipeline.insert(timezone=zone, birthday_date=f"1990-01-{day}")
        for zone in ("Pacific/Kiritimati", "Pacific/Auckland", "Australia/Sydney", "Asia/Tokyo")
        for day in range(16, 20)
    ]
    for _ in range(6):
        await pipeline.daily.run_once()
        await pipeline.send_due()
        clock.advance(DAY)
    assert len(pipeline.sender.sent) == len(people)
    for user_id in people:
        row = await pipeline.message(user_id)
        assert row["scheduled_send_time"] == pipeline.timezones.send_at(
            row["timezone"], row["delivery_date"]
        )


async def test_the_window_takes_in_its_start_and_leaves_out_its_end(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(at(1, 14, 9))
    inside = await pipeline.insert(timezone="UTC", birthday_date="1990-01-13")
    last = await pipeline.insert(timezone="Etc/GMT-1", birthday_date="1990-01-16")
    outside = await pipeline.insert(timezone="UTC", birthday_date="1990-01-16")
    await pipeline.daily.run_once()
    assert await instants(pipeline, inside) == [at(1, 13, 9)]
    assert await instants(pipeline, last) == [at(1, 16, 8)]
    assert await instants(pipeline, outside) == []


async def test_daily_runs_over_the_turn_of_the_year_greet_each_person_once(
    pipeline: Pipeline,
) -> None:
    days = ("12-30", "12-31", "01-01", "01-02")
    zones = ("Pacific/Kiritimati", "Europe/London", "Pacific/Pago_Pago", "America/St_Johns")
    people = [
        await pipeline.insert(
            timezone=zone, birthday_date=f"1990-{day}", anniversary_date="2019-12-31"
        )
        for zone in zones
        for day in days
    ]
    for day in range(8):
        await pipeline.daily.run_once(at(12, 28, 0) + day * DAY)
    for user_id in people:
        kinds = [row["message_type"] for row in await pipeline.messages(user_id)]
        assert sorted(kinds) == ["ANNIVERSARY", "BIRTHDAY"]


async def test_planning_twice_writes_nothing_new(pipeline: Pipeline) -> None:
    await pipeline.insert(birthday_date="1990-01-15", anniversary_date="2020-01-15")
    assert await pipeline.daily.run_once() == {"retimed": 0, "planned": 2}
    before = await pipeline.messages()
    assert await pipeline.daily.run_once() == {"retimed": 0, "planned": 0}
    assert await pipeline.messages() == before


async def test_people_who_left_are_not_planned(pipeline: Pipeline) -> None:
    await pipeline.insert(birthday_date="1990-01-15", deleted_at="2026-01-01")
    await pipeline.insert(birthday_date="1990-01-15", unsubscribed_at="2026-01-01")
    assert (await pipeline.daily.run_once())["planned"] == 0


async def test_a_person_with_a_zone_that_is_none_disturbs_nobody(pipeline: Pipeline) -> None:
    await pipeline.insert(timezone="Mars/Phobos", birthday_date="1990-01-15")
    await pipeline.insert(birthday_date="1990-01-15")
    assert (await pipeline.daily.run_once())["planned"] == 1


# --- 29 February ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "dates"),
    [
        (SkipPolicy.BACKWARD, ["2027-02-28", "2028-02-29"]),
        (SkipPolicy.FORWARD, ["2027-03-01", "2028-02-29"]),
        (SkipPolicy.OMIT, ["2028-02-29"]),
    ],
)
async def test_people_of_29_february_are_greeted_as_the_policy_says(
    database_url: str, sender: RecordingSender, policy: SkipPolicy, dates: list[str]
) -> None:
    clock, config = FakeClock(), PipelineConfig(time=TimePolicies(leap_day=policy))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        user_id = await pipeline.insert(timezone="Asia/Tokyo", birthday_date="1984-02-29")
        for start_at in (at(2, 25, 0), at(2, 25, 0, year=2028)):
            for day in range(8):
                await pipeline.daily.run_once(start_at + day * DAY)
        rows = await pipeline.messages(user_id)
    assert [str(row["delivery_date"]) for row in rows] == dates
    assert [row["idempotency_key"][-10:] for row in rows] == dates
    for row in rows:
        assert row["scheduled_send_time"].hour == 0


async def test_people_of_28_february_are_greeted_once_whatever_the_year(
    pipeline: Pipeline,
) -> None:
    user_id = await pipeline.insert(birthday_date="1990-02-28")
    for day in range(6):
        await pipeline.daily.run_once(at(2, 25, 0) + day * DAY)
        await pipeline.daily.run_once(at(2, 25, 0, year=2028) + day * DAY)
    rows = await pipeline.messages(user_id)
    assert [str(row["delivery_date"]) for row in rows] == ["2027-02-28", "2028-02-28"]


# --- Late: newcomers and outages --------------------------------------------------------------


async def test_who_comes_today_after_nine_is_greeted_at_once(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(at(1, 14, 15))
    user = await pipeline.create(timezone="Europe/London", birthday_date="1990-01-14")
    assert await instants(pipeline, user.id) == [at(1, 14, 9)]
    assert await pipeline.send_due() == 1
    assert (await pipeline.message())["status"] == "SENT"


async def test_who_comes_today_after_nine_is_not_greeted_if_the_setting_says_so(
    database_url: str, sender: RecordingSender
) -> None:
    config = PipelineConfig(time=TimePolicies(late_join=False))
    clock = FakeClock(at(1, 14, 15))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        user = await pipeline.create(timezone="Europe/London", birthday_date="1990-01-14")
        early = await pipeline.create(timezone="Pacific/Honolulu", birthday_date="1990-01-14")
        await pipeline.daily.run_once()
        assert await instants(pipeline, user.id) == []
        assert await instants(pipeline, early.id) == [at(1, 14, 19)]


async def test_whose_day_is_over_when_they_come_is_not_greeted(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(at(1, 14, 3))
    yesterday = await pipeline.create(timezone="Europe/London", birthday_date="1990-01-13")
    # It is still the 13th in Honolulu, and already the 14th in Auckland.
    still = await pipeline.create(timezone="Pacific/Honolulu", birthday_date="1990-01-13")
    over = await pipeline.create(timezone="Pacific/Auckland", birthday_date="1990-01-13")
    await pipeline.daily.run_once()
    assert await instants(pipeline, yesterday.id) == []
    assert await instants(pipeline, still.id) == [at(1, 13, 19)]
    assert await instants(pipeline, over.id) == []


async def test_who_was_missed_by_an_outage_of_hours_is_greeted_late(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    user_id = await pipeline.insert(birthday_date="1990-01-14", eligible_since=LONG_AGO)
    clock.set(at(1, 15, 8, 59))  # nothing ran since before the 14th
    await pipeline.daily.run_once()
    assert await pipeline.statuses(user_id) == ["SCHEDULED"]
    assert await pipeline.send_due() == 1
    row = await pipeline.message(user_id)
    assert row["status"] == "SENT"
    assert row["actual_send_time"] == clock.now()


async def test_who_was_missed_by_an_outage_of_days_is_skipped_with_the_reason(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.daily.run_once()  # leaves the watermark at the 16th, 00:00
    user_id = await pipeline.insert(birthday_date="1990-01-17", eligible_since=LONG_AGO)
    clock.set(at(1, 20, 0))
    await pipeline.daily.run_once()
    row = await pipeline.message(user_id)
    assert row["status"] == "SKIPPED"
    assert row["error_message"] == "planned after the late window had passed"
    assert await pipeline.send_due() == 0
    for balance in await pipeline.reconciliation.reconcile():
        assert balance.is_balanced
        assert balance.skipped == (balance.message_type == "BIRTHDAY")


async def test_the_late_window_ends_after_24_hours_sharp(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    await pipeline.daily.run_once()
    on_time = await pipeline.insert(timezone="UTC", birthday_date="1990-01-17")
    clock.set(at(1, 18, 9))
    too_late = await pipeline.insert(timezone="Etc/GMT-1", birthday_date="1990-01-17")
    await pipeline.daily.run_once()
    assert await pipeline.statuses(on_time) == ["SCHEDULED"]
    assert await pipeline.statuses(too_late) == ["SKIPPED"]


async def test_who_came_during_the_outage_is_owed_only_what_came_after(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(at(1, 14, 20))
    early = await pipeline.insert(birthday_date="1990-01-14", eligible_since=at(1, 14, 8))
    late = await pipeline.insert(birthday_date="1990-01-13", eligible_since=at(1, 14, 8))
    await pipeline.daily.run_once()
    assert await instants(pipeline, early) == [at(1, 14, 9)]
    assert await instants(pipeline, late) == []


@pytest.fixture
def one_zone(tmp_path: Path) -> TzDatabase:
    """A tz database that knows nothing but UTC."""
    (tmp_path / "zones").write_text("UTC")
    folder = tmp_path / "zoneinfo"
    folder.mkdir()
    original = files("tzdata").joinpath("zoneinfo")
    for name in ("UTC", "tzdata.zi"):
        (folder / name).write_bytes(original.joinpath(name).read_bytes())
    return TzDatabase(tmp_path)


async def test_catching_up_reaches_no_further_back_than_a_year(
    database_url: str, clock: FakeClock, sender: RecordingSender, one_zone: TzDatabase
) -> None:
    config = PipelineConfig(tzdb=one_zone)  # a year of all zones takes long
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        await pipeline.daily.run_once()
        clock.set(at(1, 14, 0, year=2030))
        await pipeline.daily.run_once()
        (latest,) = await pipeline.rows(
            "SELECT window_start FROM job_runs ORDER BY started_at DESC LIMIT 1"
        )
        assert latest["window_start"] == at(1, 13, 0, year=2029)


# --- The words --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("began", "text"),
    [
        ("2020-01-15", "Hey, Ada Lovelace it's your work anniversary! 7 years with us!"),
        ("2026-01-15", "Hey, Ada Lovelace it's your work anniversary! 1 year with us!"),
        ("1927-01-15", "Hey, Ada Lovelace it's your work anniversary! 100 years with us!"),
        ("2027-01-15", None),
        ("2028-01-15", None),
    ],
)
async def test_an_anniversary_counts_the_years_and_begins_with_the_first(
    pipeline: Pipeline, began: str, text: str | None
) -> None:
    user_id = await pipeline.insert(anniversary_date=began)
    await pipeline.daily.run_once()
    texts = [row["message_content"] for row in await pipeline.messages(user_id)]
    assert texts == ([text] if text else [])


async def test_the_years_are_those_of_the_delivery_date_and_not_of_utc(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(at(12, 31, 0))
    user_id = await pipeline.insert(timezone="Pacific/Kiritimati", anniversary_date="2020-01-01")
    await pipeline.daily.run_once()
    row = await pipeline.message(user_id)
    assert row["scheduled_send_time"] == at(12, 31, 19)  # 1 January 2028 there
    assert "8 years" in row["message_content"]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("{n}", "{last_name}"),
        ("%s", "100%"),
        ("%1$s", "%%"),
        ("O'Brien", 'd\'Arc \\ "x"'),
        ("$1", "$14; --"),
        ("Zoë", "李 🎂"),
    ],
)
async def test_a_name_is_never_read_as_a_place(pipeline: Pipeline, first: str, last: str) -> None:
    user = await pipeline.create(
        first_name=first, last_name=last, birthday_date="1990-01-15", anniversary_date="2020-01-15"
    )
    birthday, anniversary = await pipeline.messages(user.id)
    assert birthday["message_content"] == f"Hey, {first} {last} it's your birthday"
    assert anniversary["message_content"] == (
        f"Hey, {first} {last} it's your work anniversary! 7 years with us!"
    )


# --- Partitions and watermark -----------------------------------------------------------------


async def test_a_run_creates_the_months_it_needs(pipeline: Pipeline) -> None:
    user_id = await pipeline.insert(birthday_date="1990-07-01")
    far = datetime(2031, 6, 30, 12, tzinfo=UTC)
    assert (await pipeline.daily.run_once(far))["planned"] == 1
    assert (await pipeline.message(user_id))["scheduled_send_time"] == at(7, 1, 8, year=2031)


async def test_a_person_stored_at_the_end_of_the_last_month_finds_the_next(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(at(1, 31, 20, year=2028))
    user = await pipeline.create(birthday_date="1990-02-01")
    assert await instants(pipeline, user.id) == [at(2, 1, 9, year=2028)]


async def test_a_run_by_hand_starts_at_its_moment_and_leaves_the_watermark(
    pipeline: Pipeline,
) -> None:
    await pipeline.daily.run_once()
    past = await pipeline.insert(birthday_date="1990-06-09")
    coming = await pipeline.insert(birthday_date="1990-06-11")
    await pipeline.daily.run_once(at(6, 10, 0))
    assert await instants(pipeline, past) == []
    assert len(await instants(pipeline, coming)) == 1
    watermark = "SELECT max(window_end) FROM job_runs WHERE NOT is_manual"
    assert await pipeline.value(watermark) == START_AT + 48 * HOUR
    (manual,) = await pipeline.rows("SELECT * FROM job_runs WHERE is_manual")
    assert manual["window_start"] == at(6, 10, 0)
    assert manual["window_end"] == at(6, 12, 0)


async def test_a_run_that_failed_leaves_the_watermark(pipeline: Pipeline, clock: FakeClock) -> None:
    await pipeline.daily.run_once()
    clock.set(at(1, 20, 0))
    await pipeline.execute("ALTER TABLE idempotency_keys RENAME TO away")
    with pytest.raises(Exception, match="PostgreSQL refused"):
        await pipeline.daily.run_once()
    await pipeline.execute("ALTER TABLE away RENAME TO idempotency_keys")
    await pipeline.daily.run_once()
    starts = [
        row[0] for row in await pipeline.rows("SELECT window_start FROM job_runs ORDER BY id")
    ]
    assert starts == [START_AT - DAY, START_AT + 48 * HOUR, START_AT + 48 * HOUR]


# --- Re-timing --------------------------------------------------------------------------------


async def test_a_new_send_time_moves_what_is_not_yet_sent(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    user_id = await pipeline.insert(timezone="Asia/Tokyo", birthday_date="1990-01-15")
    sent_id = await pipeline.insert(timezone="Asia/Tokyo", birthday_date="1990-01-15")
    await pipeline.daily.run_once()
    await pipeline.execute("UPDATE message_logs SET status = 'SENT' WHERE user_id = $1", sent_id)
    config = PipelineConfig(time=TimePolicies(send_time=time(18, 30)))
    async with open_pipeline(pipeline.url, clock=clock, sender=sender, config=config) as restarted:
        assert await restarted.daily.run_once() == {"retimed": 1, "planned": 0}
        assert await restarted.daily.run_once() == {"retimed": 0, "planned": 0}
    assert await instants(pipeline, user_id) == [at(1, 15, 9, 30)]
    assert await instants(pipeline, sent_id) == [at(1, 15, 0)]
    assert await pipeline.statuses(sent_id) == ["SENT"]
    assert (await pipeline.message(user_id))["epoch"] == 1


async def test_a_new_tz_database_moves_rows_across_the_end_of_a_month(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(at(1, 31, 0))
    user_id = await pipeline.insert(timezone="Pacific/Kiritimati", birthday_date="1990-02-01")
    await pipeline.daily.run_once()
    # As if planned from an older tz database, in which the zone was a day behind.
    await pipeline.execute(
        "UPDATE message_logs SET scheduled_send_time = $1, tzdb_version = '1994a'", at(2, 1, 19)
    )
    assert (await pipeline.daily.run_once())["retimed"] == 1
    row = await pipeline.message(user_id)
    assert row["scheduled_send_time"] == at(1, 31, 19)
    assert row["tzdb_version"] == pipeline.timezones.tzdb.version


async def test_a_zone_that_left_the_tz_database_does_not_stop_the_run(
    pipeline: Pipeline,
) -> None:
    await pipeline.insert(birthday_date="1990-01-15")
    await pipeline.daily.run_once()
    await pipeline.execute("UPDATE message_logs SET timezone = 'Mars/Phobos'")
    await pipeline.insert(birthday_date="1990-01-15")
    assert await pipeline.daily.run_once() == {"retimed": 0, "planned": 1}


async def test_a_window_may_be_planned_by_itself(pipeline: Pipeline) -> None:
    await pipeline.insert(timezone="UTC", birthday_date="1990-05-05")
    window = Window(at(5, 5, 9), at(5, 5, 9, 1))
    now = START_AT
    assert await pipeline.planner.plan_window(pipeline.database, window, now) == 1
    assert await pipeline.planner.plan_window(pipeline.database, window, now) == 0
