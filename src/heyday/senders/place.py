"""Know where a provider's API lives, and write requests to it."""

from base64 import b64encode
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote, unquote, urlsplit

# What may stand in a path as it is (RFC 3986, section 3.3), and the sign of what is escaped.
_OF_PATHS = "/%:@!$&'()*+,;=~-._"
_JSON = MappingProxyType({"Content-Type": "application/json"})


class Place:
    """Hold an address, taken apart, and what every request to it says.

    url: http:// or https://, a host, and no query.   headers: of every request.
    """

    def __init__(self, url: str, headers: Mapping[str, str] = _JSON) -> None:
        parts = urlsplit(url)
        self.is_secure = parts.scheme == "https"
        self.host = (parts.hostname or "").encode("idna").decode()
        self.port = parts.port or (443 if self.is_secure else 80)
        named = f"[{self.host}]" if ":" in self.host else self.host
        self.authority = f"{named}:{parts.port}" if parts.port else named
        self._path = quote(parts.path, safe=_OF_PATHS)
        lines = {
            "Host": self.authority,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "Heyday",
            **headers,
        }
        if parts.username is not None or parts.password is not None:
            login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
            lines["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
        self._headers = header_lines(lines)
        self._begun: dict[str, bytes] = {}

    def path_of(self, name: str) -> str:
        """Return the path of what has a name there; without one, of the address itself."""
        return f"{self._path.rstrip('/')}/{name}" if name else self._path or "/"

    def request(
        self, name: str, content: bytes, key: str | None = None, lines: bytes = b""
    ) -> bytes:
        """Return a POST to what has a name there. key: of the greeting in it.

        lines: more headers, as `header_lines` writes them. Raises ValueError for a key that would
        not stay within its header.
        """
        if name not in self._begun:
            begun = f"POST {self.path_of(name)} HTTP/1.1\r\n".encode("ascii")
            self._begun[name] = begun + self._headers
        if key is None:
            return b"%b%bContent-Length: %d\r\n\r\n%b" % (
                self._begun[name],
                lines,
                len(content),
                content,
            )
        if not key.isprintable():
            raise ValueError("idempotency key: got control characters; expected one line of ASCII")
        return b"%b%bIdempotency-Key: %b\r\nContent-Length: %d\r\n\r\n%b" % (
            self._begun[name],
            lines,
            key.encode("ascii"),
            len(content),
            content,
        )


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Return headers as they stand in a request.

    Raises ValueError, which never tells it, for a value that would not stay within its line.
    """
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise ValueError(f"{name}: got characters that no header may hold; expected ASCII")
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("ascii")
