"""What a newcomer does after cloning: `make run` and `make test`, as README.md has them."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from tests.bare.cell import Cell, Person

# Where the machine beneath shows: processes, memory, accounts, time zones, locales.
SHORT = (
    "tests/unit",
    "tests/integration/db/test_embedded.py",
    "tests/acceptance/test_first_light.py",
)
_INSTALLS_WITHIN, _GREETS_WITHIN = 900.0, 60.0
# What docs/setup.md says of stopping.
_STOPS_WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class Desk:
    """Hold who sits there, the folder of the clone, and what is set besides a login's own."""

    who: Person
    clone: str
    environment: Mapping[str, str]


def run(machine: Cell, desk: Desk, say: Callable[[str], object]) -> None:
    """Start everything, wait for the first greetings, press Ctrl-C: nothing may be left."""
    settings = {**desk.environment, "PORT": str(_free_port())}
    begun = perf_counter()
    with machine.open(["make", "run"], desk.who, desk.clone, settings) as terminal:
        address = terminal.said(r"(http://[\d.:]+)/inbox", _INSTALLS_WITHIN)[1]
        key = terminal.said(r"(hd_\w+)", _GREETS_WITHIN)[1]
        said_at = perf_counter()
        page = terminal.until(lambda: _get(f"{address}/", key), _GREETS_WITHIN, "page")
        assert b"<title>" in page
        letters = terminal.until(lambda: _letters(address, key), _GREETS_WITHIN, "greeting")
        greeted_at = perf_counter()
        terminal.stop(_STOPS_WITHIN)
        say(
            f"installed and started in {said_at - begun:.1f} s, first greetings after "
            f"{greeted_at - begun:.1f} s ({len(letters)} letters), "
            f"stopped {perf_counter() - greeted_at:.1f} s after Ctrl-C"
        )
        assert "Traceback" not in terminal.text, terminal.text
    _check_nothing_is_left(machine)


def test(machine: Cell, desk: Desk, tests: tuple[str, ...]) -> None:
    """Run the tests, or some of them. They may skip what is not there, and nothing may fail."""
    words = ["make", "test", *([f"TESTS={' '.join(tests)}"] if tests else [])]
    status = machine.run(words, desk.who, desk.clone, desk.environment)
    assert status == 0, f"{words} ended with status {status}; what is above says why"
    _check_nothing_is_left(machine)


def _check_nothing_is_left(machine: Cell) -> None:
    assert not (found := machine.left_running(_STOPS_WITHIN)), f"still running: {found}"
    assert not (found := machine.left_in_memory()), f"left in /dev/shm: {found}"


def _letters(address: str, key: str) -> list[Any] | None:
    """Return what the inbox has of people whose nine o'clock has passed today, once it has any."""
    if (answer := _get(f"{address}/inbox/messages", key)) is None:
        return None
    letters: list[Any] = json.loads(answer)["letters"]
    return letters or None


def _get(url: str, key: str) -> bytes | None:
    """Return what is at an address of this machine; None while nobody answers there."""
    headers = {"Authorization": f"Bearer {key}"}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - as `make run` told
    # Whatever proxy leads to packages, it does not lead here.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as answer:
            found: bytes = answer.read()
            return found
    except (urllib.error.URLError, TimeoutError):
        return None


def _free_port() -> int:
    """Return a port for `make run`: this machine's network is the bare one's, too."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
