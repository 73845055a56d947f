"""Write letters as MIME: once, as the bytes that are sent, signed where keys are there.

Source: RFC 5322, 2045, 2046, 2369, 3834, 8058; docs/adr/0037.
"""

import re
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from heyday.domain.addresses import MailAddress, to_mail_address
from heyday.domain.idempotency import to_tag
from heyday.domain.letters import Letter
from heyday.senders.dkim import DkimSigner
from heyday.senders.header_lines import Lines, to_date, to_mailbox, to_words, write

_LONGEST_LINE = 78
_TAG = re.compile(r"[A-Za-z0-9-]{1,35}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_URL = re.compile(r"https://[!-;=?-~]{1,900}", re.ASCII)
# Lines as they are, of plain characters. "--=_" begins no line but one between parts.
_SEVEN_BIT = re.compile(rf"(?:(?!--=_)[\t -~]{{0,{_LONGEST_LINE}}}\r\n)*", re.ASCII)
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_NO_TEXT = re.compile("[\x00\ufdd0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Origin:
    """Say whom letters are from. reply_to: where answers go; None: to whom they are from."""

    name: str
    address: MailAddress
    reply_to: MailAddress | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """Hold a letter as a mail server takes it. content: with CRLF, and one at its end."""

    sender: str
    recipient: MailAddress
    content: bytes


class MimeWriter:
    """Write letters. signers: each adds a signature."""

    def __init__(self, origin: Origin, signers: Sequence[DkimSigner] = ()) -> None:
        self._origin = origin
        self._signers = signers
        self._from = to_mailbox(origin.name, str(origin.address))

    def write(self, letter: Letter, at: datetime) -> Mail | None:
        """Return a letter, dated; None if its address is none that mail can be sent to."""
        recipient = to_mail_address(letter.to)
        if recipient is None:
            return None
        is_plain = letter.html is None
        fields, body = _part("plain", letter.text) if is_plain else _alternatives(letter)
        lines = [*self._head(letter, recipient, at), *fields]
        signatures = [signer.sign(lines, body, at) for signer in self._signers]
        head = write([*signatures, *lines]).encode("utf-8")
        return Mail(str(self._origin.address), recipient, head + b"\r\n" + body)

    def _head(self, letter: Letter, recipient: MailAddress, at: datetime) -> Lines:
        origin = self._origin
        lines = [
            ("From", self._from),
            ("To", str(recipient)),
            ("Subject", to_words(letter.subject, len("Subject"))),
            ("Date", to_date(at)),
            ("Message-ID", message_id(letter.key, origin.address.domain)),
            ("Auto-Submitted", "auto-generated"),
            ("MIME-Version", "1.0"),
        ]
        if origin.reply_to:
            lines.insert(1, ("Reply-To", str(origin.reply_to)))
        if _TAG.fullmatch(letter.language):
            lines.append(("Content-Language", letter.language))
        if letter.unsubscribe_url and _URL.fullmatch(letter.unsubscribe_url):
            lines.append(("List-Unsubscribe", f"<{letter.unsubscribe_url}>"))
            lines.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        return lines


def message_id(key: str, domain: str) -> str:
    """Return the Message-ID of a greeting: the same at each attempt, and its key can be read."""
    tag = to_tag(key)
    if not _ID.fullmatch(tag):
        raise ValueError("idempotency key: expected letters, digits, dashes and colons")
    return f"<{tag}@{domain}>"


def _alternatives(letter: Letter) -> tuple[Lines, bytes]:
    """Return text and HTML as two parts: mail programs show the last that they can."""
    boundary = f"=_{sha256(letter.key.encode()).hexdigest()[:32]}"
    pieces = []
    for kind, content in (("plain", letter.text), ("html", letter.html or "")):
        fields, body = _part(kind, content)
        pieces.append(b"--%b\r\n%b\r\n%b" % (boundary.encode(), write(fields).encode(), body))
    pieces.append(b"--%b--\r\n" % boundary.encode())
    return [("Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"')], b"".join(pieces)


def _part(kind: str, content: str) -> tuple[Lines, bytes]:
    """Return a text's fields, and its lines as any server passes them on unchanged."""
    text = _NO_TEXT.sub("", _LINE_ENDS.sub("\r\n", content)).removesuffix("\r\n") + "\r\n"
    if _SEVEN_BIT.fullmatch(text):
        return _fields(kind, "us-ascii", "7bit"), text.encode("ascii")
    plain = text.encode("utf-8")
    quoted = b2a_qp(plain, istext=True)
    based = encodebytes(plain).replace(b"\n", b"\r\n")
    if len(quoted) <= len(based):
        return _fields(kind, "utf-8", "quoted-printable"), quoted
    return _fields(kind, "utf-8", "base64"), based


def _fields(kind: str, charset: str, encoding: str) -> Lines:
    return [
        ("Content-Type", f"text/{kind}; charset={charset}"),
        ("Content-Transfer-Encoding", encoding),
    ]
