import os
import subprocess
from pathlib import Path

import pytest

from heyday.db.embedded import launch

NOBODY = 65534
STATUS = Path("/proc/self/status")
# Docker, for one, withholds CAP_DAC_READ_SEARCH from root.
MAY_READ_SEARCH = STATUS.exists() and any(
    int(line.split()[1], 16) & 1 << 2
    for line in STATUS.read_text().splitlines()
    if line.startswith("CapPrm:")
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change account")


def run(argv: list[str], needed: list[Path]) -> "subprocess.CompletedProcess[str]":
    command = launch.as_account(argv, NOBODY, NOBODY, needed)
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


@needs_root
def test_the_program_runs_as_the_account_and_nothing_more():
    shown = run(["/usr/bin/id"], []).stdout
    assert shown.startswith(f"uid={NOBODY}")
    assert "(root)" not in shown


@needs_root
@pytest.mark.skipif(not MAY_READ_SEARCH, reason="root may not hand on reading alone here")
def test_a_file_in_a_closed_folder_can_be_read_but_not_written(tmp_path: Path):
    tmp_path.chmod(0o700)
    secret = tmp_path / "secret"
    secret.write_text("text")
    secret.chmod(0o600)
    tool = Path("/bin/cat")
    assert run([str(tool), str(secret)], [tool, tmp_path]).stdout == "text"
    written = run(["/bin/sh", "-c", f"echo x > {secret}"], [tool, tmp_path])
    assert written.returncode != 0
    assert secret.read_text() == "text"


@needs_root
@pytest.mark.skipif(not STATUS.exists(), reason="capabilities are Linux's")
def test_no_capability_is_kept_where_none_is_needed():
    tool = Path("/bin/cat")
    shown = run([str(tool), str(STATUS)], [tool]).stdout
    kept = [line.split() for line in shown.splitlines() if line.startswith(("CapPrm", "CapAmb"))]
    assert kept == [["CapPrm:", "0" * 16], ["CapAmb:", "0" * 16]]


@needs_root
def test_what_is_missing_is_reported_as_out_of_reach(tmp_path: Path):
    done = run(["/usr/bin/id"], [tmp_path / "missing"])
    assert done.returncode == 1
    assert f"as user {NOBODY}, who cannot read {tmp_path}/missing" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may change account")
def test_who_is_not_root_is_told_so():
    done = run(["/usr/bin/id"], [])
    assert done.returncode == 1
    assert f"may not become user {NOBODY}" in done.stderr
