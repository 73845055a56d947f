"""Parse letters by two parsers that know nothing of each other.

One is Python's own, strict: it raises on any defect. The other is MIME-tools, in Perl.
"""

import hashlib
import json
import shutil
import struct
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import cast

from tests.servers import missing

_SCRIPT = Path(__file__).with_name("mime_parser.pl")
_STRICT = SMTP.clone(raise_on_defect=True)
_PATIENCE = 600


@dataclass(frozen=True, slots=True)
class Parsed:
    """Hold what a parser found. fields: how often each is there, in small letters.

    parts: type and SHA-256 of each, with LF at the ends of lines but the last,
    which has none: within a letter of several parts it belongs to what parts them.
    """

    fields: Counter[str]
    subject: str
    parts: Sequence[tuple[str, str]]


def parse_strictly(letter: bytes) -> Parsed:
    """Return what Python's parser finds. Raises MessageDefect."""
    message = message_from_bytes(letter, policy=_STRICT)
    for part in message.walk():
        for name in part:
            defects = part[name].defects
            if defects:
                raise defects[0]
        assert not part.defects
    leaves = [part for part in message.walk() if not part.is_multipart()]
    return Parsed(
        Counter(name.lower() for name in message),
        str(message["Subject"] or ""),
        [(leaf.get_content_type(), _digest(leaf)) for leaf in leaves],
    )


def can_parse_otherwise() -> bool:
    """Tell whether the other parser is installed."""
    perl = shutil.which("perl")
    return (
        bool(perl)
        and not subprocess.run(
            [str(perl), "-MMIME::Parser", "-e", "1"], check=False, capture_output=True
        ).returncode
    )


def parse_otherwise(letters: Iterable[bytes]) -> list[Parsed]:
    """Return what MIME-tools finds in each. Raises AssertionError if it finds anything wrong."""
    if not can_parse_otherwise():
        missing("MIME-tools", "apt-get install libmime-tools-perl")
    given = b"".join(struct.pack(">I", len(letter)) + letter for letter in letters)
    done = subprocess.run(
        ["perl", _SCRIPT],  # noqa: S607 - whichever perl is there
        input=given,
        check=True,
        capture_output=True,
        timeout=_PATIENCE,
    )
    assert not done.stderr, done.stderr.decode()
    return [_read(json.loads(line)) for line in done.stdout.splitlines()]


def _read(found: dict[str, object]) -> Parsed:
    assert found["problems"] == [], found["problems"]
    fields = cast("list[dict[str, object]]", found["fields"])
    leaves = cast("list[dict[str, str]]", found["leaves"])
    return Parsed(
        Counter({str(f["name"]).lower(): len(cast("list[str]", f["values"])) for f in fields}),
        str(found["subject"]),
        [(leaf["type"], leaf["sha256"]) for leaf in leaves],
    )


def _digest(leaf: EmailMessage) -> str:
    content = cast("bytes", leaf.get_payload(decode=True))
    return hashlib.sha256(content.replace(b"\r\n", b"\n").removesuffix(b"\n")).hexdigest()
