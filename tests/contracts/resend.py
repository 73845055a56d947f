"""Resend's POST /emails and /emails/batch, as resend.yaml and its pages on keys describe them."""

import json
from itertools import count
from typing import Any

from tests.contracts.described import RESEND, find_fault
from tests.contracts.stub import Incoming, Reply

KEY = "resend-key"


def refusal(status: int, name: str, message: str = "no") -> Reply:
    body = {"statusCode": status, "name": name, "message": message}
    return Reply(status, json.dumps(body).encode())


class Resend:
    """Take letters, but those to addresses in `invalid`; remember keys and what came with them."""

    def __init__(self) -> None:
        self.invalid: set[str] = set()
        self._numbers = count(1)
        self._kept: dict[str, tuple[bytes, bytes]] = {}

    def answer(self, incoming: Incoming) -> Reply:
        if incoming.headers["Authorization"] != f"Bearer {KEY}":
            return refusal(401, "validation_error", "API key is invalid")
        if incoming.method != "POST" or incoming.path not in {"/emails", "/emails/batch"}:
            return refusal(405, "method_not_allowed")
        key = incoming.headers["Idempotency-Key"]
        if key is not None and not 1 <= len(key) <= 256:
            return refusal(400, "invalid_idempotency_key")
        if key in self._kept:
            body, reply = self._kept[key]
            is_same = body == incoming.body
            return Reply(200, reply) if is_same else refusal(409, "invalid_idempotent_request")
        is_batch = incoming.path == "/emails/batch"
        return self._take_many(incoming) if is_batch else self._take(incoming, key)

    def _take(self, incoming: Incoming, key: str | None) -> Reply:
        if fault := self._fault(json.loads(incoming.body)):
            return refusal(422, "validation_error", fault)
        reply = json.dumps({"id": f"re-{next(self._numbers)}"}).encode()
        if key is not None:
            self._kept[key] = (incoming.body, reply)
        return Reply(200, reply, accepted=_keys_of([json.loads(incoming.body)]))

    def _take_many(self, incoming: Incoming) -> Reply:
        items = json.loads(incoming.body)
        if not isinstance(items, list) or not 1 <= len(items) <= 100:
            return refusal(422, "validation_error", "up to 100 emails")
        faults = {place: fault for place, item in enumerate(items) if (fault := self._fault(item))}
        if faults and incoming.headers["x-batch-validation"] != "permissive":
            return refusal(422, "validation_error", next(iter(faults.values())))
        taken = [item for place, item in enumerate(items) if place not in faults]
        reply: dict[str, Any] = {"data": [{"id": f"re-{next(self._numbers)}"} for _ in taken]}
        if faults:
            reply["errors"] = [{"index": at, "message": fault} for at, fault in faults.items()]
        return Reply(200, json.dumps(reply).encode(), accepted=_keys_of(taken))

    def _fault(self, item: Any) -> str | None:
        if fault := find_fault(json.dumps(item).encode(), RESEND):
            return fault
        return "Invalid `to` field" if self.invalid & set(item["to"]) else None


def _keys_of(items: list[Any]) -> tuple[str, ...]:
    return tuple(item["tags"][0]["value"].replace("__", ":") for item in items)
