"""Letters as bytes: what is in them, and that nothing in them can become a header."""

import hashlib
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heyday.domain.addresses import MailAddress, to_mail_address
from heyday.domain.idempotency import from_tag
from heyday.domain.letters import Letter
from heyday.senders.header_lines import clean
from heyday.senders.mime import Mail, MimeWriter, Origin, message_id
from tests.fakes import MESSAGE
from tests.mime_parser import parse_otherwise, parse_strictly

AT = datetime(2027, 1, 14, 9, tzinfo=UTC)
ORIGIN = Origin("Acme", MailAddress("greetings", "example.com"))
LETTER = Letter(
    key=MESSAGE.idempotency_key,
    to="ada.byron@example.org",
    subject="Happy birthday!",
    text="Hey, Ada",
    html=None,
    language="en",
    unsubscribe_url=None,
)
LINK = "https://hey.example.com/unsubscribe/" + "A" * 72
FIELDS = {
    *("from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version"),
    *("content-language", "content-type"),
}
# What somebody may have put into a name, a subject or a text.
HOSTILE = [
    "=?utf-8?q?a=0ABcc=3A_evil=40x=2Ecom?=",
    "=?utf-8?b?DQpCY2M6IGV2aWxAeC5jb20=?=",
    "=?utf-8?q?=0D=0A=0D=0A<script>?=",
    "Ada\r\nBcc: evil@x.com",
    "Ada\nBcc: evil@x.com",
    "Ada\rBcc: evil@x.com",
    "Ada\r\n\r\nbody",
    "Ada\x0bBcc: evil@x.com",
    "Ada\x0cBcc: evil@x.com",
    "Ada\x85Bcc: evil@x.com",
    "Ada\u2028Bcc: evil@x.com",
    "Ada\u2029Bcc: evil@x.com",
    "Ada\x00Bcc: evil@x.com",
    "\u202eada\u202d",
    '"Ada" <evil@x.com>, other',
    "Ada (comment\\",
    "\\\r\n ",
    "=?",
    "?=",
    "a=?b?=c",
    " ",
    "",
    "\ud800",
    "\ufeff",
    "😀" * 60,
    "x" * 3000,
    "word " * 300,
    "--=_\r\n\r\n",
    "\r\n.\r\nMAIL FROM:<evil@x.com>",
    ".",
    "From me",
    "tab\tand\x7fdelete",
    "אבג \u2067abc\u2069",
]


def write(letter: Letter = LETTER, origin: Origin = ORIGIN) -> Mail:
    mail = MimeWriter(origin).write(letter, AT)
    assert mail is not None
    return mail


def parse(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=SMTP)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def arrives_as(text: str) -> str:
    """Return how a text is to arrive: with LF, none at its end, without what mail cannot carry."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (c for c in lines if c not in "\x00\ufdd0" and not "\ud800" <= c <= "\udfff")
    return "".join(kept).removesuffix("\n")


def letters_of(subject: str, name: str, text: str) -> list[tuple[Letter, Origin]]:
    plain = replace(LETTER, subject=subject, text=text)
    both = replace(plain, html=f"<p>{text}</p>", unsubscribe_url=LINK)
    return [(plain, replace(ORIGIN, name=name)), (both, replace(ORIGIN, name=name))]


def expected_fields(letter: Letter) -> Counter[str]:
    fields = set(FIELDS)
    if letter.html is None:
        fields.add("content-transfer-encoding")
    if letter.unsubscribe_url:
        fields |= {"list-unsubscribe", "list-unsubscribe-post"}
    return Counter(fields)


def expected_parts(letter: Letter) -> list[tuple[str, str]]:
    parts = [("text/plain", digest(arrives_as(letter.text)))]
    if letter.html is not None:
        parts.append(("text/html", digest(arrives_as(letter.html))))
    return parts


# --- Nothing becomes a header -----------------------------------------------------------------


def check_strictly(subject: str, name: str, text: str) -> None:
    for letter, origin in letters_of(subject, name, text):
        mail = write(letter, origin)
        parsed = parse_strictly(mail.content)
        assert parsed.fields == expected_fields(letter)
        assert parsed.subject == clean(subject)
        assert list(parsed.parts) == expected_parts(letter)
        assert all(len(line) <= 998 for line in mail.content.split(b"\r\n"))
        assert b"\n" not in mail.content.replace(b"\r\n", b"")
        assert b"\r" not in mail.content.replace(b"\r\n", b"")
        assert b"\x00" not in mail.content
        sender = parse(mail.content)["From"].addresses[0]
        assert sender.addr_spec == "greetings@example.com"
        assert len(parse(mail.content)["From"].addresses) == 1


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_is_hostile_stays_within_its_field(hostile: str) -> None:
    check_strictly(hostile, hostile, hostile)


TEXTS = st.one_of(
    st.text(),
    st.text(st.characters(codec="utf-8")),
    st.text('\r\n\t :=?<>@,;"\\.()AaBbQqc0\x00\u202e\u2028é漢😀', max_size=200),
    st.sampled_from(HOSTILE),
    st.builds("{}{}".format, st.sampled_from(HOSTILE), st.text()),
)


@given(TEXTS, TEXTS, TEXTS)
@example("=?utf-8?q?a=0ABcc=3A_evil=40x=2Ecom?=", "=?utf-8?q?a=0ABcc=3A?=", "")
@example("", "", "\n\x00")
def test_nothing_adds_or_changes_a_header(subject: str, name: str, text: str) -> None:
    check_strictly(subject, name, text)


def test_another_parser_finds_the_same_and_nothing_wrong() -> None:
    given_letters = [pair for h in HOSTILE for pair in letters_of(h, h, h)]
    found = parse_otherwise(write(*pair).content for pair in given_letters)
    assert len(found) == len(given_letters) == 2 * len(HOSTILE)
    for (letter, _), parsed in zip(given_letters, found, strict=True):
        assert parsed.fields == expected_fields(letter)
        assert " ".join(parsed.subject.split()) == clean(letter.subject)
        assert list(parsed.parts) == expected_parts(letter)


@given(st.one_of(st.emails(), TEXTS, st.builds("{}@example.com".format, TEXTS)))
def test_an_address_is_refused_or_is_the_one_recipient(address: str) -> None:
    mail = MimeWriter(ORIGIN).write(replace(LETTER, to=address), AT)
    known = to_mail_address(address)
    assert (mail is None) == (known is None)
    if mail is not None:
        (line,) = [h for h in mail.content.split(b"\r\n") if h.startswith(b"To: ")]
        assert line.decode() == f"To: {known}"
        assert line.count(b"@") == 1
        assert not set(line) & {*range(32), 127, *b'<>,;:"() '} - {*b": "}


# --- What is in a letter ----------------------------------------------------------------------


def test_the_fields_of_a_letter() -> None:
    origin = replace(ORIGIN, reply_to=MailAddress("office", "example.com"))
    letter = replace(LETTER, unsubscribe_url=LINK, language="pt-BR", subject="Parabéns, Zoë!")
    head = write(letter, origin).content.partition(b"\r\n\r\n")[0].decode()
    assert head.split("\r\n") == [
        "From: Acme <greetings@example.com>",
        "Reply-To: office@example.com",
        "To: ada.byron@example.org",
        "Subject: =?utf-8?B?UGFyYWLDqW5zLCBab8OrIQ==?=",
        "Date: Thu, 14 Jan 2027 09:00:00 +0000",
        "Message-ID: <00000000-0000-0000-0000-000000000002__BIRTHDAY__2027-01-14@example.com>",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Language: pt-BR",
        f"List-Unsubscribe: <{LINK}>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "Content-Type: text/plain; charset=us-ascii",
        "Content-Transfer-Encoding: 7bit",
    ]


def test_the_message_id_tells_the_key_and_is_the_same_at_each_attempt() -> None:
    found = message_id(MESSAGE.idempotency_key, "example.com")
    assert from_tag(found[1:-1].partition("@")[0]) == MESSAGE.idempotency_key
    later = MimeWriter(ORIGIN).write(LETTER, AT.replace(hour=10))
    assert later
    assert parse(later.content)["Message-ID"] == parse(write().content)["Message-ID"] == found


@pytest.mark.parametrize("url", [None, "http://hey.example.com/x", "https://a b", "https://a>,<b"])
def test_without_a_secure_link_there_is_no_pair_of_fields(url: str | None) -> None:
    fields = parse_strictly(write(replace(LETTER, unsubscribe_url=url)).content).fields
    assert not {"list-unsubscribe", "list-unsubscribe-post"} & set(fields)


@pytest.mark.parametrize("language", ["", "x\r\nBcc: a@b.c", "en_GB", "a" * 40])
def test_what_is_no_language_is_left_out(language: str) -> None:
    letter = replace(LETTER, language=language)
    assert "content-language" not in parse_strictly(write(letter).content).fields


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Hey, Ada", "7bit"),
        ("x" * 79, "quoted-printable"),
        ("Zoë has her birthday", "quoted-printable"),
        ("お誕生日おめでとう", "base64"),
        ("--=_0", "quoted-printable"),
        ("bell\a", "quoted-printable"),
    ],
)
def test_a_text_is_encoded_as_little_as_it_needs(text: str, encoding: str) -> None:
    mail = write(replace(LETTER, text=text))
    assert parse(mail.content)["Content-Transfer-Encoding"] == encoding
    assert all(byte < 128 for byte in mail.content)


def test_only_an_international_recipient_brings_other_than_ascii() -> None:
    mail = write(replace(LETTER, to="żółw@bücher.example"))
    assert mail.recipient.is_international
    assert "To: żółw@xn--bcher-kva.example\r\n".encode() in mail.content
    head = mail.content.partition(b"\r\n\r\n")[0]
    assert [line.count(b"@") for line in head.split(b"\r\n") if not line.isascii()] == [1]


def test_mail_programs_show_html_where_they_can_and_text_else() -> None:
    message = parse(write(replace(LETTER, html="<p>Hey, Zoë</p>")).content)
    assert message.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]


def test_a_key_that_is_none_is_no_message_id() -> None:
    with pytest.raises(ValueError, match="idempotency key"):
        message_id("a\r\nBcc: x", "example.com")
