import os
import pwd
import stat
from pathlib import Path

import pytest

from heyday.db.embedded.accounts import Account, make_folders, open_private, server_account

IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root may give files away")


@pytest.mark.skipif(IS_ROOT, reason="root has to change account")
def test_an_ordinary_user_runs_the_server_as_itself(tmp_path: Path):
    assert server_account(tmp_path) is None


@needs_root
def test_root_runs_the_server_as_nobody(tmp_path: Path):
    account = server_account(tmp_path)
    assert account is not None
    assert account.uid == pwd.getpwnam("nobody").pw_uid


@needs_root
def test_root_runs_the_server_as_the_owner_of_the_folder_or_of_older_data(tmp_path: Path):
    owner = next(user for user in pwd.getpwall() if user.pw_uid != 0)
    os.chown(tmp_path, owner.pw_uid, owner.pw_gid)
    assert server_account(tmp_path) == Account(owner.pw_uid, owner.pw_gid)
    (tmp_path / "data").mkdir()
    os.chown(tmp_path / "data", 54321, 54322)
    assert server_account(tmp_path) == Account(54321, 54322)


@needs_root
def test_an_owner_whom_this_machine_does_not_know_cannot_make_data(tmp_path: Path):
    os.chown(tmp_path, 54321, 54322)
    account = server_account(tmp_path)
    assert account is not None
    assert account.uid not in {0, 54321}


@needs_root
def test_what_root_makes_belongs_to_the_owner_of_the_folder_above(tmp_path: Path):
    os.chown(tmp_path, 54321, 54322)
    deep = tmp_path / "a" / "b"
    make_folders(deep)
    os.close(open_private(deep / "file", os.O_RDWR))
    for path in (deep.parent, deep, deep / "file"):
        assert (path.stat().st_uid, path.stat().st_gid) == (54321, 54322)


def test_folders_that_exist_stay_as_they_are(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o711)
    make_folders(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o711
    make_folders(tmp_path / "a" / "b")


def test_a_private_file_is_for_its_owner_only(tmp_path: Path):
    os.close(open_private(tmp_path / "file", os.O_RDWR))
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_a_link_is_not_followed(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="link"):
        open_private(tmp_path / "link", os.O_RDWR)
    assert not (tmp_path / "elsewhere").exists()
