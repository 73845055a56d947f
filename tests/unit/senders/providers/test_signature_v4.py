"""Signature Version 4 by the vectors that AWS published (aws-sig-v4-test-suite)."""

from datetime import UTC, datetime

import pytest

from heyday.senders.providers.signature_v4 import Credentials, Signer

AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # pragma: allowlist secret
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPf"
    "IeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7W"
    "Z0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8F"
    "DrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)  # pragma: allowlist secret
UNRESERVED = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FORM = "application/x-www-form-urlencoded"
VECTORS = {
    "get-vanilla": (
        ("GET", "/", {}, b""),
        "host;x-amz-date",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "get-header-value-trim": (
        ("GET", "/", {"My-Header1": " value1", "My-Header2": '"a   b   c"'}, b""),
        "host;my-header1;my-header2;x-amz-date",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    "get-unreserved": (
        ("GET", f"/{UNRESERVED}", {}, b""),
        "host;x-amz-date",
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    "post-vanilla": (
        ("POST", "/", {}, b""),
        "host;x-amz-date",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    "post-header-value-case": (
        ("POST", "/", {"My-Header1": "VALUE1"}, b""),
        "host;my-header1;x-amz-date",
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    "post-x-www-form-urlencoded": (
        ("POST", "/", {"Content-Type": FORM}, b"Param1=value1"),
        "content-type;host;x-amz-date",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
    "post-x-www-form-urlencoded-parameters": (
        ("POST", "/", {"Content-Type": f"{FORM}; charset=utf8"}, b"Param1=value1"),
        "content-type;host;x-amz-date",
        "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe",
    ),
    "post-sts-header-before": (
        ("POST", "/", {}, b""),
        "host;x-amz-date;x-amz-security-token",
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_a_published_vector_is_signed_as_published(name: str):
    (method, path, headers, content), signed, signature = VECTORS[name]
    token = TOKEN if "sts" in name else ""
    signer = Signer(Credentials("AKIDEXAMPLE", SECRET, token), "us-east-1", "service")
    more = signer.sign(method, path, {"Host": "example.amazonaws.com", **headers}, content, AT)
    assert more["X-Amz-Date"] == "20150830T123600Z"
    assert more.get("X-Amz-Security-Token", "") == token
    assert more["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={signed}, Signature={signature}"
    )


def test_no_secret_is_shown():
    shown = repr(Signer(Credentials("AKIDEXAMPLE", SECRET, TOKEN), "us-east-1", "ses"))
    assert "AKIDEXAMPLE" in shown
    assert SECRET not in shown
    assert TOKEN not in shown
