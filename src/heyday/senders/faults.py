"""Say why a server cannot be reached, without its name and without a word of its own."""

import errno
import socket
import ssl

# The first that fits names the fault. Their own texts may hold the host's name or address.
_FAULTS: tuple[tuple[type[OSError], str], ...] = (
    (socket.gaierror, "{}'s host name cannot be resolved"),
    (ssl.SSLCertVerificationError, "no TLS connection to {}: its certificate is not one to trust"),
    (ssl.SSLError, "no TLS connection to {}"),
    (TimeoutError, "no connection to {} in time"),
)
_ANY_FAULT = "no connection to {}"


def describe(fault: OSError, whom: str) -> str:
    """Return what went wrong. whom: such as "the mail server"."""
    text = next((text for kind, text in _FAULTS if isinstance(fault, kind)), _ANY_FAULT)
    code = errno.errorcode.get(fault.errno or 0)
    said = text.format(whom)
    return f"{said} ({code})" if code else said
