"""Every template can be read, and every word in it can be translated."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
from jinja2 import Environment

from heyday.web.shell import make_environment

TEMPLATES = sorted(Path(str(files("heyday.web"))).joinpath("templates").glob("*.html"))
# What a reader sees, or hears, of a tag besides what stands between tags.
SPOKEN = re.compile(r"\b(?:aria-label|alt|title|placeholder)=[\"']([^\"'<>]*)[\"']")
TAG = re.compile(r"<[^<>]*>")
WORD = re.compile(r"[^\W\d_]{2,}")
# Names, and units that are written the same everywhere.
NAMES = {"Heyday", "PostgreSQL", "Python", "UTC"}
# What a template does not hold itself goes through `translate`, which leaves it to be escaped.
UNESCAPED = re.compile(r"(?<!n)gettext\(|(?<!\w)_\((?![\"'])|\|\s*safe\b|Markup")
INLINE = re.compile(
    r"<style|\sstyle=|<script(?![^>]*\bsrc=)|\son[a-z]+=|javascript:", re.IGNORECASE
)


FORM = re.compile(r"<form\b[^>]*method=[\"']?post[^>]*>(.*?)</form>", re.IGNORECASE | re.DOTALL)
# The door has no session yet to prove anything by; its form is told by where it goes to.
PROOF = re.compile(r'\s*(\{\{ (parts\.)?csrf\(\) \}\}|<input type="hidden" name="csrf_token")')
DOOR = 'action="/sign-in"'


def unproven_forms(source: str) -> list[str]:
    """Return the forms that change something and do not begin with the proof of their session."""
    return [
        form[0]
        for form in FORM.finditer(source)
        if DOOR not in form[0] and not PROOF.match(form[1])
    ]


@pytest.fixture
def environment() -> Environment:
    """What templates are rendered with."""
    return make_environment()


def bare_words(environment: Environment, source: str) -> set[str]:
    """Return the words that a reader sees and no translation reaches."""
    inside, kept = 0, []
    for _, kind, text in environment.lex(source):
        if kind == "name" and text in {"trans", "endtrans"}:
            inside = text == "trans"
        # A value stands for itself, so that a tag around it stays whole.
        kept.append(text if kind == "data" and not inside else "." if kind != "data" else "")
    markup = "".join(kept)
    entities = re.sub(r"&\w+;", " ", markup)
    seen = [TAG.sub(" ", entities), *SPOKEN.findall(entities)]
    return {word for text in seen for word in WORD.findall(text)} - NAMES


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_word_can_be_translated(environment: Environment, path: Path) -> None:
    assert bare_words(environment, path.read_text()) == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_nothing_is_inline_that_the_policy_would_stop(path: Path) -> None:
    assert INLINE.findall(path.read_text()) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_only_our_own_words_are_taken_for_markup(path: Path) -> None:
    assert UNESCAPED.findall(path.read_text()) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_can_be_compiled(environment: Environment, path: Path) -> None:
    assert environment.get_template(path.name).name == path.name


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_form_begins_with_its_proof(path: Path) -> None:
    # The gate reads a form no further: a file that comes after it may be long.
    assert unproven_forms(path.read_text()) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>Hello {{ name }}</p>", {"Hello"}),
        ('<p>{{ _("Hello") }}</p>', set()),
        ("<p>{% trans %}Hello <b>you</b>{% endtrans %} there</p>", {"there"}),
        ('<img alt="A cake">', {"cake"}),
        ('<a class="button quiet" href="/people">&rarr;</a>', set()),
    ],
)
def test_the_measure_sees_bare_words(
    environment: Environment, source: str, words: set[str]
) -> None:
    assert bare_words(environment, source) == words


@pytest.mark.parametrize("source", ["gettext(title)", "_(name)", "{{ name | safe }}"])
def test_the_measure_sees_what_is_not_escaped(source: str) -> None:
    assert UNESCAPED.search(source)


@pytest.mark.parametrize("source", ['<p style="x">', "<script>1</script>", '<a onclick="x">'])
def test_the_measure_sees_what_is_inline(source: str) -> None:
    assert INLINE.search(source)


@pytest.mark.parametrize(
    ("source", "is_proven"),
    [
        ('<form method="post" action="/x">\n{{ parts.csrf() }}<input name="a"></form>', True),
        ('<form method="post"><input name="a">{{ parts.csrf() }}</form>', False),
        ("<form action='/x' method=POST><button>Go</button></form>", False),
        ('<form action="/x"><button>Look</button></form>', True),
    ],
)
def test_the_measure_sees_forms_without_a_proof(source: str, *, is_proven: bool) -> None:
    assert (unproven_forms(source) == []) == is_proven
