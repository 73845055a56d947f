"""Links that nobody can read or forge, and addresses that are recognised unread."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.sealing import NO_SEALS, LinkSubject, Seals

NEW, OLD = b"n" * 32, b"o" * 32
SEALS = Seals((NEW, OLD))
SUBJECT = LinkSubject(UUID("8a6f2b1e-4c7d-4e30-8f3c-5d0a9b7e4d1c"), "BIRTHDAY")

subjects = st.builds(LinkSubject, st.uuids(), st.sampled_from([t.name for t in MESSAGE_TYPES]))


def written(seals: Seals = SEALS, subject: LinkSubject = SUBJECT) -> str:
    token = seals.write_link(subject)
    assert token
    return token


@given(subjects)
def test_a_link_is_read_as_it_was_written(subject: LinkSubject) -> None:
    assert SEALS.read_link(written(subject=subject)) == subject


def test_a_link_is_the_same_each_time() -> None:
    assert written() == written(Seals((NEW,)))


def test_links_differ_by_person_type_and_secret_and_have_one_length() -> None:
    other = LinkSubject(UUID(int=1), "BIRTHDAY")
    links = {
        written(),
        written(subject=other),
        written(subject=SUBJECT._replace(message_type="ANNIVERSARY")),
        written(Seals((OLD,))),
    }
    assert len(links) == 4
    assert {len(link) for link in links} == {72}


def test_nothing_can_be_read_in_a_link() -> None:
    """Two links have nothing in common but the version: one byte, so one character and a bit."""
    one, other = written(), written(subject=SUBJECT._replace(message_type="ANNIVERSARY"))
    assert sum(a == b for a, b in zip(one, other, strict=True)) < 12
    for token in (one, other):
        assert SUBJECT.user_id.hex not in token
        assert "BIRTHDAY" not in token


@pytest.mark.parametrize("place", range(72))
def test_a_link_with_any_character_changed_is_none(place: int) -> None:
    token = written()
    for character in "AQgw-":
        forged = token[:place] + character + token[place + 1 :]
        assert forged == token or SEALS.read_link(forged) is None


@pytest.mark.parametrize("text", ["", "x", "A" * 71, "A" * 72, "A" * 73, "ä" * 72, "A" * 71 + "\n"])
def test_another_text_is_no_link(text: str) -> None:
    assert SEALS.read_link(text) is None


def test_a_former_secret_is_still_known_and_a_foreign_one_is_not() -> None:
    assert SEALS.read_link(written(Seals((OLD,)))) == SUBJECT
    assert SEALS.read_link(written(Seals((b"f" * 32,)))) is None


def test_without_a_secret_there_are_no_links_and_nobody_is_remembered() -> None:
    assert NO_SEALS.write_link(SUBJECT) is None
    assert NO_SEALS.read_link(written()) is None
    assert NO_SEALS.digest("ada@example.com") is None
    assert NO_SEALS.digests("ada@example.com") == []


@pytest.mark.parametrize("same", ["ADA@example.com", "ada@EXAMPLE.com"])
def test_an_address_is_recognised_in_any_case(same: str) -> None:
    assert SEALS.digest(same) == SEALS.digest("ada@example.com")


def test_another_address_or_secret_gives_another_digest() -> None:
    digests = [*SEALS.digests("ada@example.com"), *SEALS.digests("adb@example.com")]
    assert len(set(digests)) == 4
    assert {len(digest) for digest in digests} == {32}


def test_the_secret_itself_is_no_key_of_an_address() -> None:
    """What is derived for one purpose serves no other."""
    keys = SEALS._keys[0]  # noqa: SLF001
    assert len({keys.address, keys.tag, keys.cover, NEW}) == 4
