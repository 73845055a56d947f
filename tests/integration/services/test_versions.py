"""A person's version: another after each change, and an edit may ask for the one that it saw."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from uuid import UUID, uuid4

import pytest

from heyday.domain.errors import Changed, NotFound
from heyday.services.users import UserService
from tests.factories import Pipeline, person
from tests.integration.services.held import Held, commit_when_blocked

Edit = Callable[[UserService, UUID, Collection[str] | None], Awaitable[object]]

EDITS: Mapping[str, Edit] = {
    "replace": lambda users, user_id, seen: users.replace(user_id, person(), seen),
    "patch": lambda users, user_id, seen: users.patch(user_id, {"location_city": "Rome"}, seen),
    "delete": lambda users, user_id, seen: users.delete(user_id, seen),
    "undelete": lambda users, user_id, seen: users.undelete(user_id, seen),
    "unsubscribe": lambda users, user_id, seen: users.unsubscribe(user_id, seen),
    "resubscribe": lambda users, user_id, seen: users.resubscribe(user_id, seen),
}
EACH = pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)


@EACH
async def test_an_edit_goes_through_with_the_version_seen_and_not_with_an_older_one(
    pipeline: Pipeline, edit: Edit
) -> None:
    user = await pipeline.create()
    changed = await pipeline.users.patch(user.id, {"location_city": "Paris"}, {user.version})
    with pytest.raises(Changed):
        await edit(pipeline.users, user.id, {user.version})
    with pytest.raises(Changed):
        await edit(pipeline.users, user.id, ())
    assert (await pipeline.users.get(user.id)).version == changed.version
    await edit(pipeline.users, user.id, {"another", changed.version})


@EACH
async def test_of_two_edits_at_once_that_saw_the_same_version_one_wins(
    pipeline: Pipeline, held: Held, edit: Edit
) -> None:
    user = await pipeline.create()
    change = {"first_name": "Grace"}
    first = await held.run_up_to_commit(held.users.patch(user.id, change, {user.version}))
    with pytest.raises(Changed):
        await commit_when_blocked(
            pipeline, held, first, edit(pipeline.users, user.id, {user.version})
        )
    assert (await pipeline.users.get(user.id)).version == (await first).version


@EACH
async def test_who_is_not_there_has_no_version(pipeline: Pipeline, edit: Edit) -> None:
    user = await pipeline.create()
    await pipeline.users.delete(user.id)
    for user_id in (user.id, uuid4()):
        with pytest.raises(NotFound):
            await edit(pipeline.users, user_id, {user.version})


async def test_every_change_brings_another_version_in_the_same_instant_too(
    pipeline: Pipeline,
) -> None:
    """The clock stands still all the while, and no trigger moves `updated_at` on."""
    await pipeline.execute("ALTER TABLE users DISABLE TRIGGER touch_user")
    users, user = pipeline.users, await pipeline.create()
    states = [
        user,
        await users.patch(user.id, {"location_city": "Paris"}),
        await users.patch(user.id, {"location_city": None}),
        await users.replace(user.id, person(email=user.email)),
        await users.unsubscribe(user.id),
        await users.resubscribe(user.id),
    ]
    await users.delete(user.id)
    states.append(await users.undelete(user.id))
    assert len({state.updated_at for state in states}) == 1
    assert len({state.version for state in states}) == len(states)
    for shown in (await users.get(user.id), *await users.list_page(None, 1)):
        assert shown.version == states[-1].version


@pytest.mark.parametrize("trigger", ["ENABLE", "DISABLE"])
async def test_a_change_by_sql_brings_another_version_though_updated_at_stands(
    pipeline: Pipeline, trigger: str
) -> None:
    user = await pipeline.create()
    await pipeline.execute(f"ALTER TABLE users {trigger} TRIGGER touch_user")
    await pipeline.execute("UPDATE users SET first_name = 'Augusta'")
    with pytest.raises(Changed):
        await pipeline.users.delete(user.id, {user.version})


async def test_a_read_a_lock_and_an_edit_that_changes_nothing_leave_the_version(
    pipeline: Pipeline,
) -> None:
    user = await pipeline.create()
    await pipeline.execute("SELECT FROM users FOR UPDATE")
    unchanged = await pipeline.users.resubscribe(user.id, {user.version})
    assert unchanged.version == user.version
    await pipeline.execute("VACUUM (FULL, FREEZE) users")
    assert (await pipeline.users.get(user.id)).version == user.version
