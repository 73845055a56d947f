"""No text that anybody stored runs, breaks out or asks elsewhere, on any page that there is.

The pages are those of the application's own table of routes: a new one is visited by itself. What
stands for a parameter of a path is said by `fill`; of a new parameter it is missed, and said so.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from urllib.parse import quote

import httpx
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from playwright.async_api import Page

from heyday.domain.sessions import cookie_name
from heyday.web.live import EVENTS
from tests.browser.corpus import MARKUP, WORKED_OUT, every, hostile
from tests.browser.looking import evaluate
from tests.factories import Pipeline
from tests.keys import Doors

# How many of the people, messages and so on are looked at by themselves.
_VISITS = 8
Names = Mapping[str, Sequence[str]]
# What is no page for people to look at, or ends the session that looks.
_WORKED_OUT = re.compile(rf"(?<![0-9a-f]){WORKED_OUT}(?![0-9a-f])")
_SKIPPED = {"/static/{name}", "/sign-out"}
# A browser keeps these as files, and shows none.
_DOWNLOADS = {"/people/{user_id}/export", "/people/imports/{import_id}/rejected"}
_PARAMETERS = ("q", "after", "before", "next", "status", "type", "day", "month", "zone", "lost")


def pages_of(app: Litestar) -> Iterator[HTTPRoute]:
    """Yield the routes of all pages that can be looked at."""
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or route.path_format in _SKIPPED:
            continue
        if any(map(_is_page, route.route_handlers)):
            yield route


def _is_page(handler: HTTPRouteHandler) -> bool:
    """Tell whether it can be looked at whole: a stream of events has no end."""
    is_shown = "GET" in handler.http_methods and handler.opt.get("is_page")
    return bool(is_shown) and handler.media_type != EVENTS


def paths_of(route: HTTPRoute, names: Names) -> Iterator[str]:
    """Yield the paths of a route, with each value that a parameter may have."""
    found = list(route.path_parameters)
    missing = [name for name in found if name not in names]
    assert not missing, f"{route.path_format}: have `fill` say what stands for {missing}"
    for values in zip(*(names[name] for name in found), strict=False) if found else [()]:
        path = route.path_format
        for name, value in zip(found, values, strict=True):
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        yield path


async def fill(pipeline: Pipeline) -> Names:
    """Put every text wherever texts are kept; return what stands for each parameter of a path."""
    texts = list(every())
    for text in texts:
        short = text[:100]
        await pipeline.insert(
            first_name=short,
            last_name=short,
            location_city=short,
            location_country=short,
            birthday_date="1990-01-14",
            timezone="Europe/London",
        )
    await pipeline.daily.run_once()
    await pipeline.execute(_MESSAGES, texts, list(islice(cycle(_STATUSES), len(texts))))
    for statement in (_ATTEMPTS, _LETTERS, _RUNS, _TEXT):
        await pipeline.execute(statement, texts)
    await pipeline.execute(_IMPORTS, texts)
    await pipeline.execute(_REJECTS, texts)
    return {
        "user_id": await _names(pipeline, "SELECT id::text FROM users"),
        "message_id": await _names(pipeline, "SELECT id::text FROM message_logs"),
        "message_type": ["BIRTHDAY"],
        "language": ["de"],
        "on": ["2027-01-14"],
        "import_id": await _names(pipeline, "SELECT id::text FROM import_jobs"),
        "number": await _names(pipeline, "SELECT id::text FROM inbox_messages"),
    }


async def _names(pipeline: Pipeline, query: str) -> list[str]:
    return [row[0] for row in await pipeline.rows(f"{query} ORDER BY 1")]


_STATUSES = ("SCHEDULED", "SENT", "FAILED", "RETRYING", "UNKNOWN", "CANCELLED", "SKIPPED")
_MESSAGES = """
UPDATE message_logs m
SET message_content = t.text, message_subject = t.text, message_html = t.text, status = t.status,
    api_response_body = t.text, error_message = t.text, provider_message_id = t.text
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM message_logs) AS r
JOIN unnest($1::text[], $2::text[]) WITH ORDINALITY AS t (text, status, n) USING (n)
WHERE m.id = r.id
"""
_ATTEMPTS = """
INSERT INTO message_attempts (message_id, scheduled_send_time, epoch, attempt, outcome, status,
    finished_at, api_response_code, error_message)
SELECT r.id, r.scheduled_send_time, 1, 1, 'ambiguous', 'UNKNOWN', '2027-01-14', 500, t.text
FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM message_logs) AS r
JOIN unnest($1::text[]) WITH ORDINALITY AS t (text, n) USING (n)
"""
_LETTERS = """
INSERT INTO inbox_messages (idempotency_key, email, message, scheduled_send_time, received_at)
SELECT r.idempotency_key, 'ada@example.com', t.text, r.scheduled_send_time, '2027-01-14'
FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM message_logs) AS r
JOIN unnest($1::text[]) WITH ORDINALITY AS t (text, n) USING (n)
"""
_RUNS = """
INSERT INTO job_runs (name, started_at, finished_at, error, counts)
SELECT left(t.text, 40), '2027-01-14', '2027-01-14', t.text, jsonb_build_object(t.text, 1)
FROM unnest($1::text[]) WITH ORDINALITY AS t (text, n)
"""
_TEXT = """
INSERT INTO message_texts (message_type, language, subject, text, html)
SELECT 'BIRTHDAY', 'de', string_agg(text, ' '), string_agg(text, ' '), string_agg(text, ' ')
FROM unnest($1::text[]) AS t (text)
"""
_IMPORTS = """
INSERT INTO import_jobs (state, columns, has_bom, created_at, error, rejected)
SELECT 'failed', ARRAY[t.text], false, '2027-01-14', t.text, 1
FROM unnest($1::text[]) WITH ORDINALITY AS t (text, n)
"""
_REJECTS = """
INSERT INTO import_rejects (job_id, line, reason, email, cells)
SELECT j.id, t.n, t.text, t.text, convert_to(t.text, 'UTF8')
FROM import_jobs j, unnest($1::text[]) WITH ORDINALITY AS t (text, n)
"""


async def test_no_stored_text_does_anything(
    app: Litestar, pipeline: Pipeline, page: Page, doors: Doors, url: str
) -> None:
    names = await fill(pipeline)
    await _call_oneself(page, doors, url, MARKUP[2])
    visited = []
    for route in pages_of(app):
        if route.path_format in _DOWNLOADS:
            continue
        for path in islice(paths_of(route, names), _VISITS):
            reply = await page.goto(path, wait_until="networkidle")
            assert reply, path
            assert reply.status < 500, path
            # Where there is a letter to open, or more to show, it is shown.
            await evaluate(page, "document.querySelectorAll('details').forEach(d => d.open = true)")
            # By itself: ids and proofs of forms may hold these digits by chance.
            assert not _WORKED_OUT.search(await page.content()), path
            visited.append(path)
    assert len(visited) > 1


async def test_what_an_address_says_is_shown_as_it_is_or_not_at_all(
    app: Litestar, pipeline: Pipeline, doors: Doors, url: str
) -> None:
    names = await fill(pipeline)
    cookies = {cookie_name("http", "127.0.0.1"): await doors.signed_in()}
    async with httpx.AsyncClient(base_url=url, cookies=cookies) as client:
        for route in pages_of(app):
            path = next(paths_of(route, names))
            for text in hostile():
                query = dict.fromkeys(_PARAMETERS, text)
                reply = await client.get(path, params=query, headers={"accept": "text/html"})
                assert reply.status_code < 500, (path, text)
                if path.endswith("/letter"):
                    assert "default-src" in reply.headers["content-security-policy"], path
                elif route.path_format in _DOWNLOADS:
                    assert not reply.headers["content-type"].startswith("text/html"), path
                    assert reply.headers["content-disposition"].startswith("attachment"), path
                elif any(letter in text for letter in "<>\"'"):
                    assert text not in reply.text, (path, text)
                assert "evil.example" not in reply.headers.get("location", ""), (path, text)


async def test_a_page_that_trusts_a_text_is_seen(page: Page, forgiven: list[str]) -> None:
    await page.goto("/sign-in")
    # The policy stops it; this is what stands when the pages themselves fail.
    await page.set_content(f"<p>{MARKUP[0]}{MARKUP[2]}</p>", wait_until="networkidle")
    assert any("Content Security Policy" in fault for fault in forgiven), forgiven


async def _call_oneself(page: Page, doors: Doors, url: str, name: str) -> None:
    """Sign in with a key that is called so: every page says whose it is."""
    text = await doors.key(name=name)
    key = await doors.signing_in.check(text, "127.0.0.1")
    assert key
    cookie = cookie_name("http", "127.0.0.1")
    token = await doors.signing_in.begin(key)
    await page.context.add_cookies([{"name": cookie, "value": token, "url": url}])
