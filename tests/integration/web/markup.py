"""Read pages as a browser does: their words, their links, and what their forms would send."""

from collections.abc import Mapping
from html.parser import HTMLParser
from re import sub

import httpx

_INPUTS = {"input", "select", "textarea"}


class Markup(HTMLParser):
    """Hold what a page says. forms: what each would send, by its action."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: dict[str, dict[str, str]] = {}
        self._action = self._select = ""
        self._said: list[str] = []
        self.feed(text)

    @property
    def words(self) -> str:
        """Return all that is said, with single spaces."""
        return sub(r"\s+", " ", " ".join(self._said))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(given.get("href", ""))
        elif tag == "form":
            self._action = given["action"]
            self.forms[self._action] = {}
        elif tag in _INPUTS and self._action and given.get("name"):
            self._fields[given["name"]] = given.get("value", "")
            self._select = given["name"] if tag == "select" else ""
        elif tag == "option" and self._select and "selected" in given:
            self._fields[self._select] = given["value"]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._action = ""

    def handle_data(self, data: str) -> None:
        self._said.append(data)

    @property
    def _fields(self) -> dict[str, str]:
        return self.forms[self._action]


def sent(markup: Markup, action: str, **changed: str) -> Mapping[str, str]:
    """Return what a form sends once its fields were changed so."""
    assert changed.keys() <= markup.forms[action].keys()
    return {**markup.forms[action], **changed}


async def landed(client: httpx.AsyncClient, response: httpx.Response) -> Markup:
    """Follow to the page to which a form leads."""
    assert response.status_code == 303
    return Markup((await client.get(response.headers["location"])).text)
