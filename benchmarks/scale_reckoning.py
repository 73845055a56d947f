"""Reckon with what docs/scale.json holds: bytes, pages, servers; and write numbers for people."""

import math
import statistics
from collections.abc import Mapping
from typing import Any

SERVER_CORES = 16
"""Cores of one PostgreSQL that the number of databases is reckoned by."""
WAL_RATE = 250e6
"""Bytes of WAL a second that one is taken to write."""
PAGE = 8192

Document = Mapping[str, Any]


def step(document: Document, name: str, what: str) -> list[float]:
    """Return what the runs of one step took a greeting: wal or cpu."""
    return [each[what] for each in document["stored"]["steps"] if each["name"] == name]


def bytes_a_row(document: Document, table: str) -> float:
    """Return the bytes of a row with its index entries."""
    sizes = document["stored"]["sizes"]
    return float(sizes[f"{table}: table"] + sizes[f"{table}: indexes"])


def databases(cores: int, wal: float) -> int:
    """Return how many PostgreSQL servers so many cores and bytes of WAL a second take."""
    return max(math.ceil(cores / SERVER_CORES), math.ceil(wal / WAL_RATE))


def pages_each(document: Document, share: float) -> float:
    """Return the pages of `users` for each greeting of a share of people who lie anywhere."""
    a_page = PAGE / document["stored"]["sizes"]["users: table"]
    return float((1 - (1 - share) ** a_page) / (a_page * share))


def wal_of_sending(document: Document, share: float) -> float:
    """Return bytes of WAL from queueing to outcome, where each page is new to the WAL.

    share: of people who are greeted between two checkpoints.
    """
    (queue, *_), (_, *claim), record = (
        step(document, name, "wal") for name in ("queue", "claim", "record")
    )
    pages = PAGE * pages_each(document, share)
    return queue + statistics.median(claim) + pages + statistics.median(record)


def step_share(document: Document) -> float:
    """Return which share of people was greeted in the first window that was measured."""
    first = next(each for each in document["stored"]["steps"] if each["name"] == "claim")
    return float(first["greetings"] / document["stored"]["people"])


def value(document: Document, name: str, way: str) -> float:
    """Return one of the figures that were read."""
    found = (each for each in document["figures"] if (each["name"], each["way"]) == (name, way))
    return float(next(found)["value"])


def fullest_share(document: Document, kind: str) -> float:
    """Return which share of people is greeted in the fullest second."""
    row = next(row for row in document["due"] if row["kind"] == kind)
    return float(row["fullest"] / row["people"])


def short(count: float) -> str:
    """Return a count with three digits, such as 4.56 M."""
    for unit, name in ((1e9, " B"), (1e6, " M"), (1e3, " k")):
        if count >= unit * 0.9995:
            return f"{_three(count / unit)}{name}"
    return f"{count:.0f}"


def size(count: float) -> str:
    """Return bytes with three digits, such as 4.56 GB."""
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if count >= unit * 0.9995:
            return f"{_three(count / unit)} {name}"
    return f"{count / 1e3:.0f} kB"


def span(seconds: float | None) -> str:
    """Return how long something is in the unit that suits it."""
    if seconds is None:
        return "never"
    for unit, name in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= unit * 2:
            return f"{_three(seconds / unit)} {name}"
    return f"{seconds:.2f} s"


def clock(second: int) -> str:
    """Return the time of day of a second that counts from midnight, or back from it."""
    return f"{second // 3600 % 24:02}:{second % 3600 // 60:02}"


def _three(value: float) -> str:
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.{max(0, 2 - max(0, math.floor(math.log10(value) + 1e-4)))}f}"
