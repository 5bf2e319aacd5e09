"""Sends what authenticators yield, and says where a connection may reach."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from app.authenticators.base import Flow, Waiting
from app.authenticators.steps import DeviceCodeStep
from app.catalog.definition import Definition
from app.catalog.hosts import allowed_hosts
from app.credentials.snapshot import Mode
from app.foundation.certificates import TlsMaterial
from app.foundation.clock import Clock
from app.foundation.errors import OutsideError
from app.foundation.messages import Destination, SandboxRoute
from app.foundation.outbound import Outbound
from app.foundation.problems import ProblemCode, problem
from app.foundation.redaction import SecretRegistry
from app.foundation.secret import Secret

T = TypeVar("T")
_TIMEOUT_S: Final = 20.0
_MAX_ANSWER_BYTES: Final = 1 << 20
_MAX_REQUESTS: Final = 24
BetweenRequests = Callable[[int], Awaitable[None]]


class FlowRunner:
    """Drives authenticator flows over outbound HTTP: one request at a time, redirects never followed."""

    def __init__(self, outbound: Outbound, secrets: SecretRegistry, clock: Clock) -> None:
        self._outbound = outbound
        self._secrets = secrets
        self._clock = clock

    async def run(self, flow: Flow[T], destination: Destination, before: BetweenRequests | None = None) -> T:
        """Run ``flow`` to its end and return its result.

        ``before`` is called with the number of each request (from 1); one that is sent later is another try, and counts
        as the one before.

        Raises:
            PatchbayError: what the flow raises; a failed send is thrown into the flow first.
        """
        try:
            request, number = next(flow), 0
            for _ in range(_MAX_REQUESTS):
                self._secrets.remember(*request.secrets)
                if request.wait_s > 0:
                    await self._clock.sleep(request.wait_s)
                else:
                    number += 1
                    if before is not None:
                        await before(number)
                try:
                    response = await self._outbound.send(
                        request, destination, timeout_s=_TIMEOUT_S, max_bytes=_MAX_ANSWER_BYTES, redirects=0
                    )
                except OutsideError as fault:
                    request = flow.throw(fault)
                else:
                    request = flow.send(response)
        except StopIteration as end:
            result: T = end.value
            return result
        flow.close()
        raise OutsideError(problem(ProblemCode.UPSTREAM_BAD_RESPONSE))


class Destinations:
    """Says where connections may reach: the definition's hosts, or the sandbox and nothing else."""

    def __init__(self, sandbox_origin: str | None, public_sandbox_origin: str | None) -> None:
        self._sandbox_origin = sandbox_origin
        self._public_sandbox_origin = public_sandbox_origin

    def of(self, definition: Definition, mode: Mode, config: Mapping[str, Any]) -> Destination:
        """Return the destination of a connection with this configuration."""
        hosts = allowed_hosts(definition.http.hosts, config)
        if mode is Mode.LIVE:
            return Destination(hosts, tls=tls_material(definition.http.tls_from_config, config))
        public = self._public_sandbox_origin or ""
        return Destination(hosts, SandboxRoute(self._sandbox_origin or "", _prefix(definition), public))

    def browser_url(self, definition: Definition, mode: Mode, url: str) -> str:
        """Return ``url`` as a browser must open it: the sandbox's own address in sandbox mode."""
        if mode is Mode.LIVE:
            return url
        return SandboxRoute(self._public_sandbox_origin or "", _prefix(definition)).rewrite(url)

    def for_person(self, definition: Definition, mode: Mode, waiting: Waiting) -> Waiting:
        """Return what to wait for with the addresses of a device code as a person must open them.

        The sandbox names its page by the address at which it was asked.
        """
        step = waiting.step
        if mode is Mode.LIVE or not isinstance(step, DeviceCodeStep):
            return waiting
        complete = step.verification_url_complete
        shown = replace(
            step,
            verification_url=self._public(definition, step.verification_url),
            verification_url_complete=complete and self._public(definition, complete),
        )
        return replace(waiting, step=shown)

    def _public(self, definition: Definition, url: str) -> str:
        # Which scheme and host the sandbox was asked at is up to the proxy in front of it.
        _, found, played = url.partition(f"{_prefix(definition)}/")
        return self.browser_url(definition, Mode.SANDBOX, f"https://{played}" if found else url)


def tls_material(fields: Mapping[str, str], config: Mapping[str, Any]) -> TlsMaterial | None:
    """Return what a configuration brings to TLS, by the fields that the definition names; None where it is nothing."""
    held = {part: config[name] for part, name in fields.items() if config.get(name)}
    if not held:
        return None
    texts = {
        part: value.reveal() if isinstance(value, Secret) else str(value) for part, value in held.items()
    }
    key = texts.get("privateKey")
    return TlsMaterial(texts.get("authorities"), texts.get("certificate"), Secret(key) if key else None)


def _prefix(definition: Definition) -> str:
    return f"/sandbox/{definition.integration}@{definition.version}"
