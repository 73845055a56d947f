import sys
from pathlib import Path

import pytest

from heyday.db.embedded.cluster import EmbeddedConfig
from heyday.db.embedded.server import EmbeddedServer
from heyday.domain.errors import EmbeddedServerError


def test_windows_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(EmbeddedServerError, match=r"Windows.*DATABASE_URL.*WSL"):
        EmbeddedServer(EmbeddedConfig(tmp_path)).start_blocking()


def test_leaving_a_server_that_was_never_started_is_harmless(tmp_path: Path):
    EmbeddedServer(EmbeddedConfig(tmp_path)).stop_blocking()
    assert list(tmp_path.iterdir()) == []
