"""Which addresses are public, and what is left of those of a host."""

import asyncio
import socket

import pytest

from heyday.senders.resolving import NotPublic, ask_for_public, is_public

PUBLIC = ["1.1.1.1", "9.9.9.9", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
NOT_PUBLIC = {
    "this machine": ["127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "::"],  # noqa: S104 - an example
    "private": [
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "fc00::1",
        "fd12::1",
        "fec0::1",
    ],
    "link-local": ["169.254.0.1", "fe80::1", "fe80::1%eth0"],
    "metadata": ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192"],
    "platform": ["168.63.129.16"],
    "shared": ["100.64.0.1", "100.127.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1"],
    "reserved": [
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.51.100.1",
        "2001:db8::1",
        "3fff::1",
    ],
    "within IPv6": [
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1"),
        *("2002:7f00:1::", "2002:a00:1::1", "2001:0:102:304::80ff:fffe"),
    ],
}


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str):
    assert is_public(address)


@pytest.mark.parametrize("address", [a for some in NOT_PUBLIC.values() for a in some])
def test_no_other_is(address: str):
    assert not is_public(address)


def leading_to(*addresses: str) -> object:
    async def getaddrinfo(_: str, port: int, **__: object) -> object:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]

    return getaddrinfo


async def test_of_several_addresses_the_public_ones_are_left(monkeypatch: pytest.MonkeyPatch):
    found = leading_to("10.0.0.1", "1.1.1.1", "127.0.0.1")
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
    assert [info[4] for info in await ask_for_public("a.example", 443)] == [("1.1.1.1", 443)]


async def test_a_host_without_a_public_address_is_not_called(monkeypatch: pytest.MonkeyPatch):
    found = leading_to("10.0.0.1", "169.254.169.254")
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
    with pytest.raises(NotPublic):
        await ask_for_public("a.example", 443)
