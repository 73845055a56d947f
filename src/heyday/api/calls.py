"""Refuse callers who ask too often."""

from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from heyday.domain.errors import TooManyRequests
from heyday.domain.rate_limit import RateLimits

_UNKNOWN = "unknown"
# What one subscriber is given, who may come from each address of it.
_IPV6_PREFIX = 64


def guard(limits: RateLimits) -> Guard:
    """Return what lets a request through, or raises TooManyRequests."""

    async def check(
        connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler
    ) -> None:
        client = connection.client
        if wait := await limits.take(caller_at(client.host) if client else _UNKNOWN):
            raise TooManyRequests(wait)

    return check


def caller_at(host: str) -> str:
    """Return whom to count for an address: itself, or of IPv6 the network of one subscriber."""
    try:
        address = ip_address(host)
    except ValueError:
        return _UNKNOWN
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address, _IPV6_PREFIX), strict=False))
