"""Look at a page as people do: on a phone or a screen, by light or dark, and without a mouse."""

import json
import re
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page

ROOT: Final = Path(__file__).parents[2]
PICTURES: Final = ROOT / ".artefacts" / "screenshots"
"""Where pictures go; they are not committed."""
MAX_BYTES: Final = 150_000
"""How much may come over the wire for a page, all that it is made of included."""

# axe-core 4.14.1 as published by Deque under the MPL 2.0; its licence lies beside it.
_AXE = Path(__file__).parent / "vendor" / "axe.min.js"
_HEIGHT = 900
# How narrow a page must still fit without scrolling sideways (WCAG 2.2, 1.4.10).
_NARROWEST = 320
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN_AXE = """
axe.run(document, {runOnly: %s, rules: %s, resultTypes: ["violations"]}).then((result) =>
  result.violations.flatMap((rule) => rule.nodes.map((node) =>
    `${rule.id}: ${node.html.slice(0, 200)} (${node.any.concat(node.all, node.none)
      .map((check) => check.message).join("; ")})`)))
"""
_TOO_WIDE = """
(() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = [...document.querySelectorAll("main *, header *")]
    .filter((each) => each.getBoundingClientRect().right > width + 1);
  // What is in a part that scrolls by itself makes nothing wider, unless it left its place there.
  const outside = wide.filter((each) => !each.parentElement.closest(".table-wrap")
    || getComputedStyle(each).position === "absolute");
  return (outside.length ? outside : wide).map((each) => each.outerHTML.slice(0, 120));
})()
"""
_FOCUSED = """
(() => {
  const each = document.activeElement;
  if (!each || each === document.body) return null;
  const label = each.labels && each.labels[0];
  const box = each.getBoundingClientRect(), style = getComputedStyle(each);
  return {
    name: (each.getAttribute("aria-label") || (label ? label.innerText : "")
      || each.innerText || each.title || each.name || "").trim().replace(/\\s+/g, " "),
    kind: each.tagName.toLowerCase(),
    isShown: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
    isMarked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
      || style.boxShadow !== "none",
  };
})()
"""


@dataclass(frozen=True, slots=True)
class Look:
    """Say on what a page is looked at."""

    width: int
    is_dark: bool

    @property
    def name(self) -> str:
        """Return how pictures call it."""
        return f"{'dark' if self.is_dark else 'light'}-{self.width}"


LOOKS: Final = tuple(Look(width, is_dark) for width in (390, 1440) for is_dark in (False, True))


@dataclass(frozen=True, slots=True)
class Focus:
    """Describe what has the focus. is_marked: one can see that it has."""

    name: str
    kind: str
    is_shown: bool
    is_marked: bool


async def evaluate(page: Page, expression: str) -> Any:
    """Return what a script says in a page. Its policy refuses the way that Playwright takes."""
    session = await page.context.new_cdp_session(page)
    try:
        answer = await session.send(
            "Runtime.evaluate",
            {"expression": expression, "awaitPromise": True, "returnByValue": True},
        )
    finally:
        await session.detach()
    assert "exceptionDetails" not in answer, answer
    return answer["result"].get("value")


async def looks_of(page: Page) -> AsyncIterator[Look]:
    """Yield each look once the page has it; leave the page as it was."""
    before = page.viewport_size
    for look in LOOKS:
        await page.set_viewport_size({"width": look.width, "height": _HEIGHT})
        await page.emulate_media(color_scheme="dark" if look.is_dark else "light")
        yield look
    await page.emulate_media(color_scheme="light")
    if before:
        await page.set_viewport_size(before)


async def axe(page: Page, without: Collection[str] = ()) -> None:
    """Hold a page against WCAG 2.2 AA on each look: axe finds nothing, and it fits 320 px.

    without: rules of axe that the page may break; say why where you name one.
    """
    rules = {rule: {"enabled": False} for rule in without}
    if not await evaluate(page, "typeof axe === 'object'"):
        await evaluate(page, f"{_source()};0")
    found: dict[str, list[str]] = {}
    async for look in looks_of(page):
        for broken in await evaluate(page, _RUN_AXE % (json.dumps(_RULES), json.dumps(rules))):
            found.setdefault(broken, []).append(look.name)
    await page.set_viewport_size({"width": _NARROWEST, "height": _HEIGHT})
    too_wide = await evaluate(page, _TOO_WIDE)
    await page.set_viewport_size({"width": 1440, "height": _HEIGHT})
    problems = [f"{broken} [{', '.join(looks)}]" for broken, looks in found.items()]
    problems += [f"wider than {_NARROWEST} px: {each}" for each in too_wide]
    assert not problems, f"{page.url}:\n" + "\n".join(problems)


async def screenshot(page: Page, name: str) -> list[Path]:
    """Keep a picture of the whole page on each look, as NAME-light-390.png and so on."""
    assert re.fullmatch(r"[a-z0-9-]+", name), f"{name!r}; expected a name such as people-empty"
    PICTURES.mkdir(parents=True, exist_ok=True)
    taken = []
    async for look in looks_of(page):
        taken.append(PICTURES / f"{name}-{look.name}.png")
        await page.screenshot(path=taken[-1], full_page=True, animations="disabled")
    return taken


async def focused(page: Page) -> Focus | None:
    """Return what has the focus; None where the whole page has it."""
    found = await evaluate(page, _FOCUSED)
    if found is None:
        return None
    return Focus(found["name"], found["kind"], found["isShown"], found["isMarked"])


async def tab_to(page: Page, name: str, *, at_most: int = 80) -> Focus:
    """Press Tab until what is called so has the focus. Each stop on the way must be seen."""
    passed = []
    for _ in range(at_most):
        await page.keyboard.press("Tab")
        if (focus := await focused(page)) is None:
            break
        assert focus.is_shown, f"{focus} has the focus, and is out of sight"
        assert focus.is_marked, f"{focus} has the focus, and does not show it"
        if focus.name.startswith(name):
            return focus
        passed.append(focus.name)
    raise AssertionError(f"Tab never came to {name!r}; it came to {passed}")


@cache
def _source() -> str:
    return _AXE.read_text("utf-8")
