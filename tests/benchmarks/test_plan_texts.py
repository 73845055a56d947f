"""The benchmark of texts plans the same people with each book, and shows what each took."""

from pathlib import Path

from benchmarks.plan_texts import BOOKS, CountingBook, Figures, measure


async def test_each_book_plans_everybody(tmp_path: Path) -> None:
    found = await measure(people=300, due=100, folder=tmp_path)
    assert list(found) == list(BOOKS)
    (rows,) = {figures.rows for figures in found.values()}
    assert rows > 50


def test_a_line_has_rows_and_their_cost() -> None:
    assert Figures(rows=1_000, seconds=0.5, cpu_us=15.04).line == "1,000 | 2,000 | 15.0"


def test_a_text_for_each_number_of_years_is_served_in_each_language() -> None:
    book = CountingBook("<p>%1$s</p>")
    wordings = book.wordings("BIRTHDAY", book.language_for("ja"), [1, 2], [])
    assert [(each.language, each.years) for each in wordings] == [("ja", 1), ("ja", 2)]
