"""Schemes of several fields: placed on the request, signed into it, or first turned into a session token."""

from __future__ import annotations

from typing import ClassVar

from app.authenticators.api_key import place_all
from app.authenticators.base import Answer, Attempt, Facts, Flow, Grant, Waiting
from app.authenticators.entered import EnteredCredentials, blank_request, entered_of
from app.authenticators.login import can_renew_login, log_in, renew_login
from app.authenticators.refusal import AuthStage
from app.authenticators.sigv4 import AwsKey, aws_signed
from app.authenticators.values import values_of
from app.catalog.definition import AuthKind, AuthMethod
from app.foundation.messages import OutRequest


class CustomAuthenticator(EnteredCredentials):
    """Places any number of fields in the definition's order; with ``login`` it fetches a session token first.

    With ``sign`` the request is signed last (AWS Signature Version 4), since all of it is signed.
    """

    kind: ClassVar[AuthKind] = AuthKind.CUSTOM

    def complete(self, facts: Facts, attempt: Attempt, answer: Answer) -> Flow[Grant | Waiting]:
        """Check what was entered, and log in with it where the definition says so."""
        login = facts.method.login
        if login is None:
            return (yield from super().complete(facts, attempt, answer))
        entered = self._grant(facts.method, entered_of(answer))
        grant = yield from log_in(login, facts, entered, AuthStage.ENTERED)
        self.apply(facts, grant, blank_request())
        return grant

    def can_renew(self, method: AuthMethod, grant: Grant) -> bool:
        """Return whether there is a session token that can be renewed."""
        return method.login is not None and can_renew_login(method.login, grant)

    def renew(self, facts: Facts, grant: Grant) -> Flow[Grant]:
        """Renew the session token."""
        login = facts.method.login
        return (yield from renew_login(login, facts, grant) if login else super().renew(facts, grant))

    def apply(self, facts: Facts, grant: Grant, request: OutRequest) -> OutRequest:
        """Carry out all placements, then the signature."""
        request = place_all(facts, grant, request)
        return aws_signed(request, _aws_key(facts, grant), now=facts.now) if facts.method.sign else request


def _aws_key(facts: Facts, grant: Grant) -> AwsKey:
    values, sign = values_of(facts, grant), facts.method.sign
    session = sign.get("sessionToken")
    return AwsKey(
        access_key_id=values.text(sign["accessKeyId"]),
        secret_access_key=values.whole(sign["secretAccessKey"]),
        service=values.text(sign["service"]),
        region=values.text(sign["region"]),
        session_token=values.whole(session) if session and values.has_all(session) else None,
    )
