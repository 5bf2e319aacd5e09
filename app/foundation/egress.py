"""What the hub may connect to: hosts, ports and addresses are judged here before anything is sent."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import Final, Protocol

from app.foundation.addresses import IpAddress, IpNetwork, embedded_ipv4, is_metadata, is_public

MAX_URL_LENGTH: Final = 16_384
_MAX_HOST_LENGTH: Final = 253
_MAX_PORT: Final = 65_535
_FIRST_UNPRIVILEGED_PORT: Final = 1_024
_RESOLVER_THREADS: Final = 32
DEFAULT_PORTS: Final = {"https": 443, "http": 80}

_URL: Final = re.compile(r"(https?)://([^/?#\\]*)([/?][^#]*)?(?:#.*)?", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_AUTHORITY: Final = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::([1-9][0-9]{0,4}))?", re.IGNORECASE)
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# WHATWG URL, "ends in a number": what getaddrinfo and inet_aton would read as an IPv4 address in disguise.
_NUMERIC_LABEL: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_METADATA_NAMES: Final = ("metadata.google.internal", "metadata.goog", "instance-data.ec2.internal")


class EgressCause(StrEnum):
    """Which rule an address breaks."""

    URL = "URL"
    SCHEME = "SCHEME"
    HOST = "HOST"
    PORT = "PORT"
    ADDRESS = "ADDRESS"
    REDIRECT = "REDIRECT"


class EgressRefusedError(ValueError):
    """The address breaks a rule. Its text is the rule's name alone, never the address."""

    def __init__(self, cause: EgressCause) -> None:
        self.cause = cause
        super().__init__(cause.value)


@dataclass(frozen=True, slots=True)
class EgressTarget:
    """A URL taken apart by the one strict reading: what is judged is what is connected to."""

    scheme: str
    host: str  # lower-case ASCII without a final dot; an IPv6 literal stands without brackets
    port: int
    path: str  # path and query, beginning with a slash
    literal: IpAddress | None = None

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port (RFC 6454)."""
        return self.scheme, self.host, self.port

    @property
    def origin_text(self) -> str:
        """The origin in its one written form: ``https://login.example.com``, with a port where it is not the usual."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """The host as a URL writes it, with the port where it is not the scheme's own."""
        host = f"[{self.host}]" if isinstance(self.literal, IPv6Address) else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL in its one normal form."""
        return f"{self.scheme}://{self.authority}{self.path}"


def parse_target(url: str) -> EgressTarget:
    """Read an absolute http or https URL (RFC 3986), refusing what two parsers may read differently.

    Refused: user information, zone ids, percent signs, backslashes and non-ASCII in the host (a name in
    another script is written in its ``xn--`` form), empty labels, IPv4 in any form but four plain decimals,
    control characters anywhere. One final dot is dropped, and so is the fragment.

    Raises:
        EgressRefusedError: with the cause URL.
    """
    match = _URL.fullmatch(url) if len(url) <= MAX_URL_LENGTH and not _CONTROL.search(url) else None
    authority = _AUTHORITY.fullmatch(match[2]) if match else None
    if match is None or authority is None:
        raise EgressRefusedError(EgressCause.URL)
    scheme = match[1].lower()
    port = int(authority[3] or DEFAULT_PORTS[scheme])
    try:
        host, literal = _parse_host(authority[1], authority[2])
    except ValueError:
        raise EgressRefusedError(EgressCause.URL) from None
    if port > _MAX_PORT:
        raise EgressRefusedError(EgressCause.URL)
    path = match[3] or "/"
    return EgressTarget(scheme, host, port, path if path.startswith("/") else f"/{path}", literal)


def host_matches(host: str, pattern: str) -> bool:
    """Return whether a host is the pattern's name, or lies below it where the pattern begins with ``*.``.

    ``*`` stands for one or more labels, never for none: ``*.example.com`` is not ``example.com``. Case and
    one final dot do not matter. No other wildcard is known: any other pattern with a star matches nothing.
    """
    name, wanted = _plain(host), _plain(pattern)
    if not wanted.startswith("*."):
        return name == wanted and bool(name)
    parent = wanted[1:]
    return "*" not in parent and len(parent) > 1 and name.endswith(parent) and len(name) > len(parent)


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """The public internet, and the networks that the operator allowed (``PATCHBAY_EGRESS_ALLOW``).

    An allowed network opens its addresses for any port and for plain http. It does not open a cloud's
    metadata address that happens to lie in it: that needs an entry of exactly that address.
    """

    allowed_networks: tuple[IpNetwork, ...] = ()

    def check_address(self, address: IpAddress) -> bool:
        """Return whether the hub may connect to the address and to every IPv4 address that it carries."""
        return all(self._check_one(one) for one in (address, *embedded_ipv4(address)))

    def check_url(self, url: str) -> EgressTarget:
        """Judge what can be known of a URL without asking for its addresses; to be used where a URL is saved.

        Raises:
            EgressRefusedError: URL, HOST (a metadata name), PORT, SCHEME or ADDRESS.
        """
        target = parse_target(url)
        if target.host in _METADATA_NAMES:
            raise EgressRefusedError(EgressCause.HOST)
        if target.literal is not None:
            self.check_answers(target, (target.literal,))
        elif not self.allowed_networks:
            self._check_public(target)
        return target

    def check_answers(self, target: EgressTarget, addresses: Sequence[IpAddress]) -> None:
        """Judge every address that a name resolved to; a single bad one refuses them all.

        Raises:
            EgressRefusedError: ADDRESS, PORT (public: 80, 443, from 1024) or SCHEME (plain http to public).
        """
        if not addresses or not all(map(self.check_address, addresses)):
            raise EgressRefusedError(EgressCause.ADDRESS)
        if not all(map(self._in_allowed_network, addresses)):
            self._check_public(target)

    @staticmethod
    def _check_public(target: EgressTarget) -> None:
        if target.scheme != "https":
            raise EgressRefusedError(EgressCause.SCHEME)
        if target.port < _FIRST_UNPRIVILEGED_PORT and target.port not in DEFAULT_PORTS.values():
            raise EgressRefusedError(EgressCause.PORT)

    def _check_one(self, address: IpAddress) -> bool:
        if is_metadata(address):
            return any(address in network and network.num_addresses == 1 for network in self.allowed_networks)
        return self._in_allowed_network(address) or is_public(address)

    def _in_allowed_network(self, address: IpAddress) -> bool:
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return False
        return any(address in network for network in self.allowed_networks)


class Resolver(Protocol):
    """Turns a host name into addresses."""

    async def resolve(self, host: str, port: int) -> Sequence[IpAddress]:
        """Return every address of the name, best first; an unknown name is an ``OSError`` or no address."""
        ...


class SystemResolver:
    """The machine's own resolver, in threads of its own: slow name servers cannot hold up other work."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_RESOLVER_THREADS, thread_name_prefix="resolve")

    async def resolve(self, host: str, port: int) -> Sequence[IpAddress]:
        """Return every address that ``getaddrinfo`` gives, each once."""
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        answers = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return tuple(dict.fromkeys(ipaddress.ip_address(answer[4][0]) for answer in answers))

    def close(self) -> None:
        """Let the threads end once their look-ups do."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _parse_host(ipv6: str | None, name: str) -> tuple[str, IpAddress | None]:
    if ipv6:
        literal = IPv6Address(ipv6)
        return str(literal), literal
    host = name.lower().removesuffix(".")
    labels = host.split(".")
    if len(host) > _MAX_HOST_LENGTH or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError("not a host name")
    return host, IPv4Address(host) if _NUMERIC_LABEL.fullmatch(labels[-1]) else None


def _plain(host: str) -> str:
    return host.lower().removesuffix(".").removeprefix("[").removesuffix("]")
