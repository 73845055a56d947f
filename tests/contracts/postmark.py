"""Postmark's POST /email and /email/batch, as server.yml and its list of codes describe them."""

import json
from itertools import count
from typing import Any

from tests.contracts.described import POSTMARK, find_fault
from tests.contracts.stub import Incoming, Reply

TOKEN = "postmark-token"


def refusal(status: int, code: int, message: str) -> Reply:
    """Return a StandardPostmarkResponse."""
    return Reply(status, json.dumps({"ErrorCode": code, "Message": message}).encode())


class Postmark:
    """Take letters, but those to addresses in `codes`, which get that code."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self._numbers = count(1)

    def answer(self, incoming: Incoming) -> Reply:
        if incoming.headers["X-Postmark-Server-Token"] != TOKEN:
            return refusal(401, 10, "No Account or Server API tokens were supplied.")
        if incoming.method != "POST" or incoming.path not in {"/email", "/email/batch"}:
            return refusal(404, 0, "no such place")
        body = json.loads(incoming.body)
        if incoming.path == "/email":
            result = self._take(body)
            taken = (body["Metadata"]["heyday_key"],) if not result["ErrorCode"] else ()
            status = 422 if result["ErrorCode"] else 200
            return Reply(status, json.dumps(result).encode(), accepted=taken)
        if not isinstance(body, list) or len(body) > 500:
            return refusal(422, 410, "Too many batch messages")
        results = [self._take(item) for item in body]
        accepted = tuple(
            item["Metadata"]["heyday_key"]
            for item, result in zip(body, results, strict=True)
            if not result["ErrorCode"]
        )
        return Reply(200, json.dumps(results).encode(), accepted=accepted)

    def _take(self, item: Any) -> dict[str, Any]:
        if fault := find_fault(json.dumps(item).encode(), POSTMARK):
            return {"ErrorCode": 300, "Message": fault}
        if code := self.codes.get(item["To"]):
            return {"ErrorCode": code, "Message": f"You tried to send to {item['To']}"}
        return {
            "To": item["To"],
            "SubmittedAt": "2027-01-14T09:00:00.0000000Z",
            "MessageID": f"00000000-0000-0000-0000-{next(self._numbers):012}",
            "ErrorCode": 0,
            "Message": "OK",
        }
