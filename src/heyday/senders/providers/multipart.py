"""Write a form as multipart/form-data (RFC 7578)."""

from collections.abc import Sequence
from hashlib import sha256

_BOUNDARY_LENGTH = 32


def write_form(fields: Sequence[tuple[str, str]]) -> tuple[str, bytes]:
    """Return the content type of a form, and the form.

    Its boundary is made of its content, so that no text can hold it, and the same form is always
    the same bytes. Raises ValueError for a name that would not stay within its quotes.
    """
    for name, _ in fields:
        if not (name.isascii() and name.isprintable()) or '"' in name:
            raise ValueError("form: got a field whose name no form may hold; expected plain ASCII")
    whole = sha256(repr(fields).encode("utf-8", "surrogatepass"))
    boundary = f"heyday-{whole.hexdigest()[:_BOUNDARY_LENGTH]}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields
    ]
    form = f"{''.join(parts)}--{boundary}--\r\n"
    return f"multipart/form-data; boundary={boundary}", form.encode()
