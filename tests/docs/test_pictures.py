"""The pictures of docs/texts.md are there, small, and can be taken anew."""

from pathlib import Path

import pytest

from tests.docs.pages import page
from tests.docs.pictures import PICTURES, Picture, find_browser, take
from tests.servers import missing

PNG = b"\x89PNG\r\n"


@pytest.mark.parametrize("picture", PICTURES, ids=lambda p: p.language)
def test_a_picture_is_small_and_shown(picture: Picture) -> None:
    data = picture.path.read_bytes()
    assert data.startswith(PNG)
    assert len(data) < 60_000
    assert f"({picture.path.name})" in page("docs/texts.md").text


def test_a_picture_can_be_taken(tmp_path: Path) -> None:
    browser = find_browser() or missing("Chromium", "apt install chromium")
    target = tmp_path / "x.png"
    take(browser, PICTURES[0], target)
    assert target.read_bytes().startswith(PNG)
