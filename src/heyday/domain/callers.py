"""Say by what a caller without a key is known: an address, or of IPv6 a subscriber's network."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

UNKNOWN = "unknown"
# What one subscriber is given, who may come from each address of it.
_IPV6_PREFIX = 64


def read_address(host: str) -> str:
    """Return an address as it is written everywhere; UNKNOWN for what is none."""
    address = _read(host)
    return str(address) if address else UNKNOWN


def caller_at(host: str) -> str:
    """Return whom to count for an address: itself, or of IPv6 the network of one subscriber."""
    address = _read(host)
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address, _IPV6_PREFIX), strict=False))


@lru_cache(maxsize=4096)  # else half of the time that it takes to let a caller in
def _read(host: str) -> IPv4Address | IPv6Address | None:
    """Return an address, that of IPv4 as such also where it is written as one of IPv6."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
