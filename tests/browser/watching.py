"""Watch what pages do: no error, no breach of their policy, nothing asked of another host."""

import re
from dataclasses import dataclass, field

from playwright.async_api import BrowserContext, ConsoleMessage, Dialog, Page, Request, Route

# Run in every page before its own scripts. What the browser refuses, and the word that any text of
# the corpus would speak if it ran, come back through the binding.
_SPY = """
document.addEventListener("securitypolicyviolation", (event) => heydaySpy(
  `policy: ${event.violatedDirective} refused ${event.blockedURI || "inline"} ` +
  `(${event.sourceFile}:${event.lineNumber} ${event.sample})`));
Object.defineProperty(window, "__pwned", {
  set(value) { heydaySpy(`a text ran as a script: ${value}`); },
  get() { return undefined; },
});
"""
# Where letters are shown: what their policy stops there, a browser tells, and nothing ran.
_OF_A_LETTER = re.compile(r"/letter(/people)?\b|about:srcdoc")
_NOT_LOADED = re.compile(r"Failed to load resource: .*status of (\d+)")


@dataclass
class Watch:
    """Hold what was seen on all pages of a test.

    origins: where pages may ask.   faults: what must not have happened; the fixture fails the test
    over them.   allowed: statuses of replies to scripts that the test expects, such as 422: a
    browser reports each as an error.
    """

    origins: list[str]
    faults: list[str] = field(default_factory=list)
    allowed: set[int] = field(default_factory=set)
    _asked: dict[Page, list[Request]] = field(default_factory=dict)

    async def over(self, context: BrowserContext) -> None:
        """Watch every page of a context; what asks another host gets nothing."""
        await context.expose_binding("heydaySpy", lambda _, text: self.faults.append(text))
        await context.add_init_script(_SPY)
        await context.route("**/*", self._route)
        context.on("console", self._hear)
        context.on("weberror", lambda event: self.faults.append(f"error: {event.error}"))
        context.on("dialog", self._dismiss)
        context.on("request", self._note)

    async def weight(self, page: Page) -> int:
        """Return how many bytes came over the wire for what a page shows, headers included."""
        total = 0
        for request in self._asked.get(page, []):
            if request.failure is None and request.timing["responseEnd"] >= 0:
                sizes = await request.sizes()
                total += sizes["responseBodySize"] + sizes["responseHeadersSize"]
        return total

    async def _route(self, route: Route) -> None:
        url = route.request.url
        if url.startswith((*(f"{origin}/" for origin in self.origins), "data:", "blob:")):
            await route.continue_()
            return
        self.faults.append(f"a request to elsewhere: {route.request.resource_type} {url}")
        await route.abort()

    def _note(self, request: Request) -> None:
        if request.is_navigation_request() and request.frame.parent_frame is None:
            self._asked[request.frame.page] = []
        self._asked.setdefault(request.frame.page, []).append(request)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        if _OF_A_LETTER.search(f"{message.location['url']} {message.text}"):
            return
        failed, page = _NOT_LOADED.match(message.text), message.page
        if failed and page:
            documents = {r.url for r in self._asked.get(page, []) if r.is_navigation_request()}
            # A page that says 404 is a page all the same.
            if message.location["url"] in documents or int(failed[1]) in self.allowed:
                return
        self.faults.append(f"console: {message.text} ({message.location['url']})")

    async def _dismiss(self, dialog: Dialog) -> None:
        self.faults.append(f"a dialog: {dialog.message}")
        await dialog.dismiss()
