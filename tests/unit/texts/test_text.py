"""A text is rendered once for everybody, and says the same as if it were for each."""

import re
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heyday.domain.errors import TextFailed
from heyday.domain.text_ports import YEARS_UNKNOWN, Composed, Person, TextSource
from heyday.texts.text import Text, fill, make_text, without_place

ON = date(2027, 6, 14)
COMMON = {"company": "100 % & %1$s <Co>", "unsubscribe_link": "\ufdd0"}
HOSTILE = (
    "%1$s",
    "%2$s%%",
    "%",
    "{{ last_name }}",
    "{% if %}",
    "\ufdd1\ufdd2",
    "<script>&amp;\"'",
    "\u202eevil\u2066",
    "\\1\\g<0>",
    "$1",
    "",
    "😀" * 25,
)
NAMES = st.one_of(
    st.sampled_from(HOSTILE),
    # None is empty: PostgreSQL keeps none.
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=100).filter(
        lambda name: "\ufdd0" not in name
    ),
)
PIECES = st.sampled_from(
    [
        "{{ first_name }}",
        "{{ last_name }}",
        "{{ full_name }}",
        "{{ company }}",
        "{{ date }}",
        "{{ '%' }}",
        "%1$s %% %s",
        "{% if years %}{{ plural(years, one='# %', other='#s') }}{% endif %}",
        "{% if not years %}{{ last_name }}{% endif %}",
        "{% if years in [3, 4] %}{{ years }}!{% endif %}",
        "{% if date %}{{ first_name }}{% endif %}",
        "{% raw %}{{ x }}{% endraw %}",
        "<b title='",
        "'>",
        "\n\n",
        "&",
    ]
)
SOURCES = st.lists(PIECES, min_size=1, max_size=12).map("".join)
YEARS = st.sampled_from([YEARS_UNKNOWN, 0, 1, 2, 3, 100])


def text(source: str, html: str | None = None, language: str = "en") -> Text:
    return make_text("BIRTHDAY", language, TextSource("Hey {{ first_name }}", source, html))


def as_format_does(pattern: str, first: str, last: str) -> str:
    """Fill a pattern in as PostgreSQL documents format() to do, by reading it from its start."""
    filled, rest = "", pattern
    while rest:
        before, percent, rest = rest.partition("%")
        filled += before
        for place, value in (("%", "%"), ("1$s", first), ("2$s", last)):
            if percent and rest.startswith(place):
                filled, rest = filled + value, rest.removeprefix(place)
                break
        else:
            assert not percent, f"no format() takes {pattern!r}"
    return filled


@given(source=SOURCES, first=NAMES, last=NAMES, years=YEARS, language=st.sampled_from(["en", "hu"]))
@example(source="{{ full_name }}", first="%2$s", last="%1$s", years=1, language="hu")
def test_filling_in_names_comes_to_the_same_as_rendering_for_each(
    source: str, first: str, last: str, years: int, language: str
):
    html = source if "<b" not in source and "'>" not in source else "{{ full_name }}"
    made, person = text(f"Hey {source}.", f"<p>{html}</p>", language), Person(first, last, years)
    assert not made.is_personal
    asked = years if made.has_years else None, ON if made.has_date else None
    pattern = made.pattern(*asked, COMMON)
    filled, rendered = fill(pattern, person), made.render(person, ON, COMMON)
    assert filled == rendered
    assert as_format_does(pattern.text, first, last) == rendered.text
    assert as_format_does(pattern.subject, first, last) == rendered.subject


@pytest.mark.parametrize(
    ("source", "personal", "years", "day"),
    [
        ("Hey {{ first_name }}", False, False, False),
        ("Hey {{ first_name|upper }}", True, False, False),
        ("{% if last_name == 'x' %}a{% endif %}b", True, False, False),
        ("{% if 'x' in [first_name] %}a{% endif %}b", True, False, False),
        ("{% if not full_name %}a{% endif %}b", True, False, False),
        ("{% if years %}{{ years }}{% endif %}b", False, True, False),
        ("{% if age > 3 %}a{% endif %}b", False, True, False),
        ("{% if age %}{{ ordinal(age) }}{% endif %}b", False, True, False),
        ("{{ date }}", False, False, True),
        ("{{ date|upper }}{{ company|upper }}", False, False, True),
        ("{% if date == 'x' %}a{% endif %}b", False, False, True),
    ],
)
def test_what_a_text_depends_on_is_known(source: str, *, personal: bool, years: bool, day: bool):
    for made in (text(source), text("Hey", f"<p>{source}</p>")):
        assert (made.is_personal, made.has_years, made.has_date) == (personal, years, day)


def test_a_date_is_written_as_the_language_does():
    written = {
        tag: text("{{ date }}", language=tag).render(Person("a", "b", 1), ON, COMMON).text
        for tag in ("en", "de", "ja", "pl", "pt-BR")
    }
    assert written == {
        "en": "June 14, 2027",
        "de": "14. Juni 2027",
        "ja": "2027年6月14日",
        "pl": "14 czerwca 2027",
        "pt-BR": "14 de junho de 2027",
    }


def test_names_that_fill_a_text_beyond_its_limit_fail():
    pattern = Composed("a", "%1$s" * 1000, None)
    with pytest.raises(TextFailed):
        fill(pattern, Person("語" * 100, "", 1))


def test_a_name_cannot_be_a_place_for_a_link():
    assert without_place(Person("a\ufdd0b", "\ufdd0", 3)) == Person("ab", "", 3)


def test_lines_on_which_a_condition_stands_leave_no_gap():
    made = text(
        "Hey\n\n{% if years %}\nx\n\n{% endif %}\nyou\n\n{% if company %}\n\nC\n{% endif %}\n"
    )
    people = Person("a", "b", YEARS_UNKNOWN), Person("a", "b", 3)
    assert [made.render(p, None, {**COMMON, "company": ""}).text for p in people] == [
        "Hey\n\nyou",
        "Hey\n\nx\n\nyou",
    ]
    assert not re.search("\n{3}", made.render(people[1], None, COMMON).text)
