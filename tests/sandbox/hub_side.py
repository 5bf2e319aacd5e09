"""The hub's own authenticators, driven against a sandbox: what a definition says is carried out for real."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from app.authenticators.base import (
    ApplicationFacts,
    Attempt,
    Callback,
    Chosen,
    Entered,
    Facts,
    Grant,
    Proceed,
    Waiting,
)
from app.authenticators.method_request import method_request
from app.authenticators.registry import authenticator_for
from app.authenticators.steps import (
    AccountChoiceStep,
    CredentialFormStep,
    DeviceCodeStep,
    NoStep,
    RedirectStep,
)
from app.catalog.classification import Classification, classify
from app.catalog.definition import AuthMethod, Definition
from app.foundation.messages import InResponse, OutRequest, SandboxRoute
from app.foundation.secret import Secret
from app.foundation.shapes import secret_paths
from app.sandbox.application import CLIENT_ID, CLIENT_SECRET, sample_application, sandbox_credentials
from tests.sandbox.outside import REDIRECT, Outside, ticked_scopes

ORIGIN = "http://sandbox.test"


@dataclass
class Hub:
    """One connection's worth of hub: an auth method of a definition, a configuration, and the way outside."""

    outside: Outside
    definition: Definition
    method: AuthMethod
    config: Mapping[str, Any]
    account: dict[str, str] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)

    @property
    def facts(self) -> Facts:
        extra = sample_application(self.method)
        secret_names = {path[0] for path in secret_paths(self.method.application or {})}
        fields = {name: Secret(value) if name in secret_names else value for name, value in extra.items()}
        return Facts(
            definition=self.definition,
            method=self.method,
            now=self.outside.clock.now(),
            random=lambda: secrets.token_urlsafe(32),
            config=self.config,
            application=ApplicationFacts(CLIENT_ID, Secret(CLIENT_SECRET), fields),
            account=self.account,
            redirect_uri=REDIRECT,
        )

    async def connect(self, *, untick: tuple[str, ...] = (), scopes: tuple[str, ...] | None = None) -> Grant:
        """Go through the whole authorization; the person ticks everything but ``untick``."""
        authenticator = authenticator_for(self.method)
        wanted = tuple(scope.name for scope in self.method.scopes) if scopes is None else scopes
        attempt = Attempt(Secret(secrets.token_urlsafe(32)), scopes=wanted, prefill=True)
        made: Any = await self.run(authenticator.begin(self.facts, attempt))
        while isinstance(made, Waiting):
            answer = await self._answer(made, untick)
            attempt = replace(attempt, kept=made.kept)
            made = await self.run(authenticator.complete(self.facts, attempt, answer))
        assert isinstance(made, Grant)
        return made

    async def _answer(self, waiting: Waiting, untick: tuple[str, ...]) -> Any:
        step = waiting.step
        if isinstance(step, RedirectStep):
            url = self.route.rewrite(step.authorize_url)
            shown = await self.outside.http.get(url)
            assert shown.status_code == 200, shown.text
            scopes = [scope for scope in ticked_scopes(shown.text) if scope not in untick]
            decided = await self.outside.http.post(url, data={"decision": "allow", "scope": scopes})
            assert decided.status_code == 303
            return Callback(tuple(parse_qsl(urlsplit(decided.headers["location"]).query)))
        if isinstance(step, DeviceCodeStep):
            shown = await self.outside.http.get(step.verification_url_complete or "")
            scopes = [scope for scope in ticked_scopes(shown.text) if scope not in untick]
            form = {"user_code": step.user_code, "decision": "allow", "scope": scopes}
            decided = await self.outside.http.post(step.verification_url, data=form)
            assert decided.status_code == 200
            return Proceed()
        if isinstance(step, CredentialFormStep):
            return Entered(sandbox_credentials(self.method))
        if isinstance(step, NoStep):
            return Proceed()
        assert isinstance(step, AccountChoiceStep), step
        return Chosen(step.options[0].id)

    async def renew(self, grant: Grant) -> Grant:
        return await self.run(authenticator_for(self.method).renew(self.facts, grant))

    async def revoke(self, grant: Grant) -> Any:
        return await self.run(authenticator_for(self.method).revoke(self.facts, grant))

    async def call(
        self, grant: Grant, name: str, params: Mapping[str, Any]
    ) -> tuple[InResponse, Classification]:
        """Call a method with the grant's credentials."""
        request = method_request(self.facts.knowing(grant.account.kept), name, params)
        placed = authenticator_for(self.method).apply(self.facts, grant, request)
        answer = await self._send(placed)
        return answer, outcome_of(self.definition, answer)

    async def run(self, flow: Any) -> Any:
        try:
            request = next(flow)
            while True:
                request = flow.send(await self._send(request))
        except StopIteration as done:
            return done.value

    @property
    def route(self) -> SandboxRoute:
        return SandboxRoute(ORIGIN, f"/sandbox/{self.definition.integration}@{self.definition.version}")

    async def _send(self, request: OutRequest) -> InResponse:
        self.sent.append(f"{request.method} {request.url}")
        answer = await self.outside.http.request(
            request.method,
            self.route.rewrite(request.url),
            headers=list(request.headers),
            content=request.body,
        )
        return InResponse(answer.status_code, tuple(answer.headers.items()), answer.content)


def sample_config(definition: Definition) -> dict[str, Any]:
    """Return a configuration of each field's first example, default or option."""
    found: dict[str, Any] = {}
    for name, schema in (definition.config.get("properties") or {}).items():
        options = [*(schema.get("examples") or ()), schema.get("default"), *(schema.get("enum") or ())]
        value = next((option for option in options if option is not None), None)
        if value is not None:
            found[name] = value
    return found


def outcome_of(definition: Definition, answer: InResponse) -> Classification:
    return classify(definition.http, answer.status, dict(answer.headers), body_of(answer))


def body_of(answer: InResponse) -> Any:
    is_json = (answer.header("content-type") or "").startswith("application/json")
    return answer.json() if is_json and answer.body else None
