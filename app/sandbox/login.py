"""The first of two steps: what a person entered becomes a session token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.catalog.definition import Definition, Login
from app.foundation.problems import ProblemCode
from app.sandbox.answer import SandboxAnswer
from app.sandbox.application import expanded, sandbox_credentials
from app.sandbox.inbound import Inbound, first_values
from app.sandbox.issuer import fresh_grant, issued_answer
from app.sandbox.ledger import Ledger
from app.sandbox.presented import are_right, read_template
from app.sandbox.routing import RouteTarget
from app.sandbox.switches import Switchboard
from app.sandbox.wording import problem_answer


class LoginEndpoint:
    """Checks the test credentials that the login call carries, and issues a session token."""

    def __init__(self, ledger: Ledger, switchboard: Switchboard) -> None:
        self._ledger = ledger
        self._switchboard = switchboard

    async def answer(self, definition: Definition, target: RouteTarget, inbound: Inbound) -> SandboxAnswer:
        """Answer one login call."""
        method = target.auth[0]
        login = method.login
        if login is None:
            raise TypeError("only an auth method with a login has a login endpoint")
        values = _entered(login, inbound, sandbox_credentials(method))
        switches = await self._switchboard.of(definition.integration, method.id)
        if not are_right(method, values) or switches.reject_credentials:
            return problem_answer(definition, None, ProblemCode.CREDENTIALS_REJECTED)
        grant = fresh_grant(definition, method)
        lifetime_s = switches.token_lifetime_s
        path = expanded(login.token.access_token, sandbox_credentials(method))
        token = replace(login.token, access_token=path)
        return await issued_answer(self._ledger, method, token, grant, lifetime_s=lifetime_s)


def _entered(login: Login, inbound: Inbound, known: Mapping[str, str]) -> dict[str, str]:
    given = first_values(inbound.fields)
    templates = [(text, given.get(expanded(name, known))) for name, text in login.body.items()]
    templates += [(text, inbound.headers.get(name.lower())) for name, text in login.headers.items()]
    found: dict[str, str] = {}
    for text, value in templates:
        read = None if value is None else read_template(text, value)
        if read is None and "credentials." in text:
            return {}
        found |= read or {}
    return found
