"""Read the API key that comes with a request."""

from collections.abc import Iterable

from heyday.domain.access import Credential, read_credential

BEARER = "Bearer"
HEADER = b"authorization"

# Longer than any key; what is longer is not even decoded.
_LONGEST = 1024


class NoKey(Exception):
    """Report that a request has no key. was_given: whether there was something in its place."""

    def __init__(self, *, was_given: bool) -> None:
        self.was_given = was_given
        super().__init__()


def read_key(headers: Iterable[tuple[bytes, bytes]]) -> Credential:
    """Return the key from the header Authorization.

    Raises NoKey, also for two such headers: nobody can say which of them a proxy looked at.
    """
    given = [value for name, value in headers if name == HEADER]
    if not given:
        raise NoKey(was_given=False)
    scheme, _, rest = given[0].partition(b" ")
    text = b""
    if len(given) == 1 and len(rest) <= _LONGEST and scheme.lower() == b"bearer":
        text = rest.strip()
    credential = read_credential(text.decode("latin-1"))
    if credential is None:
        raise NoKey(was_given=True)
    return credential
