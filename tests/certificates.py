"""Certificates for tests: of localhost, by its own hand."""

import subprocess
from pathlib import Path

from tests.servers import missing


def make_certificate(folder: Path) -> Path:
    """Make a certificate of localhost; return it and its key, in one file."""
    whole = folder / "localhost.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext"
    files = f"subjectAltName=DNS:localhost -keyout {folder}/key.pem -out {folder}/cert.pem"
    try:
        subprocess.run([*command.split(), *files.split()], check=True, capture_output=True)
    except FileNotFoundError:
        missing("openssl", "apt install openssl")
    whole.write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return whole
