"""Where a name may stand in HTML."""

import pytest

from heyday.texts.markup import unsafe_places


@pytest.mark.parametrize(
    "source",
    [
        "<p>{{ first_name }}</p>",
        "<p title=\"{{ first_name }}\" class='{{ last_name }}'>a > b {{ first_name }}</p>",
        "<!-- a comment > --><p>{{ first_name }}</p>",
        '<p{% if years %} class="x"{% endif %}>{{ first_name }}</p>',
        "It's {{ first_name }}'s \"day\" < {{ years }}",
    ],
)
def test_a_place_in_the_text_or_in_quotes_is_safe(source: str):
    assert list(unsafe_places(source)) == []


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("\n<p class={{ first_name }}>", 2),
        ("<p {{ first_name }}>", 1),
        ("<p class='a' {# ' #} {{ first_name }}>", 1),
        ("<!--\n{{ first_name }} -->", 2),
        ("<p {{\n'>' }} {{ first_name }}>", 1),
    ],
)
def test_another_place_is_not(source: str, line: int):
    faults = list(unsafe_places(source))
    assert faults[0].line == line
    assert "found a place within a tag" in faults[0].detail


@pytest.mark.parametrize("tag", ["script", "STYLE", "iframe", "object", "embed", "template"])
def test_what_no_letter_may_have(tag: str):
    assert [f.detail for f in unsafe_places(f"<{tag}>x</{tag}>")] == [
        f"found <{tag.lower()}>, which no letter may have"
    ]
