"""What a session is: its token, its proofs, its end, and where it may lead."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.sessions import (
    CSRF_LENGTH,
    EXTENDED_EVERY,
    IDLE,
    LONGEST,
    NONCE_BYTES,
    TOKEN_BYTES,
    WebSession,
    cookie_name,
    digest_of,
    form_csrf,
    form_token,
    is_csrf,
    is_from_here,
    is_loopback,
    is_open_wire,
    is_token,
    is_unsafe_place,
    own_path,
)

NOW = datetime(2027, 1, 14, 9, tzinfo=UTC)
TOKEN, OTHER = form_token(b"\xaa" * TOKEN_BYTES), form_token(b"b" * TOKEN_BYTES)
NONCE = b"n" * NONCE_BYTES


def session(**changed: datetime) -> WebSession:
    given = {"created_at": NOW, "idle_until": NOW + IDLE, "ends_at": NOW + LONGEST, **changed}
    return WebSession(UUID(int=1), "1f3c5d0a", **given)


class TestTokens:
    def test_a_token_is_made_of_chance_and_of_all_of_it(self) -> None:
        assert is_token(TOKEN)
        assert len({TOKEN, OTHER, digest_of(TOKEN).hex(), digest_of(OTHER).hex()}) == 4
        with pytest.raises(ValueError, match="got 31 bytes"):
            form_token(b"a" * 31)

    @pytest.mark.parametrize("text", ["", TOKEN[:-1], TOKEN + "0", TOKEN.upper(), f"{TOKEN}\n"])
    def test_nothing_else_is_a_token(self, text: str) -> None:
        assert not is_token(text)


class TestProofs:
    def test_a_proof_is_of_its_session_alone_and_never_the_same(self) -> None:
        proof = form_csrf(TOKEN, NONCE)
        assert len(proof) == CSRF_LENGTH
        assert is_csrf(TOKEN, proof)
        assert not is_csrf(OTHER, proof)
        assert form_csrf(TOKEN, b"m" * NONCE_BYTES) != proof
        assert TOKEN not in proof
        with pytest.raises(ValueError, match="got a nonce of 3 bytes"):
            form_csrf(TOKEN, b"abc")

    @given(st.integers(0, CSRF_LENGTH - 1))
    def test_a_proof_with_one_wrong_letter_is_none(self, at: int) -> None:
        proof = form_csrf(TOKEN, NONCE)
        wrong = "0" if proof[at] != "0" else "1"
        assert not is_csrf(TOKEN, proof[:at] + wrong + proof[at + 1 :])

    @given(st.text(max_size=CSRF_LENGTH + 1))
    def test_any_text_is_taken_for_what_it_is(self, text: str) -> None:
        assert not is_csrf(TOKEN, text)


class TestLasting:
    def test_it_ends_when_it_is_not_used_and_in_any_case(self) -> None:
        assert session().lasts(NOW + IDLE - timedelta(seconds=1))
        assert not session().lasts(NOW + IDLE)
        used = session(idle_until=NOW + LONGEST)
        assert used.lasts(NOW + LONGEST - timedelta(seconds=1))
        assert not used.lasts(NOW + LONGEST)

    def test_use_is_written_down_now_and_then(self) -> None:
        assert session().extended(NOW + EXTENDED_EVERY) is None
        soon = NOW + EXTENDED_EVERY + timedelta(seconds=1)
        assert session().extended(soon) == soon + IDLE

    def test_no_use_takes_it_beyond_its_end(self) -> None:
        late = NOW + LONGEST - timedelta(hours=1)
        assert session(idle_until=late + timedelta(minutes=1)).extended(late) == NOW + LONGEST
        assert session(idle_until=NOW + LONGEST).extended(late) is None


@pytest.mark.parametrize(
    "path", ["/", "/people", "/people/1?after=2&x=%2F%2Fevil", "/a//b", "/%2F%2Fevil.example"]
)
def test_a_path_of_our_own_is_led_to(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "people",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/people\\..\\evil",
        "https://evil.example",
        "https:/evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r\nSet-Cookie: a=b",
        " //evil.example",
        "/ /evil.example",
        "/\x00",
        "/é",
        "/" + "x" * 2000,
        "/sign-in",
        "/sign-in?next=/",
        "/sign-out",
    ],
)
def test_nobody_is_led_elsewhere_or_in_a_circle(text: str) -> None:
    assert own_path(text) == "/"


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "127.0.0.1:8000", "127.9.9.9", "[::1]:8000", "a.localhost"],
)
def test_this_machine_is_known_by_its_names(host: str) -> None:
    assert is_loopback(host)
    assert cookie_name("http", host) == "heyday"
    assert is_unsafe_place("http", host)
    assert not is_unsafe_place("https", host)
    assert not is_open_wire(host, f"http://{host}")


@pytest.mark.parametrize(
    "host",
    [
        "",
        "heyday.example.com",
        "localhost.example.com",
        "127.0.0.1.example.com",
        "evil.example/@localhost",
        "evil.example@localhost",
        "localhost#.example",
        "192.168.0.1",
        "[::2]",
        "[",
    ],
)
def test_no_other_name_is_taken_for_this_machine(host: str) -> None:
    assert not is_loopback(host)
    assert cookie_name("http", host) == cookie_name("https", host) == "__Host-heyday"
    assert is_open_wire(host, f"http://{host}")
    assert not is_open_wire(host, f"https://{host}")
    assert not is_open_wire(host, None)


@pytest.mark.parametrize(
    ("site", "origin", "verdict"),
    [
        ("same-origin", None, True),
        ("none", None, True),
        ("same-origin", "http://proxied.internal", True),
        ("same-site", "http://localhost:8000", False),
        ("cross-site", "http://localhost:8000", False),
        ("", "http://localhost:8000", False),
        (None, "http://localhost:8000", True),
        (None, "HTTP://LOCALHOST:8000", True),
        (None, "http://localhost:8001", False),
        (None, "http://localhost:8000.evil.example", False),
        (None, "null", False),
        (None, "", False),
        (None, "localhost:8000", False),
        (None, None, None),
    ],
)
def test_a_browser_says_where_a_form_comes_from(
    site: str | None, origin: str | None, verdict: object
) -> None:
    assert is_from_here("localhost:8000", site, origin) is verdict
