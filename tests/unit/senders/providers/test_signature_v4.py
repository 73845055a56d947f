"""Signature Version 4 by the vectors that AWS published (aws-sig-v4-test-suite)."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heyday.senders.providers.signature_v4 import Credentials, Signer

AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # pragma: allowlist secret
VECTORS = Path(__file__).parents[3] / "data" / "signature-v4.csv"
ROWS = list(csv.DictReader(VECTORS.read_text("utf-8").splitlines()))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_a_published_vector_is_signed_as_published(row: dict[str, str]):
    signer = Signer(Credentials("AKIDEXAMPLE", SECRET, row["token"]), "us-east-1", "service")
    headers = {"Host": "example.amazonaws.com", **json.loads(row["headers"])}
    more = signer.sign(row["method"], row["path"], headers, row["content"].encode(), AT)
    assert more["X-Amz-Date"] == "20150830T123600Z"
    assert more.get("X-Amz-Security-Token", "") == row["token"]
    assert more["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={row['signed']}, Signature={row['signature']}"
    )


def test_a_session_and_a_body_are_among_the_vectors():
    assert any(row["token"] for row in ROWS)
    assert any(row["content"] for row in ROWS)


def test_no_secret_is_shown():
    shown = repr(Signer(Credentials("AKIDEXAMPLE", SECRET, SECRET), "us-east-1", "ses"))
    assert "AKIDEXAMPLE" in shown
    assert SECRET not in shown
