"""CHANGELOG.md is one that programs can read too, and belongs to the version that Heyday has."""

import os
import re
from dataclasses import dataclass
from datetime import date

import pytest
from packaging.version import Version

from heyday import __version__
from tests.docs.pages import page

# The tag that is about to be released, which `make check-release` names.
TAG = os.environ.get("HEYDAY_TEST_TAG")  # noqa: TID251 - it is not known to the checkout
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
HEADING = re.compile(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True)
class Changelog:
    """What changed since the last release, and the releases, newest first."""

    unreleased: str
    releases: list[tuple[Version, date]]


def read(text: str) -> Changelog:
    """Take a changelog apart. Raises AssertionError for one that is not in the usual shape."""
    head, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    assert head.startswith("# Changelog\n")
    unreleased, releases = "", []
    for part in parts:
        heading, _, body = part.partition("\n")
        kinds = re.findall(r"^### (.+)$", body, re.MULTILINE)
        assert set(kinds) <= KINDS, f"{heading} has parts of other kinds: {kinds}"
        assert len(kinds) == len(set(kinds)), f"{heading} has a part twice: {kinds}"
        if heading == "[Unreleased]":
            assert part is parts[0], "[Unreleased] comes first"
            unreleased = body.strip()
            continue
        match = HEADING.fullmatch(heading)
        assert match, f"expected [1.2.3] - 2027-01-14, not {heading}"
        assert kinds, f"{heading} says nothing"
        releases.append((Version(match[1]), date.fromisoformat(match[2])))
    assert releases == sorted(releases, reverse=True), "the newest comes first"
    return Changelog(unreleased, releases)


def check(text: str, version: str, tag: str | None = None) -> None:
    """Fail unless the version is the newest release, or with changes to come a later one."""
    changelog = read(text)
    last = changelog.releases[0][0] if changelog.releases else None
    if tag is not None:
        assert tag == f"v{version}", f"{tag} is not the tag of {version}"
        assert last == Version(version), f"the newest release of CHANGELOG.md is {last}"
        assert not changelog.unreleased, "what is [Unreleased] belongs under the version"
    elif changelog.unreleased:
        assert last is None or Version(version) > last, f"{last} is out: raise the version"
    else:
        assert last == Version(version), f"the newest release of CHANGELOG.md is {last}"


def test_the_version_is_that_of_the_changelog() -> None:
    check(page("CHANGELOG.md").text, __version__, TAG)


COMING = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- This.\n\n"
OUT = "## [0.2.0] - 2027-01-14\n\n### Fixed\n\n- That.\n"
OLDER = "## [0.1.0] - 2026-12-01\n\n### Added\n\n- All.\n"
EMPTY = "# Changelog\n\n## [Unreleased]\n\n"


@pytest.mark.parametrize(
    ("text", "version", "tag"),
    [
        (COMING, "0.1.0", None),
        (COMING + OUT + OLDER, "0.3.0", None),
        (EMPTY + OUT, "0.2.0", None),
        (EMPTY + OUT + OLDER, "0.2.0", "v0.2.0"),
    ],
)
def test_a_right_one_passes(text: str, version: str, tag: str | None) -> None:
    check(text, version, tag)


@pytest.mark.parametrize(
    ("text", "version", "tag", "said"),
    [
        (COMING + OUT, "0.2.0", None, "raise the version"),
        (EMPTY + OUT, "0.3.0", None, "newest release"),
        (EMPTY + OUT, "0.2.0", "v0.2.1", "not the tag"),
        (COMING + OUT, "0.2.0", "v0.2.0", "belongs under"),
        (COMING, "0.1.0", "v0.1.0", "newest release"),
        (EMPTY + OLDER + OUT, "0.2.0", None, "newest comes first"),
        (EMPTY + OUT.replace("Fixed", "Mended"), "0.2.0", None, "other kinds"),
        (EMPTY + OUT.replace("2027-01-14", "soon"), "0.2.0", None, "expected"),
        (EMPTY + OUT + "\n### Fixed\n", "0.2.0", None, "twice"),
    ],
)
def test_a_wrong_one_is_found(text: str, version: str, tag: str | None, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check(text, version, tag)
