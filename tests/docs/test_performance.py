"""Each program of benchmarks/ writes its own sections of the page and leaves the others alone."""

from benchmarks.page import replaced
from tests.docs.pages import ROOT

PAGE = "# Title\n\nHead.\n\n## One\n\nFirst.\n\n### Part\n\nOf one.\n\n## Two\n\nSecond.\n"


def test_a_section_is_replaced_and_the_others_stay() -> None:
    written = replaced(PAGE, {"One": "\nAnew.\n"})
    assert written == "# Title\n\nHead.\n\n## One\n\nAnew.\n\n## Two\n\nSecond.\n"


def test_a_new_section_comes_last() -> None:
    assert replaced(PAGE, {"Three": "Third."}) == f"{PAGE}\n## Three\n\nThird.\n"


def test_the_page_is_as_it_would_be_written() -> None:
    text = (ROOT / "docs" / "performance.md").read_text("utf-8")
    assert replaced(text, {}) == text
