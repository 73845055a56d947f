"""What MkDocs calls while it builds the site. See mkdocs.yml.

The pages are those of docs/. Beside them stand a few files of the repository, so that links to them
lead somewhere, and the reference, which is made of the code anew each time.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs_site import api, decisions, program, settings

ROOT = Path(__file__).parents[1]
# What pages lead to or show beyond docs/, and what it is called on the site.
_BESIDE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "data/README.md": "data.md",
    "LICENSE": "LICENSE.txt",
    "src/heyday/web/static/icon.svg": "icon.svg",
}
# A folder has no page of its own in the repository; there its files are listed.
_FOLDERS = {"docs/adr": "adr/index.md"}
_NAMES = {place: name for name, place in _BESIDE.items()}
_LINK = re.compile(r"\]\((?!\w+:|#)([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add what is not in docs/."""
    for name, place in _BESIDE.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / name)))
    description = api.describe()
    made = {
        "adr/index.md": decisions.write_page(ROOT / "docs" / "adr"),
        "reference/settings.md": settings.write_page(),
        "reference/commands.md": program.write_page(),
        "reference/api.md": api.write_page(description),
        "reference/openapi.json": api.write_file(description),
    }
    for place, text in made.items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Have links lead on the site where they lead in the repository."""
    del config, files
    here = page.file.src_uri
    source = _NAMES.get(here, f"docs/{here}")
    return _LINK.sub(lambda found: f"]({_lead(found[1], source, here)}{found[2] or ''})", markdown)


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let what may be wider than a screen scroll by itself, with the keyboard too."""
    del page, config, files
    wide = '<div class="table-wrap" tabindex="0"><table>'
    html = html.replace("<table>", wide).replace("</table>", "</table></div>")
    return html.replace("<pre>", '<pre tabindex="0">')


def _lead(target: str, source: str, here: str) -> str:
    """Return a link of a file of the repository as it is on the site.

    What is not on the site stays as it is, so that a strict build names it.
    """
    meant = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    place = _BESIDE.get(meant) or _FOLDERS.get(meant) or meant.removeprefix("docs/")
    return posixpath.relpath(place, posixpath.dirname(here))
