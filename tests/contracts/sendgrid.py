"""SendGrid's POST /v3/mail/send, as tsg_mail_v3.yaml describes it."""

import json
from itertools import count

from tests.contracts.described import SENDGRID, find_fault
from tests.contracts.stub import Incoming, Reply

KEY = "sendgrid-key"


def refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Reply:
    """Return an ErrorResponse."""
    body = {"errors": [{"message": message, "field": None, "help": None}]}
    return Reply(status, json.dumps(body).encode(), headers or {})


class SendGrid:
    def __init__(self) -> None:
        self._numbers = count(1)

    def answer(self, incoming: Incoming) -> Reply:
        if (incoming.method, incoming.path) != ("POST", "/v3/mail/send"):
            return refusal(404, "not found")
        if incoming.headers["Authorization"] != f"Bearer {KEY}":
            return refusal(401, "authorization required")
        if fault := find_fault(incoming.body, SENDGRID):
            return refusal(400, fault)
        body = json.loads(incoming.body)
        if [part["type"] for part in body["content"]] not in (
            ["text/plain"],
            ["text/plain", "text/html"],
        ):
            return refusal(400, "text/plain comes first, then text/html")
        (personal,) = body["personalizations"]
        if len(json.dumps(personal["custom_args"])) > 10_000:
            return refusal(400, "custom_args may not exceed 10,000 bytes")
        headers = {"X-Message-Id": f"sg-{next(self._numbers)}"}
        return Reply(202, b"", headers, (personal["custom_args"]["heyday_key"],))
