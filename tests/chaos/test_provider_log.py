"""What is read of a provider's log is whole, also while it is written."""

from pathlib import Path

from tests.chaos.provider import read_log

LINE = (
    '{"key": "k", "email": "ada@example.com", "message": "Hey", "act": "accept", "accepted": 1, '
    '"received_at": "2027-01-15T09:00:00+00:00", "together": 1}'
)


def test_a_line_that_is_not_whole_yet_is_left_for_the_next_time(tmp_path: Path) -> None:
    log = tmp_path / "provider.log"
    log.write_text(f"{LINE}\n{LINE[:100]}", "utf-8")
    assert [request.key for request in read_log(log)] == ["k"]
    log.write_text(f"{LINE}\n{LINE}\n", "utf-8")
    assert len(list(read_log(log))) == 2
