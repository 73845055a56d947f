"""Sign letters with a domain's key, so that mailbox providers can tell that they are its own.

Source: RFC 6376 (DKIM), RFC 8463 (Ed25519), RFC 8301 (what is too weak); docs/adr/0037.
"""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from heyday.domain.errors import ConfigurationError
from heyday.senders.header_lines import Lines

NAME = "DKIM-Signature"
_LEAST_BITS = 1024
_BLANKS = re.compile(rb"[ \t]+")
_FOLD = 72
# Signed once more than they are there: whoever adds another breaks the signature.
_GUARDED = (
    *("From", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID", "MIME-Version"),
    *("Content-Type", "Content-Transfer-Encoding", "List-Unsubscribe", "List-Unsubscribe-Post"),
)
_PRESENT = ("Auto-Submitted", "Content-Language")

Key = RSAPrivateKey | Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class DkimSigner:
    """Sign for a domain; DNS has the public key at {selector}._domainkey.{domain}."""

    domain: str
    selector: str
    key: Key

    def sign(self, lines: Lines, body: bytes, at: datetime) -> tuple[str, str]:
        """Return the field that signs a letter's header and body, to stand before the others."""
        names = _signed_names(lines)
        tags = [
            "v=1",
            f"a={'rsa' if isinstance(self.key, RSAPrivateKey) else 'ed25519'}-sha256",
            "c=relaxed/relaxed",
            f"d={self.domain}",
            f"s={self.selector}",
            f"t={int(at.timestamp())}",
            f"h={_list(names)}",
            f"bh={b64encode(sha256(relax_body(body)).digest()).decode()}",
            "b=",
        ]
        unsigned = ";\r\n ".join(tags)
        data = canonical_header(lines, names, unsigned)
        signature = b64encode(sign_data(self.key, data)).decode("ascii")
        parts = [signature[at : at + _FOLD] for at in range(0, len(signature), _FOLD)]
        return NAME, unsigned + "\r\n ".join(parts)


def load_key(pem: bytes, source: str) -> Key:
    """Return a private key. source: where it comes from. Raises ConfigurationError."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, RSAPrivateKey) and key.key_size >= _LEAST_BITS:
        return key
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise ConfigurationError(
        f"{source}: expected a private key as PEM without a passphrase: RSA of {_LEAST_BITS} bits "
        "or more (2048 are usual), or Ed25519"
    )


def sign_data(key: Key, data: bytes) -> bytes:
    """Return a signature; with Ed25519 it is the hash that is signed (RFC 8463, section 3)."""
    if isinstance(key, RSAPrivateKey):
        return key.sign(data, PKCS1v15(), SHA256())
    return key.sign(sha256(data).digest())


def canonical_header(lines: Lines, names: Sequence[str], unsigned: str) -> bytes:
    """Return what is signed: the named fields, the last of a name first, and the signature's own.

    Of a name that is not there any more, nothing.
    """
    left: dict[str, list[str]] = {}
    for name, value in lines:
        left.setdefault(name.lower(), []).append(value)
    chosen = [
        relax_field(name, left[name.lower()].pop()) for name in names if left.get(name.lower())
    ]
    return b"".join([*(field + b"\r\n" for field in chosen), relax_field(NAME, unsigned)])


def relax_field(name: str, value: str) -> bytes:
    """Return a field in its relaxed form (RFC 6376, section 3.4.2), without an end of line."""
    unfolded = value.encode("utf-8").replace(b"\r\n", b"")
    return name.lower().encode("ascii") + b":" + _BLANKS.sub(b" ", unfolded).strip(b" ")


def relax_body(body: bytes) -> bytes:
    """Return a body in its relaxed form (RFC 6376, section 3.4.4). body: with CRLF."""
    lines = [_BLANKS.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def _signed_names(lines: Lines) -> list[str]:
    there = Counter(name for name, _ in lines)
    signed = [name for name in (*_GUARDED, *_PRESENT) for _ in range(there[name])]
    return [*signed, *_GUARDED]


def _list(names: Sequence[str]) -> str:
    """Return names with colons between, in lines that are not too long."""
    rows: list[str] = [""]
    for name in names:
        if len(rows[-1]) + len(name) > _FOLD:
            rows.append("")
        rows[-1] += f"{name.lower()}:"
    return "\r\n ".join(rows).removesuffix(":")
