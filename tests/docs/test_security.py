"""docs/security.md says what every table of Heyday's keeps."""

from heyday.db.schema import metadata
from tests.docs.pages import code, page


def test_each_table_is_among_what_is_kept() -> None:
    (kept,) = page("docs/security.md").tables("where", "what", "for how long")
    named = {name for row in kept.rows for name in code(row[0])}
    assert metadata.tables.keys() - named == set()
