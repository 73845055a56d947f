"""What docs/performance.md says of caching is what was measured."""

import json

import msgspec

from benchmarks.caching import Measured, section
from benchmarks.pages import DOCS


def test_the_published_table_is_that_of_the_figures() -> None:
    figures = json.loads((DOCS / "caching.json").read_text("utf-8"))
    measured = msgspec.convert(figures, Measured)
    assert section(measured) in (DOCS / "performance.md").read_text("utf-8")
