"""What a page names is there: links, anchors, files; and no block of code goes unchecked."""

import re

import pytest

from tests.docs.pages import ROOT, Page, page, pages

PAGES = pages()
PLACES = (ROOT, ROOT / "src" / "heyday", ROOT / "docs")
FILE = re.compile(r"[\w-][\w./-]*(?:/|\.(?:py|md|sql|csv|lock|toml))")
# Each language of a code block is checked by a test of this folder, but for what is only shown.
# What is for bash takes a whole restore to be run: tests/drills/restore.py does.
CHECKED, SHOWN = {"sh", "sql", "python", "bash"}, {"text", "ini"}


def leads_somewhere(this: Page, link: str) -> bool:
    """Tell whether a link within the repository has its file and, if it names one, its heading."""
    target, _, anchor = link.partition("#")
    path = (this.path.parent / target).resolve() if target else this.path
    if not path.exists() or not anchor:
        return path.exists()
    return anchor in page(str(path.relative_to(ROOT))).anchors


@pytest.mark.parametrize("this", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(this: Page) -> None:
    inside = [link for link in this.links if "://" not in link]
    assert [link for link in inside if not leads_somewhere(this, link)] == []


@pytest.mark.parametrize("this", PAGES, ids=lambda p: p.name)
def test_files_that_a_page_names_are_there(this: Page) -> None:
    named = [span for span in this.spans if FILE.fullmatch(span)]
    assert [name for name in named if not any((p / name).exists() for p in PLACES)] == []


@pytest.mark.parametrize("this", PAGES, ids=lambda p: p.name)
def test_every_block_has_a_language_that_is_checked(this: Page) -> None:
    assert this.languages <= CHECKED | SHOWN


@pytest.mark.parametrize("this", PAGES, ids=lambda p: p.name)
def test_lines_are_short_enough_to_read(this: Page) -> None:
    prose = [line for line in this.prose.splitlines() if not line.startswith("|")]
    assert [line for line in prose if len(line) > 100] == []


def test_the_readme_is_read_in_five_minutes() -> None:
    assert len(page("README.md").text.splitlines()) <= 120


def test_the_measures_see_what_they_look_for() -> None:
    this = Page(
        "docs/x.md",
        "# A `b` (c)\n\nSee `x/y.py` and `a\nb` [here](z.md#q).\n\n```sh\nmake run\n```\n\n"
        "| k | v |\n|---|---|\n| `1` | 2 |\n",
    )
    assert this.anchors == {"a-b-c"}
    assert this.spans == ["b", "x/y.py", "a b", "1"]
    assert this.links == ["z.md#q"]
    assert this.blocks("sh") == ["make run\n"]
    assert this.tables("k", "v")[0].rows == (("`1`", "2"),)
