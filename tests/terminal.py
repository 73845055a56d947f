"""Run the whole program as somebody at a terminal would, within the test's own process."""

import pytest

from heyday.cli.app import main


def refusal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> str:
    """Run the program, which must refuse with status 2; return what it said."""
    monkeypatch.setattr("sys.argv", ["heyday", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    return capsys.readouterr().err
