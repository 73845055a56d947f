"""What a text may hold: everything else is refused, quickly, with its line and what is known."""

import gc
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from heyday.domain.errors import TextFailed, TextRefused
from heyday.domain.text_ports import TextSource
from heyday.texts.book import Book
from heyday.texts.template import LARGEST, Malformed, Unknown, make_template, size_of

HOSTILE: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "hostile.json").read_text("utf-8")
)
# CPU time, so that whatever else the machine does counts for nothing.
WITHIN = 0.1


@pytest.fixture(autouse=True)
def _heap_set_aside() -> Iterator[None]:
    """Keep what other tests have left in memory from being gone through while time counts."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def source_of(entry: dict[str, Any]) -> str:
    """Return the text of an entry: as it stands, or a part of it repeated."""
    if "source" in entry:
        return str(entry["source"])
    before, again, times, after = entry["repeat"]
    return f"{before}{again * times}{after}"


def as_source(text: str, part: str) -> TextSource:
    return TextSource(
        text if part == "subject" else "Hey",
        text if part == "text" else "Hey",
        text if part == "html" else None,
    )


def problems(text: str, part: str = "text", message_type: str = "BIRTHDAY") -> list[str]:
    with pytest.raises(TextRefused) as refused:
        Book().check(message_type, "en", as_source(text, part))
    assert {p.field for p in refused.value.problems} == {part}
    return [p.detail for p in refused.value.problems]


def test_the_corpus_is_large_and_names_each_once():
    assert len(HOSTILE) >= 80
    assert len({entry["name"] for entry in HOSTILE}) == len(HOSTILE)


@pytest.mark.parametrize("entry", HOSTILE, ids=lambda entry: entry["name"])
def test_what_is_hostile_is_refused_at_once(entry: dict[str, Any]):
    book, source = Book(), as_source(source_of(entry), entry.get("part", "text"))
    started = time.process_time()
    with pytest.raises(TextRefused):
        book.check("BIRTHDAY", "en", source)
    assert time.process_time() - started < WITHIN


@pytest.mark.parametrize("part", ["text", "html"])
@pytest.mark.parametrize(
    "source",
    [
        "{{ first_name }}" * 300,
        "x" * LARGEST,
        "\n" * (LARGEST - 1) + "x",
        "{% if years %}{% elif years %}" + "{% elif years == 1 %}" * 250 + "{% endif %}x",
        "{% if years in [" + "1," * 700 + "] %}x{% else %}y{% endif %}",
        "<" * LARGEST,
        "<!--" * (LARGEST // 4),
    ],
)
def test_the_largest_that_is_taken_is_taken_as_quickly(source: str, part: str):
    started = time.process_time()
    make_template(source, "BIRTHDAY", "en", part)
    assert time.process_time() - started < WITHIN


def test_a_fault_names_line_what_was_found_and_what_is_known():
    assert problems("Hey,\n\n{{ frist_name }}") == [
        (
            "line 3: found frist_name, which is no place (known: places: first_name, last_name, "
            "full_name, date, company, unsubscribe_link, years, age; filters: upper, lower, "
            "capitalize, initial, trim; functions: plural, ordinal)"
        )
    ]


def test_all_faults_are_named_up_to_five():
    found = problems("\n".join(f"{{{{ x{number} }}}}" for number in range(9)))
    assert [detail.partition(",")[0] for detail in found] == [
        f"line {n}: found x{n - 1}" for n in range(1, 6)
    ]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("Hey {first_name}", "line 1: found {first_name} in single braces; write {{ first_name }}"),
        ("\n{{ years }}", "line 2: found years, which is not known for everybody; put it between"),
        ("{% for x in 'a' %}{% endfor %}", "line 1: found {% for %}, which no text may have"),
        ("{{ first_name.upper() }}", "line 1: found a call of something else than plural()"),
        ("{{ first_name|uper }}", "line 1: found |uper, which is no filter"),
        ("a\n{{ first_name", "line 2: found what cannot be read: unexpected end of template"),
        ("a\n\n{% if years %}", "line 3: found what cannot be read:"),
        ("{{ '\\d' }}", ""),
        ("{% if years %}{{ plural(years, other='x') }}{% endif %}", "plural() without one; in en"),
        (
            "{% if years %}{{ plural(years, one='a', other='b', few='c') }}{% endif %}",
            "line 1: found few; in en it counts: one, other",
        ),
        ("a\n\ufdd0", "line 2: found the character U+FDD0, which no text may hold"),
        ("   ", "says nothing at all"),
        ("{% if years %}Hey{% endif %}", "says nothing at all"),
        ("{% if first_name == 5 %}a{% endif %}b", "found a number compared with a text"),
        ("{% if years in 5 %}a{% endif %}b", "found `in` without a list"),
    ],
)
def test_a_slip_is_explained(source: str, said: str):
    assert said in problems(source)[0]


def test_age_is_for_birthdays_alone():
    source = "{% if age %}{{ age }}{% endif %}!"
    Book().check("BIRTHDAY", "en", as_source(source, "text"))
    assert "found age, which is no place" in problems(source, message_type="ANNIVERSARY")[0]


@pytest.mark.parametrize(
    "test",
    [
        "years",
        "years == 3",
        "years > 3",
        "3 < years",
        "1 < years < 9",
        "years in [1, 2]",
        "not not years",
        "years and first_name",
        "years or years == 0",
        "not (not years or first_name)",
        "not years != 3",
        "not (years not in [3])",
    ],
)
def test_years_may_be_shown_where_a_condition_tells_that_they_are_known(test: str):
    made = make_template(f"{{% if {test} %}}{{{{ years }}}}{{% endif %}}", "BIRTHDAY", "en")
    assert made.render({"years": Unknown(), "first_name": "Ada"}) == ""


@pytest.mark.parametrize(
    "test",
    [
        "not years",
        "years != 3",
        "years not in [3]",
        "not years == 3",
        "years or first_name",
        "not (years and first_name)",
        "not (1 < years < 9)",
        "first_name",
    ],
)
def test_years_may_not_be_shown_where_it_does_not(test: str):
    with pytest.raises(Malformed, match="years, which is not known for everybody"):
        make_template(f"{{% if {test} %}}{{{{ years }}}}{{% endif %}}", "BIRTHDAY", "en")


def test_years_may_be_shown_after_a_condition_that_holds_where_they_are_not_known():
    source = "{% if not years %}a{% elif first_name %}{{ years }}{% else %}{{ years }}{% endif %}"
    made = make_template(source, "BIRTHDAY", "en")
    assert made.render({"years": Unknown(), "first_name": "Ada"}) == "a"
    assert made.render({"years": 7, "first_name": "Ada"}) == "7"


def test_in_html_all_that_is_filled_in_is_escaped_and_in_text_nothing_is():
    values = {"first_name": "<b>&\"'"}
    html = make_template("<p>{{ first_name }}</p>", "BIRTHDAY", "en", "html")
    assert html.render(values) == "<p>&lt;b&gt;&amp;&#34;&#39;</p>"
    assert make_template("{{ first_name }}", "BIRTHDAY", "en").render(values) == "<b>&\"'"


@pytest.mark.parametrize(
    ("language", "name", "shown"),
    [
        (
            "en",
            "ANNA-maria o'neil",
            "Anna-Maria O'neil / ANNA-MARIA O'NEIL / anna-maria o'neil / A",
        ),
        ("tr", "IŞIL iz", "Işıl İz / IŞIL İZ / ışıl iz / I"),
    ],
)
def test_filters_know_the_language(language: str, name: str, shown: str):
    parts = " / ".join(
        f"{{{{ first_name|{f} }}}}" for f in ("capitalize", "upper", "lower", "initial")
    )
    assert make_template(parts, "BIRTHDAY", language).render({"first_name": name}) == shown


def test_a_text_that_grows_too_large_is_not_rendered():
    made = make_template("{{ first_name }}" * 300, "BIRTHDAY", "en")
    with pytest.raises(TextFailed, match="65536 bytes"):
        made.render({"first_name": "語" * 100})


def test_a_large_text_is_measured_in_bytes():
    assert (size_of("語"), size_of("\ud800")) == (3, 1)
