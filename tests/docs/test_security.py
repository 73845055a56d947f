"""docs/security.md says what every table of Heyday's keeps."""

from heyday.db.schema import metadata
from tests.docs.pages import code, page

# Named there by what they are, as they are known to those who ask for them.
BY_OTHER_WORDS = {"audit_log", "kept_replies", "replies", "secrets", "suppressions"}


def test_each_table_is_among_what_is_kept() -> None:
    (kept,) = page("docs/security.md").tables("where", "what", "for how long")
    named = {name for row in kept.rows for name in code(row[0])}
    assert metadata.tables.keys() - named <= BY_OTHER_WORDS
