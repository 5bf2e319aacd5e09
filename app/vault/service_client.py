"""The way to a key service that speaks JSON over HTTP: one host, by the hub's own outbound, with short timeouts."""

from __future__ import annotations

import ssl
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from app.foundation.clock import Clock
from app.foundation.egress import EgressPolicy
from app.foundation.errors import OutsideError, TransientOutsideError
from app.foundation.messages import Destination, InResponse, OutRequest, ResponseNotJsonError
from app.foundation.outbound import Outbound
from app.foundation.retry import backoff_s
from app.foundation.secret import Secret

_TIMEOUT_S: Final = 5.0
_ATTEMPTS: Final = 3
_MAX_BYTES: Final = 1 << 18
_TOO_MANY: Final = 429
_SERVER_FAULT: Final = 500
_EVERYWHERE: Final = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
# The one cloud metadata address that gives out tokens; the guard wants it named exactly.
_METADATA: Final = ip_network("169.254.169.254/32")


class ServiceFaultError(Exception):
    """The service could not be asked; ``code`` says why, and nothing of what was sent or answered."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """What a service answered: its status, and its JSON object, empty where it sent none."""

    status: int
    data: Mapping[str, Any] = field(repr=False)

    @property
    def is_ok(self) -> bool:
        """Whether it did what it was asked for."""
        return 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110 15.3


class ServiceClient:
    """Asks the one host of an address that the operator set: also a private one, and never another.

    It tries three times where trying again may help. Nothing of what is sent or answered is recorded or logged.
    """

    def __init__(self, outbound: Outbound, clock: Clock, endpoint: str) -> None:
        self._outbound = outbound
        self._clock = clock
        self._endpoint = endpoint.rstrip("/")
        self._destination = Destination((urlsplit(endpoint).hostname or "",))
        self._chance = Random()  # noqa: S311 - for waiting times

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str | Secret],
        body: Mapping[str, str] | None = None,
    ) -> ServiceAnswer:
        """Send one request with a JSON body and return the answer, whatever its status.

        Raises:
            ServiceFaultError: no answer came, or none that could be read.
        """
        request = _request(method, self._endpoint + path, headers, body)
        for attempt in range(_ATTEMPTS):
            is_last = attempt == _ATTEMPTS - 1
            try:
                answer = await self._outbound.send(
                    request, self._destination, timeout_s=_TIMEOUT_S, max_bytes=_MAX_BYTES
                )
            except TransientOutsideError as fault:
                if is_last:
                    raise ServiceFaultError(fault.problem.code.value) from None
            except OutsideError as fault:
                raise ServiceFaultError(fault.problem.code.value) from None
            else:
                if is_last or (answer.status != _TOO_MANY and answer.status < _SERVER_FAULT):
                    return ServiceAnswer(answer.status, _object(answer))
            await self._clock.sleep(backoff_s(attempt, base_s=0.2, cap_s=2.0, rng=self._chance))
        raise AssertionError("the last attempt ends the loop")


def to_base64(data: bytes) -> str:
    """Return bytes as such services take them."""
    return b64encode(data).decode("ascii")


def from_base64(text: object) -> bytes:
    """Return the bytes of what a service gave as base64; none where it is not that."""
    try:
        return b64decode(str(text or ""), validate=True)
    except ValueError:
        return b""


def service_outbound(clock: Clock, ca_file: Path | None = None) -> Outbound:
    """Return the outbound for key services: whatever address the operator set is allowed, private ones too.

    ``ca_file`` holds the authorities that sign the service's certificate, instead of the public ones.
    """
    verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=str(ca_file)) if ca_file else True
    return Outbound(EgressPolicy((*_EVERYWHERE, _METADATA)), clock=clock, verify=verify)


def _request(
    method: str, url: str, headers: Mapping[str, str | Secret], body: Mapping[str, str] | None
) -> OutRequest:
    plain = tuple(
        (name, value.reveal() if isinstance(value, Secret) else value) for name, value in headers.items()
    )
    if body is not None:
        plain = (*plain, ("content-type", "application/json"))
    return OutRequest(
        method,
        url,
        plain,
        None if body is None else orjson.dumps(body),
        secret_headers=[name for name, value in headers.items() if isinstance(value, Secret)],
        secrets=tuple(value for value in headers.values() if isinstance(value, Secret)),
    )


def _object(answer: InResponse) -> Mapping[str, Any]:
    try:
        data = answer.json()
    except ResponseNotJsonError:
        return {}
    return data if isinstance(data, dict) else {}
