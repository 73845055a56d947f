from pathlib import Path

from heyday.db.embedded.filelock import FileLock


def test_many_share_and_none_of_them_excludes_the_others(tmp_path: Path):
    path = tmp_path / "lock"
    with FileLock(path) as one, FileLock(path) as two:
        one.share()
        two.share()
        assert not two.is_taken_at_once()
        assert one.is_taken_at_once(), "two gave up its share when it tried"


def test_taking_waits_until_the_other_lets_go(tmp_path: Path):
    path = tmp_path / "lock"
    waits: list[float] = []
    other = FileLock(path)
    other.share()

    def pause(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            other.release()

    with FileLock(path) as lock:
        lock.take(pause)
        assert len(waits) == 2
        assert not FileLock(path).is_taken_at_once()


def test_releasing_twice_is_harmless(tmp_path: Path):
    lock = FileLock(tmp_path / "lock")
    lock.release()
    lock.release()
