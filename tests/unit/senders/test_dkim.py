"""Signatures of letters: by the RFC's own example, and by a verifier that is not ours."""

import json
import shutil
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from heyday.domain.addresses import MailAddress
from heyday.domain.errors import ConfigurationError
from heyday.domain.letters import Letter
from heyday.senders.dkim import (
    DkimSigner,
    Key,
    canonical_header,
    load_key,
    relax_body,
    relax_field,
    sign_data,
)
from heyday.senders.mime import MimeWriter, Origin
from tests.fakes import MESSAGE
from tests.servers import missing

AT = datetime(2026, 1, 14, 9, tzinfo=UTC)  # a verifier believes none of the future
LINK = "https://hey.example.com/unsubscribe/" + "A" * 72
LETTER = Letter(
    key=MESSAGE.idempotency_key,
    to="ada@example.org",
    subject="Zoë, happy birthday!",
    text="Hey  \t Zoë \n\n.\n\n\n",
    html="<p>Hey, Zoë</p>",
    language="en",
    unsubscribe_url=LINK,
)
# Of RFC 8463, appendix A.3.
DIGEST = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="  # pragma: allowlist secret
SIGNATURE_LINES = (
    "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQ",  # pragma: allowlist secret
    "Udt9OdqQehSwhEIug4D11BusFa3bT3FY",  # pragma: allowlist secret
    "5OsU7ZbnKELq+eXdp1Q1Dw==",  # pragma: allowlist secret
)
# Debian's own Python has dkimpy; DNS is what the test says.
_PYTHON = "/usr/bin/python3"
_VERIFY = """
import dkim, json, sys
records = json.loads(sys.argv[1])
def look(name, timeout=5):
    return records[name.decode().rstrip(".")].encode()
def is_right(letter, number):
    try:
        return dkim.DKIM(letter).verify(idx=number, dnsfunc=look)
    except dkim.DKIMException:
        return False
def look_at(letter):
    signed = [name for name, _ in dkim.DKIM(letter).headers if name.lower() == b"dkim-signature"]
    return [is_right(letter, number) for number in range(len(signed))]
print(json.dumps([look_at(bytes.fromhex(line)) for line in sys.stdin]))
"""


def test_the_example_of_rfc_8463_is_reproduced() -> None:
    """Appendix A: the same key, letter and fields give the same signature, bit by bit."""
    seed = b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    lines = [
        ("From", "Joe SixPack <joe@football.example.com>"),
        ("To", "Suzie Q <suzie@shopping.example.net>"),
        ("Subject", "Is dinner ready?"),
        ("Date", "Fri, 11 Jul 2003 21:00:37 -0700 (PDT)"),
        ("Message-ID", "<20030712040037.46341.5F8J@football.example.com>"),
    ]
    body = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
    names = ["from", "to", "subject", "date", "message-id", "from", "subject", "date"]
    digest = b64encode(sha256(relax_body(body)).digest()).decode()
    assert digest == DIGEST
    unsigned = (
        "v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; "
        "i=@football.example.com;\r\n q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
        f" subject : date : message-id : from : subject : date;\r\n bh={digest};\r\n b="
    )
    data = canonical_header(lines, names, unsigned)
    signature = sign_data(Ed25519PrivateKey.from_private_bytes(seed), data)
    assert b64encode(signature).decode() == "".join(SIGNATURE_LINES)


@pytest.mark.parametrize(
    ("body", "relaxed"),
    [
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b"a \t b  \r\n\r\n c\r\n\r\n\r\n", b"a b\r\n\r\n c\r\n"),
    ],
)
def test_the_relaxed_form_of_a_body(body: bytes, relaxed: bytes) -> None:
    assert relax_body(body) == relaxed


def test_the_relaxed_form_of_a_field() -> None:
    assert relax_field("SubJect", " a \t b\r\n  c ") == b"subject:a b c"


@pytest.fixture(scope="module")
def keys() -> dict[str, Key]:
    return {
        "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ed25519": Ed25519PrivateKey.generate(),
    }


def record(key: Key) -> str:
    """Return what DNS is to say of a key."""
    if isinstance(key, Ed25519PrivateKey):
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k=ed25519; p={b64encode(raw).decode()}"
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={b64encode(der).decode()}"


def signed(keys: dict[str, Key], letter: Letter = LETTER) -> bytes:
    signers = [DkimSigner("example.com", selector, key) for selector, key in keys.items()]
    origin = Origin("Zoë at Acme", MailAddress("greetings", "example.com"))
    mail = MimeWriter(origin, signers).write(letter, AT)
    assert mail
    return mail.content


def verify(letters: Sequence[bytes], keys: dict[str, Key]) -> list[list[bool]]:
    """Return what Debian's dkimpy says of each signature, letter by letter."""
    look = [_PYTHON, "-c", "import dkim, nacl"]
    is_there = shutil.which(_PYTHON) is not None
    if not is_there or subprocess.run(look, check=False, capture_output=True).returncode:
        missing("dkimpy", "apt-get install python3-dkim python3-nacl")
    records = {f"{name}._domainkey.example.com": record(key) for name, key in keys.items()}
    done = subprocess.run(
        [_PYTHON, "-c", _VERIFY, json.dumps(records)],
        input="\n".join(letter.hex() for letter in letters),
        check=True,
        capture_output=True,
        text=True,
    )
    found: list[list[bool]] = json.loads(done.stdout)
    return found


FORGERIES = (
    (b"List-Unsubscribe-Post: List", b"List-Unsubscribe-Post: last"),
    (b"https://hey.example.com/", b"https://hex.example.com/"),
    (b"Hey", b"Hex"),
    (b"MIME-Version:", b"Subject: another\r\nMIME-Version:"),
    (b"MIME-Version:", b"Reply-To: evil@x.com\r\nMIME-Version:"),
    (b"MIME-Version:", b"From: evil@x.com\r\nMIME-Version:"),
    (b"MIME-Version:", b"Cc: evil@x.com\r\nMIME-Version:"),
    (b"Auto-Submitted: auto-generated\r\n", b""),
)


def test_another_verifier_accepts_both_signatures_and_whoever_changes_a_field_breaks_both(
    keys: dict[str, Key],
) -> None:
    """All letters in one process: to start it takes longer than to verify."""
    letter = signed(keys)
    assert all(found in letter for found, _ in FORGERIES)
    forged = [letter.replace(found, with_, 1) for found, with_ in FORGERIES]
    own, *others = verify([letter, *forged], keys)
    assert own == [True, True]
    assert dict(zip(FORGERIES, others, strict=True)) == {
        forgery: [False, False] for forgery in FORGERIES
    }


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_keys_are_read_from_pem(keys: dict[str, Key]) -> None:
    for key in keys.values():
        assert type(load_key(pem(key), "x")) is type(key)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no key",
        pem(ec.generate_private_key(ec.SECP256R1())),
        Path(__file__).read_bytes(),
    ],
    ids=["empty", "text", "of another kind", "a file"],
)
def test_what_is_no_key_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"mail.pem: expected a private key"):
        load_key(content, "mail.pem")
