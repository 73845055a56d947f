"""Key what is to be recognised later without being readable: addresses, and links to unsubscribe.

Source: docs/adr/0027; RFC 2104 (HMAC), RFC 5297 (a tag that is also the nonce).
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from heyday.domain.addresses import fold_address

SECRET_BYTES = 32
"""How many bytes a secret has at the least."""

_VERSION = b"\x01"
_TAG_BYTES = 16
_ID_BYTES = 16
# A name of a message type has up to 20; one length for all tells nothing of the type.
_NAME_BYTES = 21
_TOKEN = re.compile(r"[A-Za-z0-9_-]{72}", re.ASCII)


class LinkSubject(NamedTuple):
    """Say whom a link is for, and the name of the message type that it came with."""

    user_id: UUID
    message_type: str


@dataclass(frozen=True)
class _Keys:
    """Hold what is made of one secret: a key for each purpose."""

    address: bytes
    tag: bytes
    cover: bytes

    @classmethod
    def of(cls, secret: bytes) -> "_Keys":
        def derive(purpose: str) -> bytes:
            return hmac.digest(secret, f"heyday {purpose}".encode(), "sha256")

        return cls(derive("address"), derive("link tag"), derive("link cover"))

    def tag_of(self, subject: bytes) -> bytes:
        return hmac.digest(self.tag, _VERSION + subject, "sha256")[:_TAG_BYTES]

    def covered(self, tag: bytes, subject: bytes) -> bytes:
        """Cover a subject, or uncover it: the same step."""
        stream = hmac.digest(self.cover, tag, "sha512")
        return bytes(a ^ b for a, b in zip(subject, stream, strict=False))


@dataclass(frozen=True)
class Seals:
    """Write with the first secret; recognise what any of them has written.

    secrets: newest first; with none, nobody is remembered and no link is made.
    """

    secrets: tuple[bytes, ...] = ()

    @cached_property
    def _keys(self) -> tuple[_Keys, ...]:
        return tuple(_Keys.of(secret) for secret in self.secrets)

    def digest(self, address: str) -> bytes | None:
        """Return what stands for an address on the list of those who want no greetings.

        None if there is no secret.
        """
        return next(iter(self.digests(address)), None)

    def digests(self, address: str) -> Sequence[bytes]:
        """Return what may stand there for it: by each secret, newest first."""
        folded = fold_address(address).encode("utf-8", "surrogatepass")
        return [hmac.digest(keys.address, folded, "sha256") for keys in self._keys]

    def write_link(self, subject: LinkSubject) -> str | None:
        """Return the token of a link: the same each time, and nothing in it can be read.

        None if there is no secret.
        """
        if not self._keys:
            return None
        keys = self._keys[0]
        name = subject.message_type.encode("ascii").ljust(_NAME_BYTES, b"\0")
        plain = subject.user_id.bytes + name
        tag = keys.tag_of(plain)
        return urlsafe_b64encode(_VERSION + tag + keys.covered(tag, plain)).decode("ascii")

    def read_link(self, token: str) -> LinkSubject | None:
        """Return what a token of ours says; None for any other text."""
        if not _TOKEN.fullmatch(token):
            return None
        raw = urlsafe_b64decode(token)
        version, tag, cover = raw[:1], raw[1 : 1 + _TAG_BYTES], raw[1 + _TAG_BYTES :]
        if version != _VERSION:
            return None
        return next(self._uncovered(tag, cover), None)

    def _uncovered(self, tag: bytes, cover: bytes) -> Iterator[LinkSubject]:
        for keys in self._keys:
            plain = keys.covered(tag, cover)
            if hmac.compare_digest(keys.tag_of(plain), tag):
                name = plain[_ID_BYTES:].rstrip(b"\0").decode("ascii")
                yield LinkSubject(UUID(bytes=plain[:_ID_BYTES]), name)


NO_SEALS = Seals()
