"""Reads the return from the provider: a code, or the reason why there is none; anything else is refused."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NoReturn

from app.authenticators.base import Attempt, Callback, Facts
from app.authenticators.oauth2_client_auth import application_of
from app.authenticators.refusal import AuthStage, Refusal, numbers_in, refusal_error
from app.authenticators.values import Values, values_of
from app.catalog.definition import CallbackValue, OAuth2
from app.foundation.expressions import compile_pick
from app.foundation.patterns import compile_pattern
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret

_CODE: Final = re.compile(r"[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*")  # RFC 6749 A.11, not blank
_RETURNED: Final = 302


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A good return: the code, and what the definition keeps of the other values."""

    code: Secret
    kept: Mapping[str, str]


def read_callback(oauth: OAuth2, facts: Facts, attempt: Attempt, callback: Callback) -> AuthorizationCode:
    """Check every part of the return, in an order in which nothing unproven is used.

    No parameter twice, and one without a value counts as left out (RFC 6749 3.1); the state of this attempt; the
    issuer (RFC 9207 2.4): wherever one is stated it must be the definition's, and a definition that names one demands
    it; a code or an error, never both; the HMAC of the parameters where there is one; each extra value against its
    pattern and the configuration.

    Raises:
        OutsideError: a problem says what is wrong; nothing was sent.
    """
    reader = _Reader(oauth, facts, attempt, callback)
    reader.check_state()
    reader.check_issuer_value()
    reader.check_outcome()
    reader.check_issuer_present()
    reader.check_hmac()
    return AuthorizationCode(reader.code(), reader.kept())


class _Reader:
    def __init__(self, oauth: OAuth2, facts: Facts, attempt: Attempt, callback: Callback) -> None:
        self._oauth = oauth
        self._facts = facts
        self._attempt = attempt
        self._values: Values = values_of(facts)
        self._sent = self._unique(callback)
        self._params = {name: value for name, value in self._sent.items() if value}

    def _unique(self, callback: Callback) -> dict[str, str]:
        pairs = callback.params
        found = dict(pairs)
        if len(found) != len(pairs):
            self._refuse("PARAMETERS")
        return found

    def check_state(self) -> None:
        received = self._params.get("state", "")
        if not received or Secret(received) != self._attempt.state:
            self._refuse("STATE")

    def check_issuer_value(self) -> None:
        received, known = self._params.get("iss"), self._issuer()
        if received is not None and known is not None and received != known:
            raise self._facts.error(ProblemCode.ISSUER_MISMATCH)

    def check_issuer_present(self) -> None:
        if self._issuer() is not None and "iss" not in self._params:
            raise self._facts.error(ProblemCode.ISSUER_MISMATCH)

    def _issuer(self) -> str | None:
        issuer = self._oauth.issuer
        return self._values.url(issuer) if issuer and self._values.has_all(issuer) else None

    def check_outcome(self) -> None:
        has_code, has_error = "code" in self._params, "error" in self._params
        if has_code == has_error:
            self._refuse("CODE")
        if has_error:
            self._raise_error()

    def _raise_error(self) -> NoReturn:
        body = {name: self._params.get(name) for name in ("error", "error_description", "error_uri")}
        detail = body["error_description"]
        refusal = Refusal(body["error"], detail, numbers=numbers_in(None, detail))
        seen = {"status": _RETURNED, "headers": {}, "body": body}
        rule = next((rule for rule in self._oauth.problems if compile_pick(rule.when).holds(seen)), None)
        code = ProblemCode[rule.code] if rule else None
        raise refusal_error(refusal, self._facts, AuthStage.SIGN_IN, secrets=self._secrets(), code=code)

    def _secrets(self) -> list[Secret]:
        kept = [value for value in self._attempt.kept.values() if isinstance(value, Secret)]
        return [self._attempt.state, *kept]

    def check_hmac(self) -> None:
        name = self._oauth.callback_hmac
        if name is None:
            return
        secret = application_of(self._facts, self._values).client_secret
        received = self._params.get(name, "").lower()
        if secret is None or Secret(received) != self._signature(secret, name):
            self._refuse("SIGNATURE")

    def _signature(self, secret: Secret, name: str) -> Secret:
        """Shopify: hex HMAC-SHA256 of the other parameters, sorted, as ``name=value`` joined by ``&``."""
        signed = sorted((key, text) for key, text in self._sent.items() if key not in {name, "signature"})
        message = "&".join(f"{_escaped(key).replace('=', '%3D')}={_escaped(text)}" for key, text in signed)
        return Secret(hmac.new(secret.reveal().encode(), message.encode(), hashlib.sha256).hexdigest())

    def code(self) -> Secret:
        code = self._params["code"]
        if not _CODE.fullmatch(code):
            self._refuse("CODE")
        return Secret(code)

    def kept(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for name, rule in self._oauth.callback.items():
            value = self._params.get(name)
            if value is None and not rule.required:
                continue
            if value is None or not self._fits(rule, value):
                self._refuse("VALUE", parameter=name)
            if rule.keep:
                found[rule.keep] = value
        return MappingProxyType(found)

    def _fits(self, rule: CallbackValue, value: str) -> bool:
        """Match the pattern as a whole; where the configuration names the same thing, it must be that one."""
        if compile_pattern(rule.pattern).fullmatch(value) is None:
            return False
        configured = self._values.groups["config"].get(rule.keep or "")
        return not isinstance(configured, str) or _is_same(value, configured)

    def _refuse(self, cause: str, **details: str) -> NoReturn:
        raise self._facts.error(ProblemCode.CALLBACK_INVALID, cause=cause, **details)


def _is_same(value: str, configured: str) -> bool:
    """Return whether a returned name is the configured one; a configured first label stands for its host."""
    value, configured = value.lower(), configured.lower()
    return value == configured or value.startswith(f"{configured}.")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("&", "%26")
