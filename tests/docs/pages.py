"""Read the pages of the documentation: their code blocks, tables, code spans and links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATHS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_ROW = re.compile(r"^\|(.+)\|$")


@dataclass(frozen=True, slots=True)
class Table:
    """Hold a table, and the heading it stands under."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Hold one page by its path from the root of the repository."""

    name: str
    text: str

    @property
    def path(self) -> Path:
        """Return where it lies."""
        return ROOT / self.name

    @property
    def prose(self) -> str:
        """Return the text without its code blocks."""
        return _BLOCK.sub("", self.text)

    @property
    def spans(self) -> list[str]:
        """Return what stands between backticks in the prose; a line break counts as a blank."""
        return [" ".join(span.split()) for span in _SPAN.findall(self.prose)]

    @property
    def links(self) -> list[str]:
        """Return the targets of links."""
        return _LINK.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """Return the anchors of the headings, as web pages of repositories make them."""
        headings = (heading.lower() for heading in _HEADING.findall(self.prose))
        return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}

    def blocks(self, language: str) -> list[str]:
        """Return the code blocks in one language."""
        return [code for found, code in _BLOCK.findall(self.text) if found == language]

    @property
    def languages(self) -> set[str]:
        """Return the languages of the code blocks; "" for a block that names none."""
        return {language for language, _ in _BLOCK.findall(self.text)}

    def tables(self, *columns: str) -> list[Table]:
        """Return the tables whose header names these columns, in order."""
        return [table for table in self._tables() if table.columns == columns]

    def _tables(self) -> Iterator[Table]:
        heading, rows = "", []
        for line in [*self.prose.splitlines(), ""]:
            if row := _ROW.match(line):
                rows.append(tuple(cell.strip() for cell in row.group(1).split("|")))
                continue
            if rows:
                yield Table(heading, rows[0], tuple(rows[2:]))
                rows = []
            if line.startswith("#"):
                heading = line.lstrip("# ")


def page(name: str) -> Page:
    """Return one page."""
    return Page(name, (ROOT / name).read_text("utf-8"))


def pages() -> list[Page]:
    """Return every page for people who run or change Heyday."""
    return [page(str(path.relative_to(ROOT))) for path in PATHS]


def code(cell: str) -> list[str]:
    """Return what stands between backticks in a cell."""
    return _SPAN.findall(cell)
