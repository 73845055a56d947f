"""Take the pictures of docs/texts.md: greetings as a browser shows them. `make pictures`."""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from heyday.domain.text_ports import UNSUBSCRIBE_PLACE, Person
from heyday.texts.book import Book
from heyday.texts.samples import sample_name
from tests.docs.pages import ROOT

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_ON = date(2027, 6, 14)
_COMPANY = "Northwind"


@dataclass(frozen=True, slots=True)
class Picture:
    """Name one picture: which greeting, in which language, on a dark screen or a light one."""

    message_type: str
    language: str
    is_dark: bool = False

    @property
    def path(self) -> Path:
        """Return where it lies."""
        return ROOT / "docs" / f"texts-{self.language}.png"


PICTURES = (
    Picture("ANNIVERSARY", "de"),
    Picture("BIRTHDAY", "ar"),
    Picture("ANNIVERSARY", "ja", is_dark=True),
)


def find_browser() -> str | None:
    """Return the program that takes pictures; None if there is none here."""
    return next((found for name in _PROGRAMS if (found := shutil.which(name))), None)


def take(browser: str, picture: Picture, target: Path) -> None:
    """Write a greeting as the browser shows it, as PNG."""
    person = Person(*sample_name(picture.language), 10)
    made = Book(company=_COMPANY).compose(picture.message_type, picture.language, _ON, person)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "greeting.html"
        page.write_text((made.html or "").replace(UNSUBSCRIBE_PLACE, "#"), "utf-8")
        subprocess.run(
            [
                browser,
                "--headless",
                "--disable-gpu",
                "--hide-scrollbars",
                "--window-size=600,390",
                f"--user-data-dir={folder}/profile",
                f"--screenshot={target}",
                *(["--blink-settings=preferredColorScheme=0"] if picture.is_dark else []),
                # Its own sandbox is not for root, whom CI runs as; the page is ours.
                *(["--no-sandbox"] if os.geteuid() == 0 else []),
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )


def main() -> None:
    """Take every picture."""
    browser = find_browser()
    if browser is None:
        sys.exit("No Chromium is here. On Debian: apt install chromium fonts-noto-core "
                 "fonts-noto-cjk")  # fmt: skip
    for picture in PICTURES:
        take(browser, picture, picture.path)
        print(f"{picture.path.relative_to(ROOT)}: {picture.path.stat().st_size} bytes")  # noqa: T201 - what was asked for


if __name__ == "__main__":
    main()
