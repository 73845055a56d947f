"""A few days over a few zones, whole and with each fault; and what is broken on purpose shows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from heyday.bootstrap import App
from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.models import ClaimedMessage
from heyday.domain.timezone import TimezoneService
from heyday.settings import Settings
from heyday.simulation.people import EveryBirthday, People
from heyday.simulation.scenario import PINNED_PACKAGE, Outage, Scenario
from heyday.simulation.sender import Letter, RecordingSender
from heyday.simulation.shard import Lived, Shard, ShardRun
from heyday.workers.message import MessageWorker

ZONES = ("America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Pago_Pago")
FIRST, LAST = date(2027, 3, 13), date(2027, 3, 16)
AT = datetime(2027, 3, 14, 6, tzinfo=UTC)
DAY = Scenario(FIRST, LAST)
IN_RANGE = len(ZONES) * 4


@pytest.fixture(autouse=True)
def _no_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


async def live(
    url: str,
    scenario: Scenario = DAY,
    sender: type[RecordingSender] = RecordingSender,
    people: People | None = None,
    settings: Settings | None = None,
) -> Lived:
    shard = Shard(settings or Settings(), url, scenario, people or EveryBirthday(ZONES), ZONES)
    return await ShardRun(shard, sender).run()


def promises(lived: Lived) -> set[str]:
    return {broken.promise for broken in lived.findings.broken}


def assert_kept(lived: Lived, sent: int = IN_RANGE) -> None:
    assert lived.findings.broken == []
    assert lived.findings.sent_on.total() == sent


async def test_everybody_is_greeted_once_at_nine(database_url: str) -> None:
    lived = await live(database_url)
    assert_kept(lived)
    assert lived.people == len(ZONES) * 366
    assert (lived.findings.earliest, lived.findings.latest) == (0, 0)
    assert lived.attempts == IN_RANGE + lived.findings.around
    assert lived.failed_jobs == 0


@pytest.mark.parametrize("is_killing_planners", [False, True])
async def test_with_a_spread_everybody_is_greeted_once_at_their_second(
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    is_killing_planners: bool,  # noqa: FBT001 - a case
) -> None:
    """Over days on which clocks change; and where an outage of half a day begins in the midst."""
    monkeypatch.setenv("HEYDAY_SPREAD", "4h")
    outage = Outage(AT + timedelta(hours=9), AT + timedelta(hours=20))
    scenario = replace(DAY, is_killing_planners=is_killing_planners, outage=outage)
    lived = await live(database_url, scenario, settings=Settings())
    assert_kept(lived)
    assert lived.findings.earliest == 0
    assert lived.findings.skipped == 0


async def test_29_february_is_greeted_on_the_28th_of_a_common_year(database_url: str) -> None:
    lived = await live(database_url, Scenario(date(2027, 2, 27), date(2027, 3, 1)))
    assert_kept(lived, len(ZONES) * 4)
    assert lived.findings.sent_on[date(2027, 2, 28)] == len(ZONES) * 2


async def test_a_day_of_downtime_is_caught_up(database_url: str) -> None:
    outage = Outage(AT, AT + timedelta(hours=24))
    lived = await live(database_url, replace(DAY, outage=outage))
    assert_kept(lived)
    assert lived.findings.skipped == 0
    assert lived.findings.latest is not None
    assert 12 * 3600 < lived.findings.latest <= 24 * 3600


@pytest.mark.parametrize(("minutes", "latest"), [(1, 720), (30, 2520)])
async def test_a_short_outage_loses_nothing_of_what_was_queued(
    database_url: str, minutes: int, latest: int
) -> None:
    # Half a minute before nine in New York its greetings are queued already.
    start_at = datetime(2027, 3, 14, 12, 59, 30, tzinfo=UTC)
    outage = Outage(start_at, start_at + timedelta(minutes=minutes))
    lived = await live(database_url, replace(DAY, outage=outage))
    assert_kept(lived)
    assert lived.findings.latest is not None
    assert 0 <= lived.findings.latest < latest


async def test_what_was_due_more_than_a_day_before_the_end_of_an_outage_is_skipped(
    database_url: str,
) -> None:
    outage = Outage(AT, AT + timedelta(hours=36))
    lived = await live(database_url, replace(DAY, outage=outage))
    assert lived.findings.broken == []
    assert lived.findings.skipped > 0
    assert lived.findings.sent_on.total() + lived.findings.skipped == IN_RANGE


async def test_planners_that_die_half_way_lose_nothing(database_url: str) -> None:
    lived = await live(database_url, replace(DAY, is_killing_planners=True))
    assert_kept(lived)
    assert lived.failed_jobs > 0


@pytest.fixture
def former_tzdata(tmp_path: Path) -> Path:
    """A package in which New York is on the clock of Caracas, and all else as it is."""
    folder = tmp_path / "tzdata"
    for name in (*ZONES, "America/Caracas"):
        path = folder / "zoneinfo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        source = "America/Caracas" if name == "America/New_York" else name
        path.write_bytes(PINNED_PACKAGE.joinpath("zoneinfo", *source.split("/")).read_bytes())
    (folder / "zoneinfo" / "tzdata.zi").write_text("# version 2020a\n")
    (folder / "zones").write_text("\n".join(ZONES))
    return folder


async def test_a_new_tz_database_moves_what_is_planned(
    database_url: str, former_tzdata: Path
) -> None:
    scenario = replace(DAY, tzdata_before=former_tzdata, tz_update_on=date(2027, 3, 15))
    letters: list[Letter] = []

    @dataclass(frozen=True, slots=True)
    class Remembering(RecordingSender):
        async def send(self, message: ClaimedMessage) -> Outcome:
            letters.append(Letter(message.text, self.clock.now()))
            return await RecordingSender.send(self, message)

    lived = await live(database_url, scenario, Remembering)
    assert_kept(lived)
    hours = {letter.left_at for letter in letters if "New_York" in letter.key}
    # Nine o'clock in Caracas is 13:00 UTC; in New York, in winter, 14:00, and from the 14th 13:00.
    assert datetime(2027, 3, 13, 13, tzinfo=UTC) in hours
    assert all(at.astimezone(ZoneInfo("Etc/GMT+4")).hour == 9 for at in hours)


class Early(RecordingSender):
    """Send, and claim to have done so a second before."""

    async def send(self, message: ClaimedMessage) -> Outcome:
        self.letters.append(
            Letter(message.idempotency_key, self.clock.now() - timedelta(seconds=1))
        )
        return Outcome(OutcomeKind.ACCEPTED)


class Twice(RecordingSender):
    """Send everything again at once."""

    async def send(self, message: ClaimedMessage) -> Outcome:
        await RecordingSender.send(self, message)
        return await RecordingSender.send(self, message)


class Missing(RecordingSender):
    """Send nothing, and say it was sent."""

    async def send(self, _message: ClaimedMessage) -> Outcome:
        return Outcome(OutcomeKind.ACCEPTED)


class Unsure(RecordingSender):
    """Send, and leave it open whether it was sent: without keys a second try is a second letter."""

    async def send(self, message: ClaimedMessage) -> Outcome:
        await RecordingSender.send(self, message)
        return Outcome(OutcomeKind.AMBIGUOUS)


@pytest.mark.parametrize(
    ("sender", "promise"),
    [(Early, "early"), (Twice, "twice"), (Missing, "missing"), (Unsure, "twice")],
)
async def test_a_promise_broken_on_purpose_is_found(
    database_url: str, sender: type[RecordingSender], promise: str
) -> None:
    lived = await live(database_url, Scenario(FIRST, FIRST), sender)
    broken = [b.key for b in lived.findings.broken if "2027-03-13" in b.key]
    assert promises(lived) == {promise}
    assert len(broken) == len(ZONES)


async def test_a_worker_that_does_not_wait_is_found(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hurry(_worker: MessageWorker, _at: datetime) -> None:
        return

    monkeypatch.setattr(MessageWorker, "_sleep_until", hurry)
    monkeypatch.setattr(MessageWorker, "_is_due", lambda *_: True)
    lived = await live(database_url, Scenario(FIRST, FIRST))
    # The claim takes nothing before its instant, so what came too soon is left to recovery.
    assert "late" in promises(lived)
    assert "early" not in promises(lived)


async def test_a_clock_that_is_fast_is_found(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = TimezoneService._find  # noqa: SLF001 - made wrong

    def fast(service: TimezoneService, name: str, on: date) -> tuple[date, datetime] | None:
        found = real(service, name, on)
        return (found[0], found[1] - timedelta(hours=1)) if found else None

    monkeypatch.setattr(TimezoneService, "_find", fast)
    assert promises(await live(database_url, Scenario(FIRST, FIRST))) == {"early"}


@dataclass(frozen=True, slots=True)
class EditedBySql:
    """Bring people, one of whom plain SQL has taken out of planning's sight."""

    people: People
    change: str

    async def settle(self, app: App, at: datetime) -> None:
        await self.people.settle(app, at)
        async with app.database.connection() as connection:
            await connection.execute(self.change)


TAKEN: Mapping[str, str] = {
    # As if a planner had written the key and lost the row.
    "missing": "INSERT INTO idempotency_keys SELECT '2027-03-14', id, 'BIRTHDAY' FROM users "
    "WHERE birthday_month_day = 314",
    # As if a row had been planned for the wrong date.
    "date": "INSERT INTO message_logs (user_id, message_type, delivery_date, scheduled_send_time, "
    "idempotency_key, message_content, occasion_date, timezone, tzdb_version) "
    "SELECT id, 'BIRTHDAY', '2027-03-15', '2027-03-15T12:00Z', id || ':BIRTHDAY:2027-03-15', '', "
    "birthday_date, timezone, '2026f' FROM users WHERE birthday_month_day = 1214",
}


@pytest.mark.parametrize("promise", TAKEN)
async def test_rows_that_are_wrong_are_found(database_url: str, promise: str) -> None:
    people = EditedBySql(EveryBirthday(ZONES), TAKEN[promise])
    lived = await live(database_url, people=people)
    assert promises(lived) == {promise}
    assert len(lived.findings.broken) == len(ZONES)
