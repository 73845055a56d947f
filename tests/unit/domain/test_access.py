"""What a key looks like, what opens it, and what may be asked of a new one."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.access import (
    CHANCE_BYTES,
    NAME_LENGTH,
    ApiKey,
    Credential,
    NewKey,
    Scope,
    StoredKey,
    form_credential,
    is_prefix,
    read_credential,
    read_draft,
)
from heyday.domain.errors import InvalidInput

NOW = datetime(2027, 1, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECRET = "0123456789abcdef" * 4
GOOD: dict[str, object] = {"name": "x", "scopes": ["admin"]}
KEY = f"hd_1f3c5d0a_{SECRET}"


def key(*scopes: Scope, **fields: datetime) -> ApiKey:
    return ApiKey(UUID(int=1), "1f3c5d0a", "a test", frozenset(scopes), NOW, **fields)


@given(st.binary(min_size=CHANCE_BYTES, max_size=CHANCE_BYTES))
def test_a_key_reads_as_it_was_formed(chance: bytes) -> None:
    credential = form_credential(chance)
    assert read_credential(credential.text) == credential
    assert is_prefix(credential.prefix)
    # All of the chance is in it: 256 bits in the secret.
    assert bytes.fromhex(credential.prefix + credential.secret) == chance


def test_too_little_chance_makes_no_key() -> None:
    with pytest.raises(ValueError, match="expected 36"):
        form_credential(b"x" * 35)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hd_",
        KEY[:-1],
        f"{KEY}0",
        f"{KEY}\n",
        f" {KEY}",
        KEY.upper(),
        KEY.replace("hd_", "sk_"),
        KEY.replace("_", "-"),
        f"hd_1f3c5d0_{SECRET}",
        f"hd_1f3c5d0a_{SECRET[:-1]}\u0661",
        f"hd_1f3c5d0a_{SECRET[:-1]}\x00",
    ],
)
def test_anything_else_is_no_key(text: str) -> None:
    assert read_credential(text) is None


@pytest.mark.parametrize("text", ["", "1f3c5d0", "1f3c5d0a1", "1F3C5D0A", "1f3c5d0\x00", KEY])
def test_what_can_be_no_prefix(text: str) -> None:
    assert not is_prefix(text)


def test_a_stored_key_is_opened_by_its_own_secret_alone() -> None:
    credential = read_credential(KEY)
    assert credential
    stored = StoredKey(key(Scope.ADMIN), hashlib.sha256(SECRET.encode()).digest())
    assert stored.is_opened_by(credential)
    assert not stored.is_opened_by(Credential(credential.prefix, SECRET[::-1]))


def test_no_secret_shows_where_a_value_is_printed() -> None:
    credential = Credential("1f3c5d0a", SECRET)
    for value in (credential, NewKey(key(), KEY), StoredKey(key(), credential.digest)):
        assert SECRET[:8] not in repr(value)
        assert repr(credential.digest) not in repr(value)


@pytest.mark.parametrize(
    ("fields", "is_valid"),
    [
        ({}, True),
        ({"expires_at": NOW + HOUR}, True),
        ({"expires_at": NOW}, False),
        ({"expires_at": NOW - HOUR}, False),
        ({"revoked_at": NOW - HOUR}, False),
        ({"revoked_at": NOW - HOUR, "expires_at": NOW + HOUR}, False),
        # Whatever clock it was revoked by.
        ({"revoked_at": NOW + HOUR}, False),
    ],
)
def test_a_key_is_valid_until_it_expires_or_is_revoked(
    fields: dict[str, datetime], *, is_valid: bool
) -> None:
    assert key(Scope.ADMIN, **fields).is_valid(NOW) is is_valid


def test_a_key_allows_its_scopes_and_admin_allows_all() -> None:
    assert {s for s in Scope if key(Scope.USERS_READ).allows(s)} == {Scope.USERS_READ}
    two = key(Scope.USERS_WRITE, Scope.MESSAGES_READ)
    assert {s for s in Scope if two.allows(s)} == {Scope.USERS_WRITE, Scope.MESSAGES_READ}
    assert all(key(Scope.ADMIN).allows(scope) for scope in Scope)


def test_a_draft_is_what_was_asked_for() -> None:
    draft = read_draft(
        {
            "name": " payroll 🎂 ",
            "scopes": ["users:read", "users:read", "admin"],
            "expires_at": "2027-01-14T02:00:00+01:00",
        },
        NOW,
    )
    assert draft.name == "payroll 🎂"
    assert draft.scopes == {Scope.USERS_READ, Scope.ADMIN}
    assert draft.expires_at == NOW + HOUR
    assert (
        read_draft({"name": "x", "scopes": ["admin"], "expires_at": None}, NOW).expires_at is None
    )


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"name": None}, "name", "required"),
        ({"name": "  "}, "name", "required"),
        ({"name": 7}, "name", "required"),
        ({"name": "x" * (NAME_LENGTH + 1)}, "name", "at most 100"),
        ({"name": "a\x00b"}, "name", "cannot be shown"),
        ({"name": "a\ud800b"}, "name", "cannot be shown"),
        ({"name": "a\u202eb"}, "name", "cannot be shown"),
        ({"scopes": None}, "scopes", "required"),
        ({"scopes": []}, "scopes", "required"),
        ({"scopes": "admin"}, "scopes", "required"),
        ({"scopes": ["root"]}, "scopes", "known: users:read"),
        ({"scopes": [["admin"]]}, "scopes", "known: users:read"),
        ({"scopes": [None]}, "scopes", "known: users:read"),
        ({"expires_at": "soon"}, "expires_at", "not an instant"),
        ({"expires_at": 7}, "expires_at", "not an instant"),
        ({"expires_at": "2027-01-15T00:00:00"}, "expires_at", "its offset"),
        ({"expires_at": "2027-01-14T00:00:00Z"}, "expires_at", "in the past"),
        ({"expires_at": "9999-12-31T23:59:59-23:59"}, "expires_at", "too far"),
        ({"scope": "admin"}, "scope", "not a field of a key"),
    ],
)
def test_a_wrong_field_is_named_with_its_rule(
    changed: dict[str, object], field: str, said: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_draft({**GOOD, **changed}, NOW)
    (problem,) = refused.value.problems
    assert problem.field == field
    assert said in problem.detail


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_draft({"expires_at": "soon", "owner": 1}, NOW)
    named = {problem.field for problem in refused.value.problems}
    assert named == {"name", "scopes", "expires_at", "owner"}
