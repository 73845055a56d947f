"""What docs/backup.md says to do without a ledger ends what was due, and sends nothing again."""

from datetime import timedelta

from heyday.domain.policies import TimePolicies
from tests.docs.pages import page
from tests.factories import Pipeline, PipelineConfig, open_pipeline
from tests.fakes import FakeClock, RecordingSender

SHORT = PipelineConfig(time=TimePolicies(late_window=timedelta(minutes=1)))
STEPS = """\
.venv/bin/heyday jobs run daily
HEYDAY_LATE_WINDOW=1m .venv/bin/heyday jobs run recovery
"""
BORN_TODAY = {"timezone": "UTC", "birthday_date": "1990-01-14"}


def test_the_page_names_the_steps() -> None:
    assert STEPS in page("docs/backup.md").blocks("sh")


async def test_after_the_steps_nothing_is_sent_again(
    pipeline: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    # As the backup may have them: due later, in the middle of being sent, and not yet planned.
    await pipeline.create(**BORN_TODAY)
    sending = await pipeline.create(**BORN_TODAY)
    await pipeline.execute(
        "UPDATE message_logs SET status = 'SENDING', lease_until = now() - interval '1 minute' "
        "WHERE user_id = $1",
        sending.id,
    )
    await pipeline.insert(**BORN_TODAY)
    clock.advance(timedelta(hours=11))

    await pipeline.daily.run_once()
    async with open_pipeline(pipeline.url, clock=clock, sender=sender, config=SHORT) as short:
        await short.recovery.run_once()

    assert await pipeline.statuses() == ["SKIPPED"] * 3
    await pipeline.recovery.run_once()
    assert await pipeline.send_due() == 0
    assert sender.sent == []
