"""Signatures of Standard Webhooks, with the example that its specification gives."""

from datetime import UTC, datetime, timedelta

import pytest

from heyday.domain.errors import ConfigurationError, NotSigned
from heyday.domain.event_ports import Posted
from heyday.webhooks.standard import TOLERANCE, StandardSignature, read_secret
from tests.webhooks import AT, SECRET, signed_standard

# Source: the test vectors of https://docs.svix.com/receiving/verifying-payloads/how-manual
EXAMPLE_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # pragma: allowlist secret
EXAMPLE = Posted(
    {
        "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",  # pragma: allowlist secret
        "svix-timestamp": "1614265330",
        "svix-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
    b'{"test": 2432232314}',
)
EXAMPLE_AT = datetime.fromtimestamp(1614265330, UTC)


def with_signature(signature: str) -> Posted:
    return Posted({**EXAMPLE.headers, "svix-signature": signature}, EXAMPLE.body)


def test_the_documented_example_is_signed() -> None:
    signature = StandardSignature([EXAMPLE_SECRET], "svix")
    assert signature.check(EXAMPLE, EXAMPLE_AT) == EXAMPLE.headers["svix-id"]


def test_one_of_several_signatures_is_enough() -> None:
    good = EXAMPLE.headers["svix-signature"]
    signature = StandardSignature([EXAMPLE_SECRET], "svix")
    assert signature.check(with_signature(f"v1,AAAA v1a,BBBB {good}"), EXAMPLE_AT)


@pytest.mark.parametrize("given", ["", "v1,", "v1,AAAA", "v2,{}", "{}", "\u00e9"])
def test_any_other_is_not(given: str) -> None:
    digest = EXAMPLE.headers["svix-signature"].removeprefix("v1,")
    signature = StandardSignature([EXAMPLE_SECRET], "svix")
    with pytest.raises(NotSigned):
        signature.check(with_signature(given.format(digest)), EXAMPLE_AT)


@pytest.mark.parametrize("sign", [1, -1])
def test_clocks_may_differ_by_so_much_and_no_more(sign: int) -> None:
    posted, signature = signed_standard(b"{}", "x", AT), StandardSignature([SECRET], "webhook")
    assert signature.check(posted, AT + sign * TOLERANCE) == "x"
    with pytest.raises(NotSigned):
        signature.check(posted, AT + sign * (TOLERANCE + timedelta(seconds=1)))


@pytest.mark.parametrize("written", ["", "whsec_", "whsec_AAAA", "whsec_!!!", "\u00e9" * 40])
def test_a_secret_that_could_be_guessed_or_read_is_none(written: str) -> None:
    with pytest.raises(ConfigurationError, match="24 bytes or more in base64"):
        read_secret(written)
