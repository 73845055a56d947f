"""The sandbox alone, without the list of what is allowed, lets nothing out either."""

import pytest
from jinja2.exceptions import SecurityError

from heyday.texts.environment import sandbox


@pytest.mark.parametrize(
    "source",
    [
        "{{ x.upper }}",
        "{{ x.__class__ }}",
        "{{ x['__class__'] }}",
        "{{ x[0] }}",
        "{{ f() }}",
        "{{ plural.__globals__ }}",
        "{{ ''.format() }}",
    ],
)
def test_nothing_is_looked_into_or_called_but_our_functions(source: str):
    with pytest.raises(SecurityError):
        sandbox("en", is_html=False).from_string(source).render(x="a", f=lambda: "b")


def test_our_functions_are_called():
    source = "{{ ordinal(2) }} {{ plural(2, one='# day', other='# days') }}"
    assert sandbox("en", is_html=True).from_string(source).render() == "2nd 2 days"


def test_nothing_of_jinjas_own_is_known():
    made = sandbox("en", is_html=False)
    assert set(made.globals) == {"plural", "ordinal"}
    assert set(made.filters) == {"upper", "lower", "capitalize", "initial", "trim"}
    assert made.tests == {}
