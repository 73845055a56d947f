"""The files that benchmarks of the import are made with hold what they say."""

from pathlib import Path

from benchmarks.people_files import write_people
from heyday.cli.csv_file import open_csv
from heyday.services.import_rows import Layout, RowChecker, breathing
from tests.fakes import FakeClock


async def test_as_many_rows_are_wrong_as_was_asked_for(tmp_path: Path):
    files = write_people(tmp_path, 2_000, 0.01)
    with open_csv(files.given) as file:
        checker = RowChecker(Layout(file.columns), FakeClock(), 5_000)
        (chunk,) = [chunk async for chunk in checker.chunks(breathing(file.batches()))]
    assert (files.rows, files.wrong, len(chunk.rejections)) == (2_000, 20, 20)
    right = files.right.read_text("utf-8").splitlines()
    assert len(chunk.people) == len(right) == 1_980
    assert chunk.people[-1].email in right[-1]
