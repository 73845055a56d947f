"""Read the API key that comes with a request."""

import base64
import binascii
from collections.abc import Iterable

from heyday.domain.access import Credential, read_credential

BEARER = "Bearer"
BASIC = 'Basic realm="Heyday", charset="UTF-8"'

_HEADER = b"authorization"
# Longer than any key in either form; what is longer is not even decoded.
_LONGEST = 1024


class NoKey(Exception):
    """Report that a request has no key. was_given: whether there was something in its place."""

    def __init__(self, *, was_given: bool) -> None:
        self.was_given = was_given
        super().__init__()


def read_key(headers: Iterable[tuple[bytes, bytes]], *, takes_basic: bool) -> Credential:
    """Return the key from the header Authorization.

    takes_basic: whether it may be the password of HTTP Basic, as browsers ask for it.
    Raises NoKey, also for two such headers: nobody can say which of them a proxy looked at.
    """
    given = [value for name, value in headers if name == _HEADER]
    if not given:
        raise NoKey(was_given=False)
    scheme, _, rest = given[0].partition(b" ")
    text = b""
    if len(given) == 1 and len(rest) <= _LONGEST:
        if scheme.lower() == b"bearer":
            text = rest.strip()
        elif scheme.lower() == b"basic" and takes_basic:
            text = _password(rest.strip())
    credential = read_credential(text.decode("latin-1"))
    if credential is None:
        raise NoKey(was_given=True)
    return credential


def _password(encoded: bytes) -> bytes:
    """Return the password out of `user:password` in base64; empty for anything else."""
    try:
        return base64.b64decode(encoded, validate=True).partition(b":")[2]
    except binascii.Error:
        return b""
