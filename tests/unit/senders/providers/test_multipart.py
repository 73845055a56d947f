"""Forms as multipart/form-data, read again by the standard library."""

from email.parser import BytesParser
from email.policy import HTTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.senders.providers.multipart import write_form

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NASTY = st.sampled_from(["\r\n--", "\r\n\r\n", "--heyday-", "\n", 'name="to"'])


def read(content_type: str, form: bytes) -> list[tuple[object, str]]:
    whole = BytesParser(policy=HTTP).parsebytes(
        f"Content-Type: {content_type}\r\n\r\n".encode() + form
    )
    return [
        (
            part.get_param("name", header="content-disposition"),
            bytes(part.get_payload(decode=True)).decode(),
        )
        for part in whole.iter_parts()
    ]


@given(st.lists(st.lists(TEXTS | NASTY, max_size=5).map("".join), min_size=1, max_size=5))
def test_no_text_changes_a_form(values: list[str]):
    fields = [(f"field{number}", value) for number, value in enumerate(values)]
    content_type, form = write_form(fields)
    boundary = content_type.partition("boundary=")[2]
    assert form.count(f"--{boundary}\r\n".encode()) == len(fields)
    assert form.endswith(f"\r\n--{boundary}--\r\n".encode())
    parts = form.split(f"--{boundary}".encode())[1:-1]
    heads = [f'\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n' for name, _ in fields]
    assert parts == [
        f"{head}{value}\r\n".encode() for head, (_, value) in zip(heads, fields, strict=True)
    ]


def test_the_standard_library_reads_it():
    fields = [("to", "ada@example.com"), ("text", "Zoë\n--heyday\nBye"), ("h:X", "1")]
    assert read(*write_form(fields)) == fields


def test_the_same_form_is_the_same_bytes():
    assert write_form([("a", "b")]) == write_form([("a", "b")])
    assert write_form([("a", "b")])[0] != write_form([("a", "c")])[0]


@pytest.mark.parametrize("name", ['a"b', "a\r\nb", "ä"])
def test_a_name_that_would_leave_its_quotes_is_none(name: str):
    with pytest.raises(ValueError, match="form"):
        write_form([(name, "")])
