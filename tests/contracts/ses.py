"""SES's SendEmail, as the model sesv2-2019-09-27 describes it, behind a check of signatures."""

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from itertools import count

from tests.contracts.described import SES, find_fault
from tests.contracts.stub import Incoming, Reply
from tests.fakes import START_AT

ACCESS_KEY, SECRET_KEY, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/EXAMPLE", "eu-central-1"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([A-Z]+)/(\d{8})/([a-z0-9-]+)/ses/aws4_request, "
    r"SignedHeaders=([a-z;-]+), Signature=([0-9a-f]{64})"
)


def refusal(status: int, name: str, message: str = "no") -> Reply:
    headers = {"x-amzn-ErrorType": f"{name}:http://internal.amazon.com/coral/com.amazonaws.ses/"}
    return Reply(status, json.dumps({"message": message}).encode(), headers)


class Ses:
    def __init__(self, now: datetime = START_AT) -> None:
        self.now = now
        self._numbers = count(1)

    def answer(self, incoming: Incoming) -> Reply:
        if not self._is_signed(incoming):
            return refusal(403, "InvalidSignatureException")
        if (incoming.method, incoming.path) != ("POST", "/v2/email/outbound-emails"):
            return refusal(404, "UnknownOperationException")
        if fault := find_fault(incoming.body, SES):
            return refusal(400, "BadRequestException", fault)
        (tag,) = json.loads(incoming.body)["EmailTags"]
        reply = {"MessageId": f"0107018c-{next(self._numbers)}"}
        key = tag["Value"].replace("__", ":")
        return Reply(200, json.dumps(reply).encode(), accepted=(key,))

    def _is_signed(self, incoming: Incoming) -> bool:
        found = _AUTHORIZATION.fullmatch(incoming.headers["Authorization"] or "")
        if found is None:
            return False
        access_key, day, region, names, signature = found.groups()
        date = incoming.headers["X-Amz-Date"]
        at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        is_fresh = abs(at - self.now) < timedelta(minutes=5) and date.startswith(day)
        is_whole = {"host", "content-type", "x-amz-date"} <= set(names.split(";"))
        lines = "".join(f"{n}:{incoming.headers[n]}\n" for n in names.split(";"))
        payload = hashlib.sha256(incoming.body).hexdigest()
        request = f"POST\n{incoming.path}\n\n{lines}\n{names}\n{payload}"
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{date}\n{day}/{region}/ses/aws4_request\n{digest}"
        key = b"AWS4" + SECRET_KEY.encode()
        for part in (day, REGION, "ses", "aws4_request", text):
            key = hmac.new(key, part.encode(), "sha256").digest()
        is_ours = (access_key, region) == (ACCESS_KEY, REGION)
        return is_fresh and is_whole and is_ours and hmac.compare_digest(key.hex(), signature)
