"""Ask for the addresses of a host; where that is wanted, for those alone that are public.

Whoever connects, connects to what was returned here and asks no more: a name that leads elsewhere
a moment later (DNS rebinding) leads nowhere.
Source: OWASP, Server-Side Request Forgery Prevention; the IANA registries of special addresses.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from aiohappyeyeballs import AddrInfoType

Resolve = Callable[[str, int], Awaitable[Sequence[AddrInfoType]]]

# What older releases of Python take for public: what IANA has set aside since, with the metadata of
# Oracle's machines in it, and addresses of a site, which were given up but still lead somewhere.
# Azure's platform has an address that is in no registry.
_SET_ASIDE = tuple(
    map(
        ip_network,
        ("192.0.0.0/24", "168.63.129.16/32", "fec0::/10", "3fff::/20", "5f00::/16"),
    )
)
# An IPv4 address is in the last four bytes, and a router leads to it (RFC 6052, RFC 8215).
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


class NotPublic(OSError):
    """Say that a host has no address that may be called."""


async def ask_system(host: str, port: int) -> Sequence[AddrInfoType]:
    """Return the addresses of a host. Raises socket.gaierror if there is none."""
    return await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )


async def ask_for_public(host: str, port: int) -> Sequence[AddrInfoType]:
    """Return the public addresses of a host. Raises NotPublic if there is none among them."""
    found = [info for info in await ask_system(host, port) if is_public(str(info[4][0]))]
    if not found:
        raise NotPublic
    return found


def is_public(text: str) -> bool:
    """Tell whether an address is one of the open internet, however it is written."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and (within := _ipv4_within(address)):
        address = within
    if address.is_multicast or any(address in network for network in _SET_ASIDE):
        return False
    return address.is_global


def _ipv4_within(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to, if it does."""
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
