"""The release before and this one side by side on one database, and callers who notice nothing."""

from pathlib import Path

import pytest

from heyday.db import alembic_runner
from tests.drills.previous import NoHistory, lay_out
from tests.drills.upgrade import SHORT, drill


async def test_an_upgrade_under_load_is_noticed_by_nobody(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("upgrade")
    for above in (folder, folder.parent):
        above.chmod(0o711)  # PostgreSQL may run as another account
    try:
        result = await drill(folder, SHORT)
    except NoHistory as reason:
        pytest.skip(str(reason))
    assert result.is_good, (result.counts, result.errors[:5], result.faults, result.findings.broken)
    # What the counts say nothing of unless there was something to count.
    assert result.findings.messages > 100
    assert result.notes["migrations"]


async def test_what_is_taken_away_the_release_before_does_without(
    tmp_path: Path, empty_database_url: str
) -> None:
    try:
        release = lay_out(tmp_path)
    except NoHistory as reason:
        pytest.skip(str(reason))
    _, migrations = await alembic_runner.read_schema(empty_database_url)
    new = [each for each in migrations if each.revision > release.newest_revision]
    assert new
    assert all((each.serves_from or "") <= release.newest_revision for each in new)
