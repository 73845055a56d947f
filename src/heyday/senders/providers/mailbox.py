"""Write addresses and headers as the APIs of providers want them."""

from dataclasses import dataclass
from email.utils import formataddr

from heyday.domain.addresses import to_mail_address
from heyday.domain.idempotency import to_tag
from heyday.domain.letters import Letter


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Hold whom letters are from. name: as people see it; empty: the address alone."""

    address: str
    name: str = ""

    @property
    def header(self) -> str:
        """Return both as a From header has them; a name beyond ASCII is encoded (RFC 2047)."""
        return formataddr((self.name, self.address))

    @property
    def domain(self) -> str:
        """Return the domain of the address."""
        return self.address.rpartition("@")[2]


def find_address(to: str) -> str | None:
    """Return an address with its domain in ASCII, which every provider knows; None: it is none.

    Some providers take a list with commas where one address is meant, so nothing may look like one.
    """
    found = to_mail_address(to)
    return str(found) if found else None


def headers_of(letter: Letter) -> dict[str, str]:
    """Return the headers that a letter has beyond those of every letter.

    Source: RFC 3834 (Auto-Submitted), RFC 2369 and RFC 8058 (the pair by which a person leaves).
    """
    headers = {"Auto-Submitted": "auto-generated"}
    if letter.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def message_id_of(letter: Letter, domain: str) -> str:
    """Return the Message-ID of a letter: the same for each attempt at it."""
    return f"<{to_tag(letter.key)}@{domain}>"
