"""One case for each kind of auth method and provider habit, with the answers of its provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.authenticators.base import Answer, Attempt, Entered, Facts, Proceed
from app.catalog.definition import (
    AccountPick,
    Assertion,
    AuthMethod,
    GrantType,
    Placement,
    RenewalBy,
    TokenProblem,
)
from app.foundation.messages import InResponse
from app.foundation.secret import Secret
from tests.authenticators.flows import answer, callback, form_answer, make_attempt, make_facts, token_body
from tests.factories.definitions import (
    make_api_key,
    make_aws,
    make_basic,
    make_custom,
    make_form,
    make_login,
    make_oauth1,
    make_oauth2,
    make_renewal,
    make_token,
)


@dataclass(frozen=True)
class Case:
    """An auth method with answers of its provider.

    ``begun`` answers the call for the first step, ``given`` that step. ``good`` completes it, ``refused``
    does not, ``renewed`` renews the grant, ``dead`` says that the grant is no longer accepted, ``revoked``
    answers the revocation.
    """

    name: str
    method: AuthMethod
    given: Answer
    good: tuple[InResponse, ...] = ()
    refused: tuple[Any, ...] = ()
    renewed: tuple[InResponse, ...] = ()
    dead: tuple[InResponse, ...] = ()
    revoked: tuple[InResponse, ...] = ()
    begun: tuple[InResponse, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    def facts(self) -> Facts:
        return make_facts(self.method, config=self.config)

    def attempt(self, kept: Mapping[str, Any]) -> Attempt:
        return make_attempt(kept=kept)


DONE = answer(b"", 200)
INVALID_GRANT = answer({"error": "invalid_grant"}, 400)
CODE = callback(code="CANARY-code")
KEY = Entered({"token": Secret("CANARY-key-0123456789")})
NEW = answer(token_body(access_token="CANARY-access-2", refresh_token="CANARY-refresh-2"))


def key(name: str, *place: Placement) -> Case:
    return Case(name, make_api_key(*place), KEY, refused=(Entered({}), Entered({"token": "CANARY\n\x00"})))


SLACK = make_oauth2(
    client_auth="basic",
    pkce=False,
    scope_separator=",",
    token=make_token(
        success="body.ok == `true`",
        granted_separator=",",
        account=AccountPick("team.id", "team.name"),
        keep={"teamId": "team.id"},
        example={"ok": True, "access_token": "xoxb", "token_type": "bot"},
    ),
    problems=(TokenProblem("body.error == 'invalid_refresh_token'", "REAUTHENTICATION_REQUIRED"),),
    revoke_with="bearer",
)
SLACK_BODY = token_body(ok=True, token_type="bot", scope="read,write", team={"id": "T1", "name": "Acme"})
GITHUB = make_oauth2(
    client_auth="post",
    token=make_token(refresh_token=None, granted_separator=","),
    renewal=make_renewal(RenewalBy.NONE),
    revoke_method="DELETE",
    revoke_body="json",
    names={"token": "access_token"},
)
FACEBOOK = make_oauth2(
    token=make_token(refresh_token=None, default_expires_in_s=5_184_000),
    problems=(TokenProblem("body.error.code == `190`", "REAUTHENTICATION_REQUIRED"),),
    renewal=make_renewal(
        RenewalBy.EXCHANGE,
        at_once=True,
        params={"grant_type": "fb_exchange_token", "fb_exchange_token": "{credentials.accessToken}"},
    ),
    revoke_url=None,
)
FACEBOOK_DEAD = answer({"error": {"message": "expired", "type": "OAuthException", "code": 190}}, 400)
DEVICE = answer(
    {
        "device_code": "CANARY-device",
        "user_code": "WDJB-MJHT",
        "verification_uri": "https://acme.example/device",
        "expires_in": 1800,
    }
)
SERVICE_ACCOUNT = make_oauth2(
    grant=GrantType.JWT_BEARER,
    client_auth="none",
    assertion=Assertion("HS256", "{credentials.privateKey}", None, {"iss": "{credentials.email}"}, 300),
    renewal=make_renewal(RenewalBy.GRANT),
    method={"credentials": make_form(email={}, privateKey={"secret": True})},
)
OAUTH1_TOKEN = {"oauth_token": "CANARY-temporary", "oauth_token_secret": "CANARY-token-secret"}

CASES = [
    key("key in a header", Placement("header", "X-Api-Key", "{credentials.token}")),
    key("bearer token", Placement("header", "Authorization", "Bearer {credentials.token}")),
    key("key in the query", Placement("query", "api_key", "{credentials.token}")),
    key("key in the path", Placement("path", None, "/bot{credentials.token}")),
    key("key in a cookie", Placement("cookie", "session", "{credentials.token}")),
    Case(
        "basic",
        make_basic(),
        Entered({"username": "ann", "password": "CANARY-password"}),
        refused=(Entered({"username": "a:b", "password": "CANARY"}), Entered({"username": "ann"})),
    ),
    Case(
        "key as user name",
        make_basic(credentials=make_form(token={"secret": True}), username="{credentials.token}"),
        KEY,
        refused=(Entered({"token": "CANARY:1"}),),
    ),
    Case(
        "custom",
        make_custom(),
        Entered({"key": "CANARY-key", "accountNumber": "12"}),
        refused=(Entered({"key": "CANARY"}), Entered({"key": "CANARY\r\nX: 1", "accountNumber": "1"})),
    ),
    Case(
        "oauth2 code",
        make_oauth2(),
        CODE,
        good=(answer(token_body()),),
        refused=(INVALID_GRANT, answer({}, 200), callback(error="access_denied")),
        renewed=(NEW,),
        dead=(INVALID_GRANT,),
        revoked=(DONE, DONE),
    ),
    Case(
        "oauth2 code with a form-encoded answer",
        make_oauth2(),
        CODE,
        good=(form_answer({"access_token": "CANARY-a", "refresh_token": "CANARY-r", "expires_in": "60"}),),
        refused=(form_answer({"error": "invalid_grant"}), form_answer({"access_token": ""})),
        renewed=(form_answer({"access_token": "CANARY-b"}),),
        dead=(form_answer({"error": "invalid_grant"}, 400),),
        revoked=(DONE, DONE),
    ),
    Case(
        "slack",
        SLACK,
        CODE,
        good=(answer(SLACK_BODY),),
        refused=(answer({"ok": False, "error": "invalid_code"}), answer({"access_token": "CANARY"})),
        renewed=(answer({**SLACK_BODY, "access_token": "CANARY-2"}),),
        dead=(answer({"ok": False, "error": "invalid_refresh_token"}),),
        revoked=(answer({"ok": True, "revoked": True}),),
    ),
    Case(
        "github",
        GITHUB,
        CODE,
        good=(answer({"access_token": "CANARY-gho", "token_type": "bearer", "scope": "repo,gist"}),),
        refused=(
            answer({"error": "bad_verification_code", "error_description": "The code CANARY-code is bad."}),
            answer({"error": "incorrect_client_credentials"}),
        ),
        revoked=(answer(b"", 204),),
    ),
    Case(
        "facebook",
        FACEBOOK,
        CODE,
        good=(answer({"access_token": "CANARY-short"}), answer({"access_token": "CANARY-long"})),
        refused=(FACEBOOK_DEAD,),
        renewed=(answer({"access_token": "CANARY-longer"}),),
        dead=(FACEBOOK_DEAD,),
    ),
    Case(
        "oauth2 client credentials",
        make_oauth2(grant=GrantType.CLIENT_CREDENTIALS, renewal=make_renewal(RenewalBy.GRANT)),
        Proceed(),
        good=(answer(token_body(refresh_token=...)),),
        refused=(answer({"error": "invalid_client"}, 401), answer({"error": "invalid_scope"}, 400)),
        renewed=(answer(token_body(access_token="CANARY-access-2")),),
        dead=(INVALID_GRANT,),
        revoked=(DONE,),
    ),
    Case(
        "oauth2 device code",
        make_oauth2(grant=GrantType.DEVICE_CODE, device_url="https://auth.acme.example/device"),
        Proceed(),
        begun=(DEVICE,),
        good=(answer(token_body()),),
        refused=(
            answer({"error": "access_denied"}, 400),
            answer({"error": "expired_token"}, 400),
            answer({}),
        ),
        renewed=(NEW,),
        dead=(INVALID_GRANT,),
        revoked=(DONE, DONE),
    ),
    Case(
        "oauth2 jwt bearer",
        SERVICE_ACCOUNT,
        Entered(
            {"email": "robot@acme.example", "privateKey": "CANARY-shared-secret-of-64-characters-0123456789"}
        ),
        good=(answer(token_body(refresh_token=...)),),
        refused=(INVALID_GRANT, Entered({"email": "x"})),
        renewed=(answer(token_body(access_token="CANARY-access-2", refresh_token=...)),),
        dead=(INVALID_GRANT,),
        revoked=(DONE,),
    ),
    Case(
        "oauth1",
        make_oauth1(),
        callback(oauth_token="CANARY-temporary", oauth_verifier="CANARY-verifier"),
        begun=(form_answer({**OAUTH1_TOKEN, "oauth_callback_confirmed": "true"}),),
        good=(form_answer({**OAUTH1_TOKEN, "oauth_token": "CANARY-lasting", "user_id": "7"}),),
        refused=(
            answer(b"", 401),
            form_answer({"oauth_token": "CANARY-half"}),
            callback(denied="CANARY-temporary"),
            callback(oauth_token="CANARY-other", oauth_verifier="CANARY-verifier"),
        ),
    ),
    Case(
        "aws signature",
        make_aws(),
        Entered({"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "CANARY-secret-access-key"}),
        refused=(
            Entered({"accessKeyId": "AKIDEXAMPLE"}),
            Entered({"accessKeyId": "A\nB", "secretAccessKey": "x"}),
        ),
    ),
    Case(
        "two-step login",
        make_login(),
        Entered({"username": "ann", "password": "CANARY-password"}),
        good=(answer(token_body()),),
        refused=(answer({}, 401), answer({"error": "bad login"}), answer({}), Entered({"username": "ann"})),
        renewed=(answer(token_body(access_token="CANARY-access-2")),),
        dead=(answer({"message": "wrong password"}, 401),),
    ),
]
