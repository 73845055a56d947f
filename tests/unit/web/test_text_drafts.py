"""A text as it stands in its form, and what is wrong with it."""

from datetime import UTC, datetime

import pytest

from heyday.domain.errors import FieldProblem
from heyday.domain.text_ports import TextSource
from heyday.services.texts import ShownText
from heyday.texts.ready import dress, find_ready, ready_languages
from heyday.web.text_drafts import Draft, Dress, Flaw, find_flaws

AT = datetime(2027, 1, 14, tzinfo=UTC)


def shown(html: str | None, subject: str | None = "S") -> ShownText:
    return ShownText("BIRTHDAY", "de", TextSource(subject, "Hallo", html), "1", AT)


@pytest.mark.parametrize("language", sorted(ready_languages()))
def test_a_ready_text_is_dressed_as_it_comes(language: str) -> None:
    source = find_ready("BIRTHDAY", language)
    assert source
    draft = Draft.of(ShownText("BIRTHDAY", language, source), source.subject)
    assert draft.dress is Dress.SAME
    assert draft.given(source.subject) == {
        "subject": None,
        "text": source.text,
        "html": source.html,
    }


@pytest.mark.parametrize(
    ("html", "kind"),
    [(None, Dress.NONE), ("<p>", Dress.OWN), (dress("de", "S", "Hallo"), Dress.SAME)],
)
def test_where_html_comes_from_is_seen(html: str | None, kind: Dress) -> None:
    draft = Draft.of(shown(html), None)
    assert draft.dress is kind
    assert draft.given(None) == {"subject": "S", "text": "Hallo", "html": html}


def test_a_form_has_lines_as_texts_have_them() -> None:
    form = {"subject": " S ", "text": "a\r\nb\rc", "dress": "nonsense", "html": 7}
    assert Draft.read("de", form) == Draft("de", "S", "a\nb\nc", Dress.SAME, "")


def test_a_flaw_is_told_with_its_line_and_without_what_stands_beside_it() -> None:
    draft = Draft("de", "S", "Hallo\n  {{ x }}", Dress.NONE, "")
    problems = [FieldProblem("text", "line 2: found x, which is no place (known: places: a; b: c)")]
    assert find_flaws(draft, problems) == [Flaw("text", 2, "found x, which is no place", "{{ x }}")]


@pytest.mark.parametrize("line", [0, 9])
def test_a_line_that_there_is_not_shows_nothing(line: int) -> None:
    draft = Draft("de", "S", "Hallo", Dress.NONE, "")
    assert find_flaws(draft, [FieldProblem("text", f"line {line}: found x")])[0].source == ""


def test_html_that_was_made_of_the_text_blames_the_text() -> None:
    draft = Draft("de", "S", "Hallo", Dress.SAME, "")
    html = FieldProblem("html", "has 60001 characters; at most 60000 are allowed")
    (flaw,) = find_flaws(draft, [html])
    assert (flaw.field, flaw.line) == ("text", None)
    assert "does not do as HTML: has 60001 characters" in flaw.detail
    assert [f.field for f in find_flaws(draft, [FieldProblem("text", "line 1: x"), html])] == [
        "text"
    ]
