"""Write whom letters are from, and their headers, as the APIs of providers want them."""

from heyday.domain.letters import Letter
from heyday.senders.header_lines import to_mailbox
from heyday.senders.mime import Origin


def from_field(origin: Origin) -> str:
    """Return whom letters are from as From has it, on one line."""
    return to_mailbox(origin.name, str(origin.address)).replace("\r\n", "")


def headers_of(letter: Letter) -> dict[str, str]:
    """Return the headers that a letter has beyond those of every letter.

    Source: RFC 3834 (Auto-Submitted), RFC 2369 and RFC 8058 (the pair by which a person leaves).
    """
    headers = {"Auto-Submitted": "auto-generated"}
    if letter.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers
