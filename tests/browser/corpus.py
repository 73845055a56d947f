"""Texts that would run, break out or mislead if a page took them for more than texts.

Whatever of them runs sets `window.__pwned`, asks with a dialog, or asks another host: each is seen
by tests.browser.watching.
"""

from collections.abc import Iterator
from typing import Final

RUNS: Final = "window.__pwned=1"

MARKUP: Final = (
    f"<script>{RUNS}</script>",
    f"</title></textarea></style></script><script>{RUNS}</script>",
    f'<img src=x onerror="{RUNS}">',
    f"<svg onload={RUNS}>",
    f'<svg><animate onbegin="{RUNS}" attributeName=x dur=1s>',
    f"<details open ontoggle={RUNS}>",
    f"<input autofocus onfocus={RUNS}>",
    f'<iframe srcdoc="<script>parent.{RUNS}</script>">',
    '<link rel=stylesheet href="//evil.example/x.css">',
    '<meta http-equiv=refresh content="0; url=//evil.example">',
    '<base href="//evil.example/">',
    "<!--<script>--><style>*{display:none}</style>",
    f'<math><mtext><table><mglyph><style><img src=x onerror="{RUNS}">',
)
"""Breaks out of the text between tags."""

ATTRIBUTES: Final = (
    f'" autofocus onfocus="{RUNS}" x="',
    f"' autofocus onfocus='{RUNS}' x='",
    f'"><img src=x onerror={RUNS}>',
    f"'><img src=x onerror={RUNS}>",
    f"` onmouseover={RUNS} `",
    f'" hx-get="/inbox" hx-trigger="load" hx-on::load="{RUNS}" x="',
    f'"}}\' hx-on:load="{RUNS}" x=\'{{"a":"',
    '" style="position:fixed;inset:0;background:red" x="',
)
"""Breaks out of a value between quotes, also into the attributes that htmx goes by."""

ADDRESSES: Final = (
    f"javascript:{RUNS}",
    f"JaVaScRiPt\t:{RUNS}",
    f"data:text/html,<script>{RUNS}</script>",
    "//evil.example/x",
    "\\\\evil.example\\x",
)
"""Leads elsewhere, or runs, where it is taken for a URL."""

TEMPLATES: Final = (
    "{{ 913 * 7 }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "{{ self.__init__.__globals__ }}",
    "{first_name.__class__}",
    "${913*7} #{913*7} <%= 913*7 %>",
    "%(name)s %s %n",
)
"""Is worked out where it is taken for a template."""
WORKED_OUT: Final = "6391"

LETTERS: Final = (
    "\u202egpj.exe\u202c",
    "a\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301",
    "名前 李 さくら",
    "محمد عبد الله",
    "👩‍👩‍👧‍👦🎂",
    "\u200b\u200d\ufeff",
    "W" * 100,
    "O'Brien & Söhne <ada@example.com>",
)
"""Is what names may be, and changes how lines run."""

CELLS: Final = ('=HYPERLINK("http://evil.example","x")', "=1+1", "@SUM(1)", "-2+3", "\tx")
"""Is worked out by spreadsheets."""

ZONES: Final = ("../../etc/passwd", f"Europe/<img src=x onerror={RUNS}>", 'UTC"onload="x')
"""Looks like a zone, to whoever does not look."""


def hostile() -> Iterator[str]:
    """Yield every text that would do something."""
    for group in (MARKUP, ATTRIBUTES, ADDRESSES, TEMPLATES, CELLS, ZONES):
        yield from group


def every() -> Iterator[str]:
    """Yield every text, those that are only odd as well."""
    yield from hostile()
    yield from LETTERS
