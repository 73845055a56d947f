"""The mail server of tests speaks to a client that is not ours, and loses count of nothing."""

import io
from pathlib import Path

import aiosmtplib
import pytest

from tests.mail import (
    IN_DIALOGUE,
    KEEPING,
    Behaviour,
    Drop,
    MailServer,
    by_chance,
    key_of,
    read_letters,
)

KEY = "6f9619ff-8b86-4011-b42d-00cf4fc964ff:BIRTHDAY:2027-01-14"
TAG = KEY.replace(":", "__")
LETTER = f"From: a@example.com\r\nMessage-ID: <{TAG}@example.com>\r\n\r\n.one\r\n..two\r\n".encode()


async def hand_over(server: MailServer) -> aiosmtplib.SMTPResponse:
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=server.port, start_tls=False)
    async with client:
        await client.mail("a@example.com")
        await client.rcpt("b@example.com")
        return await client.data(LETTER)


async def test_a_letter_is_kept_as_it_was_and_written_down(tmp_path: Path) -> None:
    path = tmp_path / "letters"
    async with MailServer() as server:
        server.log = io.BytesIO()
        with path.open("wb") as server.raw:
            assert (await hand_over(server)).code == 250
        server.flush()
        assert server.taken.letters == [LETTER]
        assert server.taken.envelopes == [("a@example.com", "b@example.com")]
        assert server.taken.keys == {KEY: 1}
        assert server.log.getvalue().endswith(f" {KEY}\n".encode())
    assert list(read_letters(path)) == [LETTER]


@pytest.mark.parametrize("drop", IN_DIALOGUE)
async def test_a_connection_breaks_where_it_is_to_and_keeps_what_it_says(drop: Drop) -> None:
    async with MailServer(Behaviour(drop=lambda _: drop)) as server:
        with pytest.raises(aiosmtplib.SMTPException):
            await hand_over(server)
        assert server.taken.drops == {drop: 1}
        assert bool(server.taken.letters) == (drop in KEEPING)


def test_chance_is_the_same_for_one_seed_and_of_every_kind() -> None:
    def draws(seed: int) -> list[Drop | None]:
        return list(map(by_chance(seed, 0.5, IN_DIALOGUE), range(200)))

    assert draws(1) == draws(1) != draws(2)
    assert set(draws(1)) == {None, *IN_DIALOGUE}


@pytest.mark.parametrize("letter", [b"", b"Subject: x\r\n\r\nMessage-ID: <a@b>\r\n"])
def test_a_letter_without_a_message_id_has_no_key(letter: bytes) -> None:
    assert key_of(letter) == ""
