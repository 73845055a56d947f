"""Lines of the audit log are written in groups, and each request hears of its own."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from heyday.domain.audit import Actor, ActorKind, Deed
from heyday.services.auditing import AuditService


class SlowStore:
    """Write a group when the test says so."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.may_write = asyncio.Event()
        self.fault: Exception | None = None

    async def add_looks(self, deeds: Sequence[Deed]) -> None:
        self.groups.append([deed.action for deed in deeds])
        await self.may_write.wait()
        if self.fault:
            raise self.fault


def deed(action: str) -> Deed:
    return Deed(Actor(ActorKind.ANYBODY, "anybody"), action)


@pytest.fixture
def store() -> SlowStore:
    return SlowStore()


@pytest.fixture
def audit(store: SlowStore) -> AuditService:
    return AuditService(cast("Any", store))


async def notes(audit: AuditService, *actions: str) -> list["asyncio.Task[None]"]:
    tasks = [asyncio.create_task(audit.note(deed(action))) for action in actions]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_what_comes_while_a_group_is_written_is_the_next_group(
    audit: AuditService, store: SlowStore
) -> None:
    first = await notes(audit, "a")
    others = await notes(audit, "b", "c", "d")
    assert store.groups == [["a"]]
    assert not any(task.done() for task in first + others)
    store.may_write.set()
    await asyncio.gather(*first, *others)
    assert store.groups == [["a"], ["b", "c", "d"]]


async def test_a_fault_is_that_of_its_group_alone(audit: AuditService, store: SlowStore) -> None:
    store.fault = ValueError("gone")
    first = await notes(audit, "a", "b")
    store.may_write.set()
    results = await asyncio.gather(*first, return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, ValueError]
    store.fault = None
    await audit.note(deed("c"))
    assert store.groups[-1] == ["c"]


async def test_who_waits_no_more_keeps_nobody_waiting(
    audit: AuditService, store: SlowStore
) -> None:
    gone, stays = await notes(audit, "a", "b")
    gone.cancel()
    store.may_write.set()
    await stays
    assert gone.cancelled()
