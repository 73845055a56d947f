"""Sign requests to Amazon Web Services: Signature Version 4.

Source: docs.aws.amazon.com, IAM user guide, "Create a signed AWS API request"; tested against the
vectors that AWS published (aws-sig-v4-test-suite).
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"
_AS_IT_IS = "/-_.~"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Hold whom AWS lets in. token: of a session; empty if the key is one that stays."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Signer:
    """Sign for one service in one region."""

    credentials: Credentials
    region: str
    service: str

    def sign(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes, at: datetime
    ) -> dict[str, str]:
        """Return the headers that a request needs beyond these, all of which are signed.

        path: as it stands in the request, without a query.   at: in UTC.
        """
        date = at.strftime("%Y%m%dT%H%M%SZ")
        more = {"X-Amz-Date": date}
        if self.credentials.token:
            more["X-Amz-Security-Token"] = self.credentials.token
        signed = {
            name.lower(): " ".join(value.split()) for name, value in {**headers, **more}.items()
        }
        names = ";".join(sorted(signed))
        request = "\n".join(
            (
                method,
                quote(path, safe=_AS_IT_IS),
                "",
                *(f"{name}:{signed[name]}" for name in sorted(signed)),
                "",
                names,
                sha256(content).hexdigest(),
            )
        )
        scope = f"{date[:8]}/{self.region}/{self.service}/aws4_request"
        to_sign = f"{_ALGORITHM}\n{date}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._key(date[:8]), to_sign.encode(), "sha256").hex()
        credential = f"{self.credentials.access_key}/{scope}"
        more["Authorization"] = (
            f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
        )
        return more

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.credentials.secret_key}".encode()
        for part in (day, self.region, self.service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return key
