"""A line can be read as it was written, also by the releases to come."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from heyday.sends import lines
from tests.fakes import MESSAGE, START_AT


def test_greetings_that_differ_by_their_people_alone_share_what_they_can() -> None:
    other = UUID(int=9)
    key = f"{other}:BIRTHDAY:2027-01-14"
    second = replace(MESSAGE, id=UUID(int=8), user_id=other, idempotency_key=key)
    again = replace(MESSAGE, id=UUID(int=7), epoch=3)
    line, places = lines.begin([again, MESSAGE, second], 4, START_AT)
    assert [len(group.users) for group in line.begun] == [2, 1]
    claims = [claim for group in line.begun for claim in group.claims]
    for message in (MESSAGE, second, again):
        number, place = places[message.id]
        assert number == 4
        assert (claims[place].key, claims[place].epoch) == (message.idempotency_key, message.epoch)


def test_the_form_is_fixed_for_ledgers_outlive_releases() -> None:
    line, _ = lines.begin([replace(MESSAGE, sender="http")], 1, START_AT + timedelta(seconds=1))
    text = (
        b'{"at":"2027-01-14T00:00:01Z","n":1,"begun":[{"type":"BIRTHDAY","on":"2027-01-14",'
        b'"due":"2027-01-14T00:00:00Z","epoch":1,"sender":"http",'
        b'"users":["00000000-0000-0000-0000-000000000002"]}]}\n'
    )
    assert lines.encode(line) == text
    assert lines.decode(text) == line


def test_what_a_later_release_adds_is_passed_over() -> None:
    read = lines.decode(
        b'{"at":"2027-01-14T00:00:00Z","more":[1],"run":[7,"2027-01-14T00:00:00Z"]}'
    )
    assert read is not None
    assert read.seen_run is not None
    assert (read.seen_run.id, read.seen_run.started_at) == (7, START_AT)
    assert lines.decode(b'{"at":"2027-01-14T') is None
