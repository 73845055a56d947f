"""Every edit at every stage of a greeting: when it leaves, and what becomes of its rows.

The person lives in London and was born on 15 January 1990; times are UTC. Each line of a table is
one edit: when greetings were accepted by the provider, then delivery date and status of each row.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest

from tests.factories import Pipeline
from tests.fakes import FakeClock
from tests.integration.services.stages import (
    DAY,
    NINE,
    SECOND,
    STAGES,
    TimedSender,
    by_sql,
    live_on,
)

# Each edit as steps a second apart: what the service is given or asked, and the same by SQL.
Step = tuple[Mapping[str, object] | str, str]
EDITS: Mapping[str, Sequence[Step]] = {
    "new name": [({"first_name": "Augusta"}, "first_name = 'Augusta'")],
    "west": [({"timezone": "America/New_York"}, "timezone = 'America/New_York'")],
    "east": [({"timezone": "Europe/Berlin"}, "timezone = 'Europe/Berlin'")],
    "far east": [({"timezone": "Pacific/Kiritimati"}, "timezone = 'Pacific/Kiritimati'")],
    "there and back": [
        ({"timezone": "America/New_York"}, "timezone = 'America/New_York'"),
        ({"timezone": "Europe/London"}, "timezone = 'Europe/London'"),
    ],
    "year": [({"birthday_date": "1991-01-15"}, "birthday_date = '1991-01-15'")],
    "day later": [({"birthday_date": "1990-01-16"}, "birthday_date = '1990-01-16'")],
    "day earlier": [({"birthday_date": "1990-01-14"}, "birthday_date = '1990-01-14'")],
    "in June": [({"birthday_date": "1990-06-01"}, "birthday_date = '1990-06-01'")],
    "cleared": [({"birthday_date": None}, "birthday_date = NULL")],
    "cleared, given": [
        ({"birthday_date": None}, "birthday_date = NULL"),
        ({"birthday_date": "1990-01-15"}, "birthday_date = '1990-01-15'"),
    ],
    "deleted": [("delete", "deleted_at = now()")],
    "deleted, undeleted": [("delete", "deleted_at = now()"), ("undelete", "deleted_at = NULL")],
    "unsubscribed": [("unsubscribe", "unsubscribed_at = now()")],
    "unsubscribed, back": [
        ("unsubscribe", "unsubscribed_at = now()"),
        ("resubscribe", "unsubscribed_at = NULL"),
    ],
}

# "at once": as soon as Heyday knows, which is with the edit itself, or for SQL with the next sweep
# or claim.
Table = Mapping[str, tuple[str, str]]
UNPLANNED: Table = {
    "new name": ("15 09:00:00", "15 SENT"),
    "west": ("15 14:00:00", "15 SENT"),
    "east": ("15 08:00:00", "15 SENT"),
    "far east": ("14 19:00:00", "15 SENT"),
    "there and back": ("15 09:00:00", "15 SENT"),
    "year": ("15 09:00:00", "15 SENT"),
    "day later": ("16 09:00:00", "16 SENT"),
    "day earlier": ("14 09:00:00", "14 SENT"),
    "in June": ("", ""),
    "cleared": ("", ""),
    "cleared, given": ("15 09:00:00", "15 SENT"),
    "deleted": ("", ""),
    "deleted, undeleted": ("15 09:00:00", "15 SENT"),
    "unsubscribed": ("", ""),
    "unsubscribed, back": ("15 09:00:00", "15 SENT"),
}
# It is the evening of the 14th: nine has passed on the 14th, and on Kiritimati on the 15th.
PLANNED: Table = {
    "new name": ("15 09:00:00", "15 SENT"),
    "west": ("15 14:00:00", "15 SENT"),
    "east": ("15 08:00:00", "15 SENT"),
    "far east": ("at once", "15 SENT"),
    "there and back": ("15 09:00:00", "15 SENT"),
    "year": ("15 09:00:00", "15 SENT"),
    "day later": ("16 09:00:00", "15 CANCELLED, 16 SENT"),
    "day earlier": ("at once", "14 SENT, 15 CANCELLED"),
    "in June": ("", "15 CANCELLED"),
    "cleared": ("", "15 CANCELLED"),
    "cleared, given": ("15 09:00:00", "15 SENT"),
    "deleted": ("", "15 CANCELLED"),
    "deleted, undeleted": ("15 09:00:00", "15 SENT"),
    "unsubscribed": ("", "15 CANCELLED"),
    "unsubscribed, back": ("15 09:00:00", "15 SENT"),
}
# A minute, or three seconds, before nine on the 15th. The 14th passed unowed.
BEFORE_NINE: Table = {
    **PLANNED,
    "east": ("at once", "15 SENT"),
    "day earlier": ("", "15 CANCELLED"),
}
# With or just after the call at nine: it cannot be taken back, and is the only one.
CALLED: Table = {
    **dict.fromkeys(EDITS, ("15 09:00:00", "15 SENT")),
    "day later": ("15 09:00:00", "15 SENT, 16 SKIPPED"),
}
# The provider asked for ten minutes, which hold in whatever zone.
RETRYING: Table = {
    **BEFORE_NINE,
    **dict.fromkeys(
        [
            *("new name", "east", "far east", "there and back", "year"),
            *("cleared, given", "deleted, undeleted", "unsubscribed, back"),
        ],
        ("15 09:10:00", "15 SENT"),
    ),
}
# One o'clock on the 16th, and nothing ran at nine: owed for 24 h, which on Kiritimati are over.
# Who left and comes back now is not owed what was due in between.
MISSED: Table = {
    "new name": ("at once", "15 SENT"),
    "west": ("at once", "15 SENT"),
    "east": ("at once", "15 SENT"),
    "far east": ("", "15 CANCELLED"),
    "there and back": ("at once", "15 SENT"),
    "year": ("at once", "15 SENT"),
    "day later": ("16 09:00:00", "15 CANCELLED, 16 SENT"),
    "day earlier": ("", "15 CANCELLED"),
    "in June": ("", "15 CANCELLED"),
    "cleared": ("", "15 CANCELLED"),
    "cleared, given": ("", "15 CANCELLED"),
    "deleted": ("", "15 CANCELLED"),
    "deleted, undeleted": ("", "15 CANCELLED"),
    "unsubscribed": ("", "15 CANCELLED"),
    "unsubscribed, back": ("", "15 CANCELLED"),
}
# Of what SQL did and undid between two sweeps Heyday sees nothing.
MISSED_BY_SQL: Table = {
    **MISSED,
    "cleared, given": ("at once", "15 SENT"),
    "deleted, undeleted": ("at once", "15 SENT"),
    "unsubscribed, back": ("at once", "15 SENT"),
}
TABLES: Mapping[str, Table] = {
    "unplanned": UNPLANNED,
    "planned": PLANNED,
    "enqueued": BEFORE_NINE,
    "seconds before": BEFORE_NINE,
    "sending": CALLED,
    "retrying": RETRYING,
    "sent": CALLED,
    "missed": MISSED,
}


async def by_service(pipeline: Pipeline, user_id: UUID, change: Mapping[str, object] | str) -> None:
    match change:
        case "delete":
            await pipeline.users.delete(user_id)
        case "undelete":
            await pipeline.users.undelete(user_id)
        case "unsubscribe":
            await pipeline.users.unsubscribe(user_id)
        case "resubscribe":
            await pipeline.users.resubscribe(user_id)
        case Mapping():
            await pipeline.users.patch(user_id, change)


async def edit(
    pipeline: Pipeline, clock: FakeClock, user_ids: Mapping[str, UUID], door: str
) -> None:
    """Make every edit, each on a person of its own."""
    for place in range(2):
        for name, user_id in user_ids.items():
            for by_rest, sql in EDITS[name][place : place + 1]:
                if door == "sql":
                    await by_sql(pipeline, user_id, sql)
                else:
                    await by_service(pipeline, user_id, by_rest)
        clock.advance(SECOND if place == 0 else 0 * SECOND)


async def rows_of(pipeline: Pipeline, user_id: UUID) -> str:
    rows = await pipeline.rows(
        "SELECT delivery_date, status, error_message FROM message_logs "
        "WHERE user_id = $1 ORDER BY delivery_date",
        user_id,
    )
    assert all(row["error_message"] for row in rows if row["status"] != "SENT")
    return ", ".join(f"{row['delivery_date']:%d} {row['status']}" for row in rows)


@pytest.mark.parametrize("door", ["service", "sql"])
@pytest.mark.parametrize("stage", STAGES)
async def test_every_edit_at_this_stage(
    pipeline: Pipeline, clock: FakeClock, sender: TimedSender, stage: str, door: str
) -> None:
    async with STAGES[stage](pipeline, clock, sender, len(EDITS)) as ids:
        user_ids = dict(zip(EDITS, ids, strict=True))
        await edit(pipeline, clock, user_ids, door)
        noticed_at = clock.now()
    if door == "sql" and stage in {"enqueued", "seconds before"}:
        noticed_at = NINE
    await live_on(pipeline, clock, NINE + 2 * DAY)
    table = MISSED_BY_SQL if (stage, door) == ("missed", "sql") else TABLES[stage]
    expected = {
        name: (when.replace("at once", f"{noticed_at:%d %H:%M:%S}"), rows)
        for name, (when, rows) in table.items()
    }
    actual = {
        name: (", ".join(sender.accepted_for(user_id)), await rows_of(pipeline, user_id))
        for name, user_id in user_ids.items()
    }
    assert actual == expected


def test_the_tables_hold_a_line_for_every_edit() -> None:
    assert set(TABLES) == set(STAGES)
    for table in (*TABLES.values(), MISSED_BY_SQL):
        assert set(table) == set(EDITS)
