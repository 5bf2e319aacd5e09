"""OAuth 1.0a (RFC 5849): temporary credentials, consent, token credentials, and a signature on every request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Final
from urllib.parse import quote, urlencode

from app.authenticators.answer import read_object
from app.authenticators.base import (
    NO_GRANT,
    Answer,
    Attempt,
    Authenticator,
    Callback,
    Facts,
    Flow,
    Grant,
    Waiting,
    required,
)
from app.authenticators.entered import wrong_answer
from app.authenticators.method_request import check_base_host
from app.authenticators.oauth1_signature import SignatureRefusedError, Signer, signed
from app.authenticators.oauth2_authorize import redirect_uri_of
from app.authenticators.oauth2_client_auth import application_of
from app.authenticators.oauth2_grants import renewed
from app.authenticators.oauth2_token import read_token_answer
from app.authenticators.refusal import AuthStage, Refusal, refusal_error
from app.authenticators.retries import later, with_retries
from app.authenticators.steps import RedirectStep
from app.authenticators.texts import picked_text
from app.authenticators.values import Values, values_of
from app.catalog.definition import AuthKind, OAuth1, TokenAnswer
from app.foundation.errors import NotAllowedNowError
from app.foundation.messages import InResponse, OutRequest
from app.foundation.plain_data import from_data
from app.foundation.problems import ProblemCode, problem
from app.foundation.secret import Secret

_TOKEN: Final = "requestToken"  # noqa: S105 - the name of a kept value
_SECRET: Final = "requestSecret"  # noqa: S105 - the name of a kept value
_TOKEN_SECRET: Final = "tokenSecret"  # noqa: S105 - the name of a value
_FORM: Final = "application/x-www-form-urlencoded"
_OURS: Final = frozenset({"oauth_token", "oauth_callback"})
_REFUSED: Final = frozenset({401, 403})


class OAuth1Authenticator(Authenticator):
    """Carries out the three-legged flow. Tokens do not expire here, so nothing is renewed."""

    kind: ClassVar[AuthKind] = AuthKind.OAUTH1

    def begin(self, facts: Facts, attempt: Attempt) -> Flow[Waiting]:
        """Get temporary credentials (RFC 5849 2.1) and send the person to consent (2.2).

        The state travels in the callback address, since OAuth 1.0 has no parameter for it.
        """
        oauth = required(facts.method.oauth1)
        redirect_uri = redirect_uri_of(facts)
        joint = "&" if "?" in redirect_uri else "?"
        callback = f"{redirect_uri}{joint}state={quote(attempt.state.reveal(), safe='')}"
        request = _signed(facts, oauth.request_url, {"oauth_callback": callback})
        answer = yield replace(request, secrets=(*request.secrets, attempt.state))
        if answer.status in _REFUSED:
            raise facts.error(ProblemCode.APPLICATION_REJECTED, providerStatus=answer.status)
        found, body = _read(oauth, facts, answer, request)
        if body.get("oauth_callback_confirmed") != "true":
            raise facts.error(ProblemCode.TOKEN_RESPONSE_INVALID)
        url = _consent_url(oauth, values_of(facts), found.values["accessToken"])
        step = RedirectStep(facts.method.title, url, redirect_uri, attempt.scopes)
        return Waiting(step, {_TOKEN: found.values["accessToken"], _SECRET: found.values[_TOKEN_SECRET]})

    def complete(self, facts: Facts, attempt: Attempt, answer: Answer) -> Flow[Grant | Waiting]:
        """Check the return and get token credentials (RFC 5849 2.3); the verifier is bound to this attempt."""
        if not isinstance(answer, Callback):
            raise wrong_answer()
        oauth = required(facts.method.oauth1)
        verifier = _verifier(facts, attempt, answer)
        temporary = Grant({"accessToken": attempt.kept[_TOKEN], _TOKEN_SECRET: attempt.kept[_SECRET]})

        def ask(wait_s: float) -> Flow[Grant]:
            request = _signed(facts, oauth.access_url, {"oauth_verifier": verifier.reveal()}, temporary)
            response = yield later(replace(request, secrets=(*request.secrets, verifier)), wait_s)
            if response.status in _REFUSED:
                raise refusal_error(Refusal("invalid_grant", None, response.status), facts, AuthStage.SIGN_IN)
            return _read(oauth, facts, response, request)[0]

        found = yield from with_retries(ask)
        check_base_host(facts.knowing(found.account.kept))
        return renewed(Grant({}, requested_scopes=attempt.scopes), found)

    def apply(self, facts: Facts, grant: Grant, request: OutRequest) -> OutRequest:
        """Sign the request; it must be complete, because its query and form are signed."""
        if not {"accessToken", _TOKEN_SECRET} <= grant.values.keys():
            raise NotAllowedNowError(problem(ProblemCode.NOT_AUTHENTICATED))
        return _with_signature(facts, request, {}, grant)


def _signed(facts: Facts, url: str, extra: Mapping[str, str], grant: Grant = NO_GRANT) -> OutRequest:
    fields = ("oauth_token", "oauth_token_secret")
    url = values_of(facts).url(url)
    request = OutRequest("POST", url, (("Accept", f"{_FORM}, */*;q=0.1"),), secret_fields=fields)
    return _with_signature(facts, request, extra, grant)


def _with_signature(facts: Facts, request: OutRequest, extra: Mapping[str, str], grant: Grant) -> OutRequest:
    oauth, application = required(facts.method.oauth1), application_of(facts, values_of(facts, grant))
    key = application.fields.get("privateKey")
    signer = Signer(
        oauth.signature,
        application.client_id,
        application.client_secret or Secret(""),
        grant.values.get("accessToken"),
        grant.values.get(_TOKEN_SECRET),
        oauth.realm,
        key if isinstance(key, Secret) or key is None else Secret(str(key)),
    )
    try:
        extra = {"oauth_version": "1.0", **extra}
        return signed(request, signer, extra, now=facts.now, nonce=facts.random())
    except SignatureRefusedError:
        raise facts.error(ProblemCode.APPLICATION_REJECTED, cause="SIGNING_KEY") from None


def _consent_url(oauth: OAuth1, values: Values, token: Secret) -> str:
    own = [(p.name, p.value) for p in values.params(oauth.authorize_params) if p.name not in _OURS]
    url = values.url(oauth.authorize_url).partition("#")[0]
    query = urlencode([("oauth_token", token.reveal()), *own], quote_via=quote)
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _verifier(facts: Facts, attempt: Attempt, callback: Callback) -> Secret:
    """Return the verifier of a return that is whole, ours, and answers the temporary token of this attempt."""
    params = dict(callback.params)
    if len(params) != len(callback.params) or Secret(params.get("state", "")) != attempt.state:
        raise facts.error(ProblemCode.CALLBACK_INVALID)
    if "denied" in params or params.get("oauth_problem") in {"user_refused", "permission_denied"}:
        raise refusal_error(Refusal("access_denied", None), facts, AuthStage.SIGN_IN)
    token, secret = attempt.kept.get(_TOKEN), attempt.kept.get(_SECRET)
    if not isinstance(secret, Secret) or Secret(params.get("oauth_token", "")) != token:
        raise facts.error(ProblemCode.CALLBACK_INVALID)
    verifier = picked_text("oauth_verifier", params)
    if verifier is None or not verifier.isascii():
        raise facts.error(ProblemCode.CALLBACK_INVALID)
    return Secret(verifier)


def _read(
    oauth: OAuth1, facts: Facts, answer: InResponse, request: OutRequest
) -> tuple[Grant, dict[str, str]]:
    """Read an answer as a form, whatever its media type says: RFC 5849 2.1 and 2.3 know no other."""
    form = replace(answer, headers=(("content-type", _FORM), *answer.headers))
    members = {
        "accessToken": "oauth_token",
        "secrets": {_TOKEN_SECRET: "oauth_token_secret"},
        "error": "oauth_problem",
        "errorDescription": "oauth_problem_advice",
        "grantedSeparator": " ",
    }
    spec = from_data(TokenAnswer, members, account=oauth.account, keep=oauth.keep, example=oauth.example)
    found = read_token_answer(spec, (), form, facts, AuthStage.SIGN_IN, request.secrets)
    if _TOKEN_SECRET not in found.values:
        raise facts.error(ProblemCode.TOKEN_RESPONSE_INVALID)
    return found, read_object(form) or {}
