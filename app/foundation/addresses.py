"""Which IP addresses belong to the public internet, and which IPv4 addresses hide inside IPv6 ones."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

# The IANA special-purpose registry (RFC 6890 and updates), multicast, and the address Azure keeps for itself.
# ``ipaddress.is_global`` is not enough: it calls multicast, 6to4, NAT64 and site-local global.
_SPECIAL_V4: Final = tuple(map(IPv4Network, (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
    "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4",
)))  # fmt: skip
_GLOBAL_UNICAST_V6: Final = IPv6Network("2000::/3")
# Inside it: IETF assignments (Teredo, benchmark, ORCHID), documentation, 6to4, the retired 6bone, AS112.
_SPECIAL_V6: Final = tuple(map(IPv6Network, (
    "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20",
)))  # fmt: skip

_METADATA: Final = frozenset(map(ipaddress.ip_address, (
    "169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23", "100.100.100.200",
    "168.63.129.16", "192.0.0.192", "fd20:ce::254",
)))  # fmt: skip

_LOW_32: Final = tuple(map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
_TEREDO: Final = IPv6Network("2001::/32")
_NOT_COMPATIBLE: Final = frozenset({IPv6Address("::"), IPv6Address("::1")})
_ISATAP: Final = (bytes.fromhex("00005efe"), bytes.fromhex("02005efe"))
# Where RFC 6052 section 2.2 puts the four IPv4 octets for a /48, /56, /64 and /96 prefix; octet 8 stays zero.
_RFC_6052_OCTETS: Final = ((6, 7, 9, 10), (7, 9, 10, 11), (9, 10, 11, 12), (12, 13, 14, 15))


def is_public(address: IpAddress) -> bool:
    """Return whether the address, and all it carries, is ordinary unicast of the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    if address.scope_id is not None or address not in _GLOBAL_UNICAST_V6:
        return False
    if any(address in network for network in _SPECIAL_V6):
        return False
    return all(map(is_public, embedded_ipv4(address)))


def is_metadata(address: IpAddress) -> bool:
    """Return whether the address, or one it carries, is known to hand out a cloud machine's own credentials."""
    return address in _METADATA or any(inner in _METADATA for inner in embedded_ipv4(address))


def embedded_ipv4(address: IpAddress) -> tuple[IPv4Address, ...]:
    """Return every IPv4 address that a gateway or the kernel may reach through an IPv6 address.

    Mapped, compatible and translated forms (RFC 4291, RFC 2765), NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056),
    Teredo's server and client (RFC 4380) and ISATAP (RFC 5214).
    """
    if isinstance(address, IPv4Address) or address in _NOT_COMPATIBLE:
        return ()
    return tuple(dict.fromkeys(_embedded(address)))


def _embedded(address: IPv6Address) -> Iterator[IPv4Address]:
    octets = address.packed
    if any(address in network for network in _LOW_32) or octets[8:12] in _ISATAP:
        yield IPv4Address(octets[12:])
    if address in _SIX_TO_FOUR:
        yield IPv4Address(octets[2:6])
    if address in _TEREDO:
        yield IPv4Address(octets[4:8])
        yield IPv4Address(bytes(octet ^ 0xFF for octet in octets[12:]))
    if address in _LOCAL_NAT64:
        yield from _local_nat64(octets)


def _local_nat64(octets: bytes) -> Iterator[IPv4Address]:
    """Read the address at each place RFC 6052 knows: the prefix length is the network's own choice.

    A reading that begins with a zero octet is the padding of another one.
    """
    for places in _RFC_6052_OCTETS:
        if octets[places[0]]:
            yield IPv4Address(bytes(octets[place] for place in places))
