"""A webhook that checks signatures as standard-webhooks.md says, and takes each id once."""

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta

from tests.contracts.stub import Incoming, Reply
from tests.fakes import START_AT

SECRET = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"
_FIELDS = {"heyday_key", "to", "subject", "text", "html", "language", "unsubscribe_url"}


class Webhook:
    def __init__(self, secret: str = SECRET, now: datetime = START_AT) -> None:
        self.now = now
        self._secret = base64.b64decode(secret.removeprefix("whsec_"))
        self._seen: set[str] = set()

    def answer(self, incoming: Incoming) -> Reply:
        key, at = incoming.headers["webhook-id"], incoming.headers["webhook-timestamp"]
        if abs(self.now.timestamp() - int(at)) > timedelta(minutes=5).total_seconds():
            return Reply(400, b"too old")
        signed = f"{key}.{at}.".encode() + incoming.body
        wanted = base64.b64encode(hmac.new(self._secret, signed, hashlib.sha256).digest()).decode()
        if f"v1,{wanted}" not in incoming.headers["webhook-signature"].split(" "):
            return Reply(401, b"no signature of ours")
        body = json.loads(incoming.body)
        if body["type"] != "greeting.due" or set(body["data"]) != _FIELDS:
            return Reply(400, b"another shape")
        datetime.fromisoformat(body["timestamp"])
        is_new = key not in self._seen
        self._seen.add(key)
        return Reply(204, b"", {}, (key,) if is_new else ())
