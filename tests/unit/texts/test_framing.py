"""What a text looks like in HTML."""

from heyday.texts.framing import make_html


def test_lines_are_paragraphs_and_conditions_stay_what_they_are():
    text = "Hey {{ first_name }} {{ last_name }} <3\n\n{% if years %}\nA & B\n{% endif %}\n"
    html = make_html("en", "S & {{ first_name }}", text, "Leave <us>")
    assert "<title>S &amp; {{ first_name }}</title>" in html
    assert ">Hey <bdi>{{ first_name }} {{ last_name }}</bdi> &lt;3</p>\n{% if years %}\n<p" in html
    assert ">A &amp; B</p>\n{% endif %}\n" in html
    assert ">Leave &lt;us&gt;</a>" in html


def test_a_name_is_kept_to_itself_by_html_alone():
    html = make_html("ar", "\u2068{{ full_name }}\u2069", "\u2068{{ full_name }}\u2069!", "x")
    assert "<title>{{ full_name }}</title>" in html
    assert "<bdi>{{ full_name }}</bdi>!" in html
    assert '<html lang="ar" dir="rtl">' in html
