from pathlib import Path

import pytest

from heyday.db.embedded.binaries import find_binaries, find_installed_servers, has_library
from heyday.domain.errors import EmbeddedServerError


def install(folder: Path, *programs: str) -> Path:
    folder.mkdir(parents=True)
    for program in programs:
        (folder / program).touch()
    return folder


def test_a_given_folder_is_used(tmp_path: Path):
    given = install(tmp_path / "bin", "postgres", "initdb")
    assert find_binaries(given) == given


def test_a_given_folder_without_the_programs_is_refused_not_replaced(tmp_path: Path):
    given = install(tmp_path / "bin", "postgres")
    with pytest.raises(EmbeddedServerError, match=r"initdb\) in .*/bin; .*set DATABASE_URL"):
        find_binaries(given)


def test_without_one_the_wheel_serves():
    found = find_binaries()
    assert found.name == "bin"
    assert (found / "initdb").is_file()


def test_installed_servers_come_oldest_first(tmp_path: Path):
    for version in ("9.6", "18", "15"):
        install(tmp_path / version / "bin", "postgres")
    install(tmp_path / "17" / "bin", "psql")
    found = [path.parent.name for path in find_installed_servers(tmp_path)]
    assert found == ["9.6", "15", "18"]


def test_a_library_is_found_in_either_place(tmp_path: Path):
    flat, nested = tmp_path / "flat" / "bin", tmp_path / "nested" / "bin"
    install(flat.parent / "lib", "pg_trgm.so")
    install(nested.parent / "lib" / "postgresql", "pg_trgm.dylib")
    assert has_library(flat, "pg_trgm")
    assert has_library(nested, "pg_trgm")
    assert not has_library(flat, "pg_stat_statements")
    assert not has_library(tmp_path / "missing" / "bin", "pg_trgm")
