"""What pages say of imports."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from heyday.domain.imports import ImportJob, ImportState
from heyday.web.import_views import JobView, plain

AT = datetime(2027, 1, 14, tzinfo=UTC)


def job(**fields: object) -> ImportJob:
    given = {
        "id": UUID(int=1),
        "state": ImportState.RUNNING,
        "name": "people.csv",
        "columns": ["email"],
        "has_bom": False,
        "reading": None,
        "bytes_total": 1000,
        "bytes_done": 251,
        "rows_done": 50,
        "imported": 0,
        "updated": 30,
        "unchanged": 12,
        "rejected": 20,
        "suspicious": 0,
        "epoch": 1,
        "error": None,
        "created_at": AT,
        "started_at": AT,
        "finished_at": None,
    }
    return ImportJob(**{**given, **fields})  # type: ignore[arg-type]


def test_fields_are_called_as_on_the_page():
    reason = "birthday_date: is none; email: birthday_date: not; birthday_date.day: is none"
    assert (
        plain(reason)
        == "Birthday: is none; Email address: birthday_date: not; Birthday.day: is none"
    )


def test_a_job_tells_how_fast_it_goes():
    view = JobView.of(job(), AT + timedelta(seconds=2))
    assert (view.changed, view.percent, view.rate) == (18, 25, 25)
    assert view.is_going
    ended = job(state=ImportState.DONE, finished_at=AT + timedelta(seconds=10))
    assert JobView.of(ended, AT + timedelta(days=1)).rate == 5


def test_a_job_that_has_not_begun_tells_nothing_of_its_pace():
    view = JobView.of(job(started_at=None, bytes_total=0, bytes_done=0), AT)
    assert (view.percent, view.rate, view.took) == (0, None, None)
    assert JobView.of(job(), AT).rate is None
