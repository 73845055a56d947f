"""The harness sees what it is there to see: each fault is made once, and caught."""

from collections.abc import Iterator

import pytest
from litestar import Litestar, get
from litestar.params import FromPath
from litestar.response import Response
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import MAX_BYTES, PICTURES, axe, evaluate, focused, screenshot, tab_to
from tests.browser.watching import Watch
from tests.keys import Doors, memory_doors

POLICY = "default-src 'self'; frame-ancestors 'none'"
FRAME = (
    '<!doctype html><html lang="en"><head><title>A page</title><link rel="icon" href="/icon.svg">'
    '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/page.css">'
    "</head><body><main><h1>A page</h1>{}</main></body></html>"
)
FILES = {
    "icon.svg": ("image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg"/>'),
    "page.css": (
        "text/css",
        "html{color-scheme:light dark}body{background:Canvas}.mute a{outline:0}.wide{width:50em}",
    ),
    "throws.js": ("text/javascript", "throw new Error('boom')"),
    "asks.js": ("text/javascript", "alert('hello')"),
    "runs.js": ("text/javascript", "window.__pwned = 'a name'"),
    "fetches.js": ("text/javascript", "fetch('/missing')"),
}
SCRIPT = '<script src="/{}.js"></script>'
BODIES = {
    "fine": '<p>Hello</p><p><a href="/one">One</a> <a href="/two">Two</a></p>',
    "inline-script": "<script>document.title = 'run'</script>",
    "inline-style": '<p style="color: red">Red</p>',
    "elsewhere": '<img alt="" src="http://example.com/pixel.png">',
    "unlabelled": '<input name="name">',
    "pale": '<p class="pale">Hello</p><link rel="stylesheet" href="/pale.css">',
    "wide": '<p class="wide">Hello</p>',
    "mute": '<p class="mute"><a href="/one">One</a></p>',
    "heavy": "0123456789" * (MAX_BYTES // 10),
    **{name: SCRIPT.format(name) for name in ("throws", "asks", "runs", "fetches")},
}
FILES["pale.css"] = ("text/css", "@media (prefers-color-scheme: dark) {.pale {color: #333}}")


@get("/{name:str}", sync_to_thread=False)
def show(name: FromPath[str]) -> Response[str]:
    if name in FILES:
        media_type, text = FILES[name]
        return Response(text, media_type=media_type)
    # Else the browser would not even ask.
    headers = {} if name == "elsewhere" else {"Content-Security-Policy": POLICY}
    text, status = (FRAME.format(BODIES[name]), 200) if name in BODIES else ("nothing", 404)
    return Response(text, status_code=status, media_type="text/html", headers=headers)


@pytest.fixture
def app() -> Litestar:
    return Litestar([show], openapi_config=None, logging_config=None)


@pytest.fixture
def doors() -> Doors:
    return memory_doors()


@pytest.fixture
def forgiven(watch: Watch) -> Iterator[list[str]]:
    """What was seen, which the test looks at itself."""
    yield watch.faults
    watch.faults.clear()


async def test_a_page_without_fault_passes(page: Page, watch: Watch) -> None:
    await page.goto("/fine")
    await axe(page)
    assert (await tab_to(page, "Two")).kind == "a"
    assert await evaluate(page, "document.title") == "A page"
    assert len(BODIES["fine"]) < await watch.weight(page) < MAX_BYTES


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("inline-script", "policy: script-src-elem refused inline"),
        ("inline-style", "policy: style-src-attr refused inline"),
        ("elsewhere", "a request to elsewhere: image http://example.com/pixel.png"),
        ("throws", "error: "),
        ("asks", "a dialog: hello"),
        ("runs", "a text ran as a script: a name"),
        ("fetches", "console: Failed to load resource"),
    ],
)
async def test_a_fault_is_seen(page: Page, forgiven: list[str], name: str, seen: str) -> None:
    await page.goto(f"/{name}", wait_until="networkidle")
    assert any(fault.startswith(seen) for fault in forgiven), forgiven


async def test_a_page_that_is_missing_is_no_fault(page: Page) -> None:
    reply = await page.goto("/missing")
    assert reply
    assert reply.status == 404


async def test_a_refusal_that_is_expected_is_no_fault(page: Page, watch: Watch) -> None:
    watch.allowed.add(404)
    await page.goto("/fetches", wait_until="networkidle")


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("unlabelled", r"label: .*light-390, dark-390, light-1440, dark-1440"),
        ("pale", r"color-contrast: .*\[dark-390, dark-1440\]"),
        ("wide", "wider than 320 px: .*Hello"),
    ],
)
async def test_axe_finds_what_keeps_people_out(page: Page, name: str, seen: str) -> None:
    await page.goto(f"/{name}")
    with pytest.raises(AssertionError, match=seen):
        await axe(page)


async def test_the_keyboard_finds_what_it_cannot_reach(page: Page) -> None:
    await page.goto("/fine")
    assert await focused(page) is None
    with pytest.raises(AssertionError, match=r"never came to 'Three'; it came to \['One', 'Two'\]"):
        await tab_to(page, "Three")
    await page.goto("/mute")
    with pytest.raises(AssertionError, match="does not show it"):
        await tab_to(page, "One")


async def test_a_heavy_page_is_weighed(page: Page, watch: Watch) -> None:
    await page.goto("/heavy")
    assert await watch.weight(page) > MAX_BYTES


async def test_pictures_are_kept_of_all_looks(page: Page) -> None:
    await page.goto("/fine")
    taken = await screenshot(page, "harness")
    assert [picture.name for picture in taken] == [
        "harness-light-390.png",
        "harness-dark-390.png",
        "harness-light-1440.png",
        "harness-dark-1440.png",
    ]
    for picture in taken:
        assert picture.parent == PICTURES
        assert picture.read_bytes().startswith(b"\x89PNG")
        picture.unlink()


async def test_a_page_without_scripts_runs_none(open_page: OpenPage) -> None:
    page = await open_page(javascript=False)
    await page.goto("/runs")
    await expect(page.get_by_role("heading", name="A page")).to_be_visible()
