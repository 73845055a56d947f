"""Mailgun's POST /v3/{domain}/messages, as openapi.yaml of "Mailgun API" describes it."""

import json
from base64 import b64encode
from email.parser import BytesParser
from email.policy import HTTP
from itertools import count

from tests.contracts.stub import Incoming, Reply

KEY, DOMAIN = "mailgun-key", "mg.example.com"
_LOGIN = "Basic " + b64encode(f"api:{KEY}".encode()).decode()
_OPTIONS = ("o:", "h:", "v:", "t:")
_FIELDS = {"from", "to", "subject", "text", "html"}


def saying(status: int, message: str) -> Reply:
    return Reply(status, json.dumps({"message": message}).encode())


def read_form(incoming: Incoming) -> dict[str, str] | None:
    """Return the fields of a multipart/form-data body; None if it is none, or has one twice."""
    head = f"Content-Type: {incoming.headers['Content-Type']}\r\n\r\n".encode()
    form = BytesParser(policy=HTTP).parsebytes(head + incoming.body)
    if form.get_content_type() != "multipart/form-data" or not form.is_multipart():
        return None
    fields: dict[str, str] = {}
    for part in form.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if not isinstance(name, str) or name in fields or not isinstance(payload, bytes):
            return None
        fields[name] = payload.decode("utf-8")
    return fields


class Mailgun:
    def __init__(self) -> None:
        self._numbers = count(1)

    def answer(self, incoming: Incoming) -> Reply:
        if incoming.headers["Authorization"] != _LOGIN:
            return Reply(401, b"Forbidden", {"Content-Type": "text/plain"})
        if (incoming.method, incoming.path) != ("POST", f"/v3/{DOMAIN}/messages"):
            return saying(404, "Domain not found")
        fields = read_form(incoming)
        fault = "the form cannot be read" if fields is None else find_fault(fields)
        if fields is None or fault:
            return saying(400, fault or "")
        reply = {"id": f"<mg-{next(self._numbers)}@{DOMAIN}>", "message": "Queued. Thank you."}
        return Reply(200, json.dumps(reply).encode(), accepted=(fields["v:heyday_key"],))


def find_fault(fields: dict[str, str]) -> str | None:
    """Return what is wrong with a form, by its description."""
    options = {name for name in fields if name.startswith(_OPTIONS)}
    size = sum(len(name) + len(fields[name]) for name in options)
    is_bad = "," in fields.get("to", "") or any("\n" in fields[n] for n in options | {"subject"})
    return next(
        (
            fault
            for fault, is_there in {
                "from parameter is missing": not {"from", "to", "subject"} <= fields.keys(),
                "Need at least one of 'text', 'html'": not fields.keys() & {"text", "html"},
                "unknown parameter": fields.keys() - _FIELDS - options,
                "Send options (parameters starting with o:, h:, or v:)": size > 16 * 1024,
                "to parameter is not a valid address": is_bad,
            }.items()
            if is_there
        ),
        None,
    )
