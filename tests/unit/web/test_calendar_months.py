"""Months and weeks, how full a day is, and the bars of a year."""

import re
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.calendar_year import CalendarDay, CalendarYear
from heyday.web.calendar_months import draw, lay_out, level_of, shorten

DAY = timedelta(days=1)
MONDAY = 0


def year_of(first_on: date, *totals: int, days: int = 0) -> CalendarYear:
    counts = [*totals, *[1] * (days - len(totals))]
    return CalendarYear(
        [CalendarDay(first_on + n * DAY, {"A": n_a, "B": 0}) for n, n_a in enumerate(counts)], []
    )


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)))
def test_each_day_of_the_year_stands_once_in_its_month_and_below_its_weekday(first_on: date):
    year = year_of(first_on, days=366)
    months = lay_out(year)
    assert len(months) in {12, 13}
    found = Counter[date]()
    for month in months:
        for week in month.weeks:
            assert len(week) == 7
            for weekday, cell in enumerate(week):
                if cell:
                    assert cell.on.weekday() == (weekday + MONDAY) % 7
                    assert (cell.on.year, cell.on.month) == (
                        month.first_on.year,
                        month.first_on.month,
                    )
                    found[cell.on] += 1 if cell.day else 0
    assert {day.on for day in year.days} == {on for on, times in found.items() if times}
    assert max(found.values()) == 1
    assert sum(month.total for month in months) == 366


def test_of_the_first_month_the_days_that_are_over_are_shown_and_of_the_last_none_after_it():
    months = lay_out(year_of(date(2027, 1, 14), days=366))
    cells = [cell for week in months[0].weeks for cell in week if cell]
    assert [cell.on.day for cell in cells if cell.day is None] == list(range(1, 14))
    last = [cell.on for week in months[-1].weeks for cell in week if cell]
    assert (last[0], last[-1]) == (date(2028, 1, 1), date(2028, 1, 14))
    assert [month.name for month in months[:2]] == ["January 2027", "February 2027"]


def test_29_february_is_there_in_a_leap_year_alone():
    for first_on, days in ((date(2027, 2, 1), 28), (date(2028, 2, 1), 29)):
        (month, *_) = lay_out(year_of(first_on, days=40))
        assert month.total == days


@pytest.mark.parametrize(
    ("total", "level"),
    [(0, 0), (1, 1), (50, 1), (51, 2), (90, 2), (91, 3), (125, 3), (126, 4), (200, 4), (201, 5)],
)
def test_a_day_is_as_dark_as_it_is_fuller_than_a_usual_one(total: int, level: int):
    assert level_of(total, 100) == level


def test_without_a_usual_day_no_day_is_dark():
    assert level_of(0, 0) == 0


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.0k"),
        (1234, "1.2k"),
        (9949, "9.9k"),
        (9960, "10k"),
        (14_210, "14k"),
        (999_400, "999k"),
        (999_600, "1.0M"),
        (2_500_000, "2.5M"),
        (31_000_000, "31M"),
    ],
)
def test_a_number_takes_four_letters_at_most(number: int, text: str):
    assert shorten(number) == text
    assert len(text) <= 4


@given(st.integers(0, 99_999_999))
def test_every_number_does(number: int):
    assert len(shorten(number)) <= 4


def heights(path: str) -> dict[int, float]:
    return {int(x): float(h) for x, h in re.findall(r"M(\d+) [\d.]+v-([\d.]+)h1v\2z", path)}


def test_types_stand_upon_each_other_and_the_fullest_day_is_as_high_as_the_chart():
    days = [
        CalendarDay(date(2027, 1, 31), {"A": 30, "B": 10}),
        CalendarDay(date(2027, 2, 1), {"A": 0, "B": 20}),
        CalendarDay(date(2027, 2, 2), {"A": 0, "B": 0}),
    ]
    chart = draw(CalendarYear(days, []))
    a, b = (heights(series.path) for series in chart.series)
    assert (a, b) == ({0: 75}, {0: 25, 1: 50})
    assert chart.series[1].path.startswith("M0 25v-25h1v25z")
    assert [(tick.name, tick.at) for tick in chart.ticks] == [("Feb", "33.3%")]
    assert chart.cut_at is None


def test_a_day_that_would_hide_all_others_is_cut():
    chart = draw(year_of(date(2027, 1, 1), 2, 2, 311))
    assert chart.cut_at == 16
    assert heights(chart.series[0].path) == {0: 12.5, 1: 12.5, 2: 100}


def test_a_year_without_people_has_no_bars():
    chart = draw(year_of(date(2027, 1, 1), 0, 0))
    assert [series.path for series in chart.series] == ["", ""]
