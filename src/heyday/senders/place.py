"""Know where a provider's API lives, and write requests to it."""

from base64 import b64encode
from urllib.parse import quote, unquote, urlsplit

# What may stand in a path as it is (RFC 3986, section 3.3), and the sign of what is escaped.
_OF_PATHS = "/%:@!$&'()*+,;=~-._"


class Place:
    """Hold an address, taken apart. url: http:// or https://, a host, and no query."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.is_secure = parts.scheme == "https"
        self.host = (parts.hostname or "").encode("idna").decode()
        self.port = parts.port or (443 if self.is_secure else 80)
        self._path = quote(parts.path.rstrip("/"), safe=_OF_PATHS)
        named = f"[{self.host}]" if ":" in self.host else self.host
        lines = [
            f"Host: {named}:{parts.port}" if parts.port else f"Host: {named}",
            "Accept: application/json",
            "Accept-Encoding: identity",
            "User-Agent: Heyday",
            "Content-Type: application/json",
        ]
        if parts.username is not None or parts.password is not None:
            login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
            lines.append(f"Authorization: Basic {b64encode(login.encode()).decode()}")
        self._headers = "\r\n".join(lines)
        self._begun: dict[str, bytes] = {}

    def request(self, name: str, content: bytes, key: str | None) -> bytes:
        """Return a POST of JSON to what has a name there; key: of the greeting in it.

        Raises ValueError for a key that would not stay within its header.
        """
        if name not in self._begun:
            begun = f"POST {self._path}/{name} HTTP/1.1\r\n{self._headers}\r\n"
            self._begun[name] = begun.encode("ascii")
        if key is None:
            return b"%bContent-Length: %d\r\n\r\n%b" % (self._begun[name], len(content), content)
        if not key.isprintable():
            raise ValueError("idempotency key: got control characters; expected one line of ASCII")
        return b"%bIdempotency-Key: %b\r\nContent-Length: %d\r\n\r\n%b" % (
            self._begun[name],
            key.encode("ascii"),
            len(content),
            content,
        )
