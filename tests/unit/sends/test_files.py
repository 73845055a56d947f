"""The ledger of sends: what is written is read again, whatever breaks off."""

import os
import resource
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import structlog

from heyday.domain.delivery import DeliveryPolicy, Outcome, OutcomeKind
from heyday.domain.errors import SendsUnwritable
from heyday.domain.models import ClaimedMessage, Recorded
from heyday.domain.retry import RetryPolicy
from heyday.domain.send_ports import Evidence, SeenClaim, SeenRun
from heyday.sends.files import FileLedger
from heyday.telemetry import Metrics
from tests.fakes import MESSAGE, START_AT, FakeClock

POLICY = DeliveryPolicy(RetryPolicy(), None)
KEEP = timedelta(days=7)


def greeting(n: int, sender: str = "http") -> ClaimedMessage:
    """Return a greeting to the nth person."""
    user_id = UUID(int=n)
    key = f"{user_id}:BIRTHDAY:2027-01-14"
    message = replace(MESSAGE, id=UUID(int=1000 + n), user_id=user_id, idempotency_key=key)
    return replace(message, sender=sender)


def ended(message: ClaimedMessage, kind: OutcomeKind = OutcomeKind.ACCEPTED) -> Recorded:
    """Return what is recorded of an attempt."""
    return POLICY.record(message, Outcome(kind), START_AT, 0.5)


def ledger_in(folder: Path, clock: FakeClock) -> FileLedger:
    """Return the ledger of a process that starts now."""
    return FileLedger(folder, clock, Metrics(), KEEP, {"inbox"})


@pytest.fixture
def clock() -> FakeClock:
    """The time."""
    return FakeClock()


@pytest.fixture
async def ledger(tmp_path: Path, clock: FakeClock) -> AsyncIterator[FileLedger]:
    """A ledger of its own."""
    ledger = ledger_in(tmp_path / "sends", clock)
    yield ledger
    await ledger.close()


async def test_what_was_noted_is_known(ledger: FileLedger) -> None:
    messages = [greeting(n) for n in range(4)]
    await ledger.begin(messages)
    await ledger.end([ended(messages[2]), ended(messages[0])])
    await ledger.end([ended(messages[1], OutcomeKind.REFUSED)])

    sends = (await ledger.read(None)).sends

    assert {key for key, send in sends.items() if send.accepted_at} == {
        messages[0].idempotency_key,
        messages[2].idempotency_key,
    }
    assert [key for key, send in sends.items() if send.is_in_doubt] == [messages[3].idempotency_key]
    assert {send.due_at for send in sends.values()} == {START_AT}


async def test_nothing_of_a_person_is_noted(ledger: FileLedger, tmp_path: Path) -> None:
    await ledger.begin([greeting(1)])
    await ledger.end([ended(greeting(1))])
    (path,) = (tmp_path / "sends").iterdir()
    text = path.read_text("utf-8")
    assert text.count("\n") == 2
    for secret in (MESSAGE.email, MESSAGE.text, "ada", "Lovelace"):
        assert secret not in text
    assert path.stat().st_mode & 0o077 == 0


async def test_letters_of_the_inbox_stay_in_the_database_and_are_not_noted(
    ledger: FileLedger, tmp_path: Path
) -> None:
    await ledger.begin([greeting(1, "inbox")])
    await ledger.end([ended(greeting(1, "inbox"))])
    assert not (tmp_path / "sends").exists()


async def test_two_processes_note_beside_each_other(
    ledger: FileLedger, tmp_path: Path, clock: FakeClock
) -> None:
    other = ledger_in(tmp_path / "sends", clock)
    await ledger.begin([greeting(1)])
    await other.begin([greeting(2)])
    await ledger.end([ended(greeting(1))])
    await other.end([ended(greeting(2))])
    await other.close()
    account = await ledger.read(None)
    assert (account.files, len(account.sends)) == (2, 2)
    assert all(send.accepted_at for send in account.sends.values())


async def test_a_line_that_a_crash_broke_off_costs_itself_alone(
    ledger: FileLedger, tmp_path: Path, clock: FakeClock
) -> None:
    await ledger.begin([greeting(1)])
    await ledger.end([ended(greeting(1))])
    (path,) = (tmp_path / "sends").iterdir()
    whole = path.read_bytes()
    for kept in range(1, len(whole)):
        path.write_bytes(whole[:kept])
        account = await ledger_in(tmp_path / "sends", clock).read(None)
        first = whole.index(b"\n")
        assert account.unreadable == (kept not in {first, first + 1, len(whole) - 1})
        known = account.sends.get(greeting(1).idempotency_key)
        assert (known is not None) == (kept >= first)
        assert bool(known and known.accepted_at) == (kept >= len(whole) - 1)


async def test_a_batch_may_end_on_another_day(ledger: FileLedger, clock: FakeClock) -> None:
    clock.advance(timedelta(hours=23, minutes=59, seconds=59))
    await ledger.begin([greeting(1)])
    clock.advance(timedelta(seconds=2))
    await ledger.end([ended(greeting(1))])
    account = await ledger.read(clock.now())
    assert account.files == 2
    assert account.sends[greeting(1).idempotency_key].accepted_at == clock.now()


async def test_files_are_kept_as_long_as_is_asked_for(
    ledger: FileLedger, tmp_path: Path, clock: FakeClock
) -> None:
    stranger = tmp_path / "sends" / "notes.txt"
    for n in range(10):
        await ledger.begin([greeting(n)])
        clock.advance(timedelta(days=1))
    stranger.write_text("mine", "utf-8")
    await ledger.begin([greeting(10)])
    days = sorted(path.name.split(".")[-2] for path in (tmp_path / "sends").glob("*.jsonl"))
    assert days == [f"2027-01-{day}" for day in range(17, 25)]
    assert stranger.exists()


async def test_what_is_older_than_asked_for_is_not_read(
    ledger: FileLedger, clock: FakeClock
) -> None:
    await ledger.begin([greeting(1)])
    clock.advance(timedelta(hours=2))
    await ledger.begin([greeting(2)])
    assert set((await ledger.read(clock.now())).sends) == {greeting(2).idempotency_key}


async def test_the_evidence_is_the_last_claim_and_the_last_run_of_any_process(
    ledger: FileLedger, tmp_path: Path, clock: FakeClock
) -> None:
    await ledger.begin([greeting(1)])
    clock.advance(timedelta(minutes=2))
    await ledger.note_run(SeenRun(7, START_AT))
    ran_at = clock.now()
    other = ledger_in(tmp_path / "sends", clock)
    clock.advance(timedelta(minutes=2))
    await other.begin([greeting(2)])
    await other.close()

    found = await ledger_in(tmp_path / "sends", clock).find_evidence()

    assert found.claims == [SeenClaim(greeting(2).idempotency_key, START_AT, 1)]
    assert (found.claimed_at, found.run_at) == (clock.now(), ran_at)
    assert found.run == SeenRun(7, START_AT)


async def test_evidence_of_long_ago_is_none(ledger: FileLedger, clock: FakeClock) -> None:
    # What it names may have been dropped in good order by now.
    await ledger.begin([greeting(1)])
    clock.advance(timedelta(days=4))
    await ledger.note_run(SeenRun(7, START_AT))
    clock.advance(timedelta(days=4))
    found = await ledger.find_evidence()
    assert (found.claimed_at, found.claims) == (None, ())
    assert found.run == SeenRun(7, START_AT)
    clock.advance(timedelta(days=4))
    assert await ledger.find_evidence() == Evidence()


async def test_it_is_known_what_a_provider_took(ledger: FileLedger, clock: FakeClock) -> None:
    await ledger.begin([greeting(1), greeting(2)])
    await ledger.end([ended(greeting(1))])
    keys = [greeting(n).idempotency_key for n in range(4)]
    assert await ledger.find_accepted(keys, clock.now()) == {keys[1]: START_AT}


@pytest.fixture
def _full_disk() -> Iterator[None]:
    """A disk on which files may grow by some bytes more, and then no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("_full_disk")
async def test_a_full_disk_lets_no_call_be_made_and_spoils_nothing(
    tmp_path: Path, clock: FakeClock
) -> None:
    metrics = Metrics()
    ledger = FileLedger(tmp_path / "sends", clock, metrics, KEEP)
    with structlog.testing.capture_logs() as logs:
        with pytest.raises(SendsUnwritable, match=r"cannot be written .*its disk has room"):
            await ledger.begin([greeting(1)])
        with pytest.raises(SendsUnwritable):
            await ledger.prove()
    assert [line["event"] for line in logs] == ["sends_unwritable"]
    assert metrics.registry.get_sample_value("heyday_sends_unwritable") == 1

    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await ledger.prove()
    assert metrics.registry.get_sample_value("heyday_sends_unwritable") == 0
    await ledger.begin([greeting(2)])
    account = await ledger.read(None)
    assert (set(account.sends), account.unreadable) == ({greeting(2).idempotency_key}, 0)
    assert sum(path.stat().st_size for path in (tmp_path / "sends").iterdir()) < 1000
    await ledger.close()


async def test_a_folder_that_cannot_be_made_lets_no_call_be_made(
    tmp_path: Path, clock: FakeClock
) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(SendsUnwritable, match="Not a directory"):
        await ledger_in(tmp_path / "file" / "sends", clock).begin([greeting(1)])


async def test_a_line_is_on_the_disk_when_calls_begin(
    ledger: FileLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda file: synced.append(os.fstat(file).st_size))
    await ledger.begin([greeting(1)])
    assert len(synced) == 1
    assert synced[0] > 0
