"""Reads the credentials of calls that are signed: OAuth 1.0 and AWS Signature Version 4."""

from __future__ import annotations

from collections.abc import Mapping

from app.catalog.definition import AuthKind, AuthMethod, Definition
from app.foundation.clock import Clock
from app.sandbox.application import expanded, sandbox_credentials
from app.sandbox.aws_signature import AwsSignature, is_right, read_signature
from app.sandbox.inbound import Inbound
from app.sandbox.oauth1_check import OAuth1Check
from app.sandbox.oauth1_signature import OAuth1RefusedError
from app.sandbox.presented import Presented, are_right, placed_values, read_template
from app.sandbox.tokens import Kind


class SignedCalls:
    """Finds the auth method that a call was signed for, and checks the signature."""

    def __init__(self, check: OAuth1Check, clock: Clock) -> None:
        self._check = check
        self._clock = clock

    async def presented(
        self, definition: Definition, inbound: Inbound, in_path: Mapping[str, str]
    ) -> Presented | None:
        """Return what the signature proves, or None where the call bears none that holds."""
        for method in definition.auth:
            if method.kind is AuthKind.OAUTH1:
                found = await self._oauth1(definition, method, inbound)
                if found is not None:
                    return found
            elif method.sign and self._is_aws_signed(method, inbound, in_path):
                return Presented(method)
        return None

    async def _oauth1(self, definition: Definition, method: AuthMethod, inbound: Inbound) -> Presented | None:
        try:
            _, claims = await self._check.check_token(definition, method, inbound, Kind.ACCESS)
        except OAuth1RefusedError:
            return None
        return Presented(method, claims)

    def _is_aws_signed(self, method: AuthMethod, inbound: Inbound, in_path: Mapping[str, str]) -> bool:
        signature = read_signature(inbound)
        secret = expanded(method.sign["secretAccessKey"], sandbox_credentials(method))
        return (
            signature is not None
            and _is_for(method, signature)
            and is_right(inbound, signature, secret, self._clock.now())
            and _has_session(method, inbound)
            and _is_placed(method, inbound, in_path)
        )


def _is_for(method: AuthMethod, signature: AwsSignature) -> bool:
    """Whether the key is the known one, and the scope what the definition says, as far as that is no configuration."""
    parts = {"accessKeyId": signature.access_key_id, "region": signature.region, "service": signature.service}
    known = sandbox_credentials(method)
    for name, value in parts.items():
        read = read_template(method.sign[name], value)
        if read is None:
            return False
        entered = {key: found for key, found in read.items() if key.startswith("credentials.")}
        if any(known.get(key.removeprefix("credentials.")) != found for key, found in entered.items()):
            return False
    return True


def _has_session(method: AuthMethod, inbound: Inbound) -> bool:
    """Whether the session token, where one is sent, is the known one."""
    given, text = inbound.headers.get("x-amz-security-token"), method.sign.get("sessionToken")
    return given is None or (text is not None and given == expanded(text, sandbox_credentials(method)))


def _is_placed(method: AuthMethod, inbound: Inbound, in_path: Mapping[str, str]) -> bool:
    """Whether what the method places beside its signature is right too."""
    if not method.place:
        return True
    values = placed_values(method, inbound, in_path)
    return values is not None and are_right(method, values)
