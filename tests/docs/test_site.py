"""The site: everything is on it, nothing comes from elsewhere, and it reads as the repository."""

import json
import re
import shutil
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from litestar import Litestar
from markdown_it import MarkdownIt

from heyday.domain.message_types import MESSAGE_TYPES
from heyday.settings import Settings
from heyday.settings.by_sender import OwnOfSender, sender_prefix
from heyday.settings.by_type import TypePolicies, prefix_of
from heyday.settings.choices import SenderName
from tests.built_site import BUILD, build
from tests.docs.pages import ROOT, Page, page, pages
from tests.program import whole_program

HERE = "http://here/"
# What browsers fetch by themselves, unlike the target of a link.
FETCHED = {"img", "script", "source", "iframe", "video", "audio", "embed", "input", "track"}
# What a page consists of. Links are more on the site, by one to each heading.
SHAPES = ("h1", "h2", "h3", "p", "li", "tr", "td", "pre", "code", "strong", "em", "img")
STANDS_FOR = {"README.md": "index.html", "CHANGELOG.md": "changelog/index.html"}


class Seen(HTMLParser):
    """Count the tags of a page, and note its anchors, its links, and what it has fetched."""

    def __init__(self, text: str, *, within: str = "") -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        start = text.find(f"<{within}>") if within else 0
        self.feed(text[start : text.find(f"</{within}>") if within else None])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one tag."""
        found = {name: value or "" for name, value in attrs}
        self.tags[tag] += 1
        self.anchors.add(found.get("id", ""))
        if tag == "a":
            self.links.append(found.get("href", ""))
        elif tag == "link" or tag in FETCHED:
            self.fetched += [found[name] for name in ("src", "href", "srcset") if name in found]
        self.fetched += re.findall(r"url\(([^)]*)\)", found.get("style", ""))


def place_of(this: Page) -> str:
    """Return the file of a page on the site."""
    place = this.name.removeprefix("docs/").removesuffix(".md") + "/index.html"
    return STANDS_FOR.get(this.name, place)


def pages_of(site: Path) -> dict[str, Seen]:
    return {
        str(path.relative_to(site)): Seen(path.read_text("utf-8")) for path in site.rglob("*.html")
    }


def goal(of: str, link: str) -> tuple[str, str]:
    """Return the file, from the root of the site, and the anchor that a link of a file leads to."""
    parts = urlsplit(urljoin(HERE + of, link))
    path = parts.path.lstrip("/")
    return (path + "index.html" if not path or path.endswith("/") else path), parts.fragment


def fetched_from_elsewhere(of: str, seen: Seen) -> list[str]:
    return [each for each in seen.fetched if not urljoin(HERE + of, each).startswith(HERE)]


def test_a_broken_link_a_missing_heading_and_a_forgotten_page_end_the_build(tmp_path: Path) -> None:
    assert f"$(BIN)/python {' '.join(BUILD)}\n" in (ROOT / "Makefile").read_text("utf-8")
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    (tmp_path / "docs" / "forgotten.md").write_text("# Forgotten\n", "utf-8")
    with (tmp_path / "docs" / "time.md").open("a", encoding="utf-8") as page_of_time:
        page_of_time.write("\n[a](nowhere.md) [b](setup.md#nowhere)\n")
    config = tmp_path / "mkdocs.yml"
    config.write_text(
        f"INHERIT: {ROOT}/mkdocs.yml\ndocs_dir: {tmp_path}/docs\nhooks: [{ROOT}/docs_site/hooks.py]"
        f"\nwatch: []\ntheme: {{custom_dir: {ROOT}/docs_site/theme}}\n",
        "utf-8",
    )
    done = build(tmp_path / "site", "--config-file", str(config))
    assert done.returncode != 0
    assert "- forgotten.md" in done.stderr
    assert "a link 'nowhere.md'" in done.stderr
    assert "does not contain an anchor '#nowhere'" in done.stderr


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    found = pages_of(site)
    assert len(found) > 70
    wrong = {of: fetched_from_elsewhere(of, seen) for of, seen in found.items()}
    assert {of: urls for of, urls in wrong.items() if urls} == {}
    missing = {goal(of, each)[0] for of, seen in found.items() for each in seen.fetched}
    assert [place for place in missing if not (site / place).is_file()] == []
    for path in [*site.rglob("*.css"), *site.rglob("*.svg")]:
        assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", path.read_text("utf-8")), path


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/css">',
        '<img alt="" src="http://example.com/pixel.png">',
        '<p style="background: url(https://example.com/x.png)">',
    ],
)
def test_the_measure_sees_what_comes_from_elsewhere(tag: str) -> None:
    assert len(fetched_from_elsewhere("a/index.html", Seen(tag))) == 1
    assert not fetched_from_elsewhere("a/index.html", Seen('<img alt="" src="../x.png">'))


def test_every_link_of_the_site_leads_somewhere_on_it(site: Path) -> None:
    found = pages_of(site)
    wrong = []
    for of, seen in found.items():
        for link in seen.links:
            if urlsplit(link).scheme:
                continue
            place, anchor = goal(of, link)
            if not (site / place).is_file() or (anchor and anchor not in found[place].anchors):
                wrong.append((of, link))
    assert wrong == []


@pytest.mark.parametrize("this", pages(), ids=lambda p: p.name)
def test_a_page_reads_on_the_site_as_in_the_repository(site: Path, this: Page) -> None:
    expected = Seen(MarkdownIt("commonmark").enable("table").render(this.text)).tags
    shown = Seen((site / place_of(this)).read_text("utf-8"), within="main").tags
    # The last paragraph leads to the pages before and after.
    shown["p"] -= 1
    assert {tag: shown[tag] for tag in SHAPES} == {tag: expected[tag] for tag in SHAPES}


# --- The reference ---------------------------------------------------------------------------


def test_every_setting_is_in_the_reference(site: Path) -> None:
    anchors = Seen((site / "reference/settings/index.html").read_text("utf-8")).anchors
    assert {str(field.alias).lower() for field in Settings.model_fields.values()} <= anchors


def test_every_command_is_in_the_reference(site: Path) -> None:
    text = (site / "reference/commands/index.html").read_text("utf-8")
    names = [name for name, _ in whole_program()]
    assert len(names) > 30
    assert {name.replace(" ", "-") for name in names} <= Seen(text).anchors
    assert [name for name in names if f"Usage: {name} " not in text] == []


async def test_the_reference_of_the_api_is_what_is_served(site: Path, app: Litestar) -> None:
    description = json.loads((site / "reference/openapi.json").read_text("utf-8"))
    served = json.loads(json.dumps(app.openapi_schema.to_schema()))
    assert description["paths"] == served["paths"]
    assert description["components"] == served["components"]
    text = (site / "reference/api/index.html").read_text("utf-8")
    calls = [f"{m.upper()} {path}" for path, item in served["paths"].items() for m in item]
    assert len(calls) > 45
    assert [call for call in calls if f"<code>{call}</code>" not in text] == []
    anchors = Seen(text).anchors
    assert {name.lower() for name in served["components"]["schemas"]} <= anchors


def test_every_decision_is_in_the_list_of_decisions(site: Path) -> None:
    links = Seen((site / "adr/index.html").read_text("utf-8"), within="main").links
    names = {path.stem for path in (ROOT / "docs" / "adr").glob("*.md")}
    assert names <= {goal("adr/index.html", link)[0].split("/")[1] for link in links}


@pytest.mark.parametrize(
    "name", ["README.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_a_setting_that_a_page_names_is_there(name: str) -> None:
    known = {str(field.alias) for field in Settings.model_fields.values()}
    known |= {
        prefix_of(t.name) + n.upper() for t in MESSAGE_TYPES for n in TypePolicies.model_fields
    }
    known |= {sender_prefix(s) + n.upper() for s in SenderName for n in OwnOfSender.model_fields}
    # In a program of the reader's own.
    theirs = {"HEYDAY_KEY", "HEYDAY_URL"} if name == "docs/api.md" else set()
    assert set(re.findall(r"\bHEYDAY_\w+\b", page(name).text)) - theirs <= known
