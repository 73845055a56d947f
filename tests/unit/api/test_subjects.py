"""Whom a reply shows is read off its fields."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct

from heyday.api.subjects import people_in

ONE, TWO, THREE = UUID(int=1), UUID(int=2), UUID(int=3)


class Shown(Struct):
    id: UUID
    first_name: str = "Ada"


class Message(Struct):
    id: UUID
    user_id: UUID


class Row(Struct):
    id: UUID | None
    status: str = "imported"


class Key(Struct):
    id: UUID
    name: str = "payroll"


class Page(Struct):
    items: list[Any]
    next: UUID | None = None


class Results(Struct):
    results: list[Row]


@dataclass
class Explanation:
    person: Shown
    now: str = "2027"


@pytest.mark.parametrize(
    ("content", "people"),
    [
        (None, []),
        (b"bytes", []),
        ("a text", []),
        (204, []),
        (Shown(ONE), [ONE]),
        (Page([Shown(ONE), Shown(TWO)], THREE), [ONE, TWO]),
        (Page([]), []),
        (Message(ONE, TWO), [TWO]),
        ([Message(ONE, TWO), Message(TWO, THREE)], [TWO, THREE]),
        (Explanation(Shown(ONE)), [ONE]),
        (Results([Row(ONE), Row(None), Row(TWO)]), [ONE, TWO]),
        (Page([Key(ONE)]), []),
        ({"person": {"id": ONE, "first_name": "Ada"}, "messages": []}, [ONE]),
        ({"items": [{"user_id": TWO}], "user_id": "not an id"}, [TWO]),
        ([[[[[[[[[Shown(ONE)]]]]]]]]], []),
    ],
)
def test_whom_a_reply_shows(content: object, people: list[UUID]) -> None:
    assert list(people_in(content)) == people
