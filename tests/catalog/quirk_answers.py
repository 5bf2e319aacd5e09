"""What token endpoints of well-known providers answer, in their documented shapes, and what each answer means.

A row of the table of providers is a name here; ``of`` is the definition that reads its answers: one of
:mod:`tests.catalog.quirks`, or ``integration/method`` of the catalog. ``success`` and ``refresh`` are answers that hold
tokens; ``error`` is what a wrong code gets and ``revoked`` what a dead grant gets, each with the code of its problem.
Where nothing is refreshed, ``revoked`` is what the API answers to a call. None: the provider has no such thing.
"""

from __future__ import annotations

from typing import Any, Final

ACCESS, REFRESH = "CANARY-access-0123456789", "CANARY-refresh-0123456789"
NEW_ACCESS, NEW_REFRESH = "CANARY-access-9876543210", "CANARY-refresh-9876543210"
KINDS: Final = ("success", "error", "refresh", "revoked")
REAUTH, REJECTED, APP = "REAUTHENTICATION_REQUIRED", "CREDENTIALS_REJECTED", "APPLICATION_REJECTED"


def tokens(**more: Any) -> dict[str, Any]:
    """A token answer as RFC 6749 5.1 writes it."""
    body = {"access_token": ACCESS, "refresh_token": REFRESH, "token_type": "Bearer", "expires_in": 3600}
    return {key: value for key, value in {**body, **more}.items() if value is not None}


def renewed(**more: Any) -> dict[str, Any]:
    """A refreshed one: both tokens are new."""
    return tokens(**{"access_token": NEW_ACCESS, "refresh_token": NEW_REFRESH, **more})


def refused(error: str, **more: Any) -> dict[str, Any]:
    return {"error": error, **more}


DEAD = (400, refused("invalid_grant", error_description="Token has been expired or revoked."), REAUTH)
WRONG_CODE = (
    400,
    refused("invalid_grant", error_description="The code has expired."),
    "PROVIDER_REFUSED_AUTHORIZATION",
)
FACEBOOK_ERROR = {
    "message": "This authorization code has been used.",
    "type": "OAuthException",
    "code": 100,
    "fbtrace_id": "A1",
}
FACEBOOK_DEAD = {
    "message": "Error validating access token",
    "type": "OAuthException",
    "code": 190,
    "error_subcode": 460,
}
SLACK_USER = {
    "id": "U1",
    "scope": "chat:write",
    "access_token": ACCESS,
    "refresh_token": REFRESH,
    "token_type": "user",
}

ANSWERS: dict[str, dict[str, Any]] = {
    "Slack": {
        "of": "slack/oauth",
        "success": (200, tokens(ok=True, scope="chat:write,channels:read", token_type="bot", expires_in=43_200,
                                bot_user_id="B1", team={"id": "T1", "name": "Acme"}, authed_user={"id": "U1"})),
        "error": (200, {"ok": False, "error": "invalid_code"}, "CALLBACK_INVALID"),
        "refresh": (200, renewed(ok=True, token_type="bot", expires_in=43_200, team={"id": "T1", "name": "Acme"})),
        "revoked": (200, {"ok": False, "error": "invalid_refresh_token"}, REAUTH),
    },
    "Slack (bot and person)": {
        "of": "slack: bot and person in one consent",
        "success": (200, tokens(ok=True, expires_in=43_200, authed_user=SLACK_USER | {"expires_in": 7_200})),
        "error": (200, {"ok": False, "error": "code_already_used"}, "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(ok=True, expires_in=43_200)),
        "revoked": (200, {"ok": False, "error": "token_revoked"}, REAUTH),
    },
    "GitHub": {
        "of": "github/oauth",
        "success": (200, {"access_token": ACCESS, "token_type": "bearer", "scope": "repo,read:user"}),
        "error": (200, refused("bad_verification_code", error_description="The code passed is incorrect or expired."),
                  "CALLBACK_INVALID"),
        "refresh": None,
        "revoked": (401, {"message": "Bad credentials", "status": "401"}, REJECTED),
    },
    "GitHub (form)": {
        "of": "github/oauth",
        "success": (200, f"access_token={ACCESS}&scope=repo%2Cgist&token_type=bearer"),
        "error": (200, "error=incorrect_client_credentials&error_description=The+client_id+is+wrong", APP),
        "refresh": None,
        "revoked": (401, {"message": "Bad credentials"}, REJECTED),
    },
    "GitHub (app)": {
        "of": "github: an app whose tokens run out, errors in a 200",
        "success": (200, tokens(expires_in=28_800, refresh_token_expires_in=15_811_200, scope="", token_type="bearer")),
        "error": (200, refused("incorrect_client_credentials"), APP),
        "refresh": (200, renewed(expires_in=28_800, refresh_token_expires_in=15_811_200, token_type="bearer")),
        "revoked": (200, refused("bad_refresh_token", error_description="The refresh token is incorrect."), REAUTH),
    },
    "Salesforce": {
        "of": "salesforce/oauth",
        "success": (200, tokens(expires_in=None, instance_url="https://acme.my.salesforce.com", scope="api",
                                id="https://login.salesforce.com/id/00D/005", signature="CANARY-signature")),
        "error": (400, refused("invalid_grant", error_description="authentication failure"),
                  "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(refresh_token=None, expires_in=None, instance_url="https://acme.my.salesforce.com")),
        "revoked": (400, refused("invalid_grant", error_description="expired access/refresh token"), REAUTH),
    },
    "Xero": {
        "of": "xero/oauth",
        "success": (200, tokens(expires_in=1_800, id_token="CANARY-id-token", scope="offline_access")),
        "error": WRONG_CODE,
        "refresh": (200, renewed(expires_in=1_800)),
        "revoked": (400, refused("invalid_grant"), REAUTH),
    },
    "QuickBooks": {
        "of": "quickbooks: the company comes with the return",
        "success": (200, tokens(token_type="bearer", x_refresh_token_expires_in=8_726_400,
                                x_refresh_token_hard_expires_in=157_680_000)),
        "error": (400, refused("invalid_grant", error_description="Invalid authorization code"),
                  "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(x_refresh_token_expires_in=8_726_400, x_refresh_token_hard_expires_in=86_400)),
        "revoked": (400, refused("invalid_grant", error_description="Incorrect or invalid refresh token"), REAUTH),
    },
    "Shopify": {
        "of": "shopify: a host per shop, a signed return, an own header",
        "success": (200, tokens(token_type=None, scope="read_products,write_orders",
                                refresh_token_expires_in=7_776_000)),
        "error": (400, refused("invalid_request", error_description="The authorization code was not found"),
                  "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(token_type=None, scope="read_products,write_orders")),
        "revoked": (401, refused("invalid_grant", error_description="This refresh_token has expired."), REAUTH),
    },
    "Notion": {
        "of": "notion: basic with a json body",
        "success": (200, tokens(refresh_token=None, expires_in=None, token_type="bearer", bot_id="b1",
                                workspace_id="w1", workspace_name="Acme", owner={"type": "user"})),
        "error": (400, refused("invalid_grant", request_id="r1"), "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": None,
        "revoked": (401, {"object": "error", "status": 401, "code": "unauthorized"}, REJECTED),
    },
    "Google": {
        "of": "google: offline access and consent",
        "success": (200, tokens(expires_in=3_599, refresh_token_expires_in=604_799, scope="a b")),
        "error": (400, refused("invalid_grant", error_description="Malformed auth code."),
                  "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(refresh_token=None, expires_in=3_599, scope="a b")),
        "revoked": DEAD,
    },
    "Google (service account)": {
        "of": "google: a service account signs its own assertion",
        "success": (200, tokens(refresh_token=None, expires_in=3_599)),
        "error": (400, refused("invalid_grant", error_description="Invalid JWT Signature."),
                  "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(refresh_token=None, expires_in=3_599)),
        "revoked": (400, refused("invalid_grant", error_description="Invalid grant: account not found"), REAUTH),
    },
    "Microsoft": {
        "of": "microsoft: tenants, offline_access, error numbers",
        "success": (200, tokens(ext_expires_in=3_599, scope="offline_access User.Read", expires_in="3599")),
        "error": (400, refused("invalid_grant", error_codes=[65001], error_description="AADSTS65001: no consent",
                               suberror="consent_required"), "ADMIN_CONSENT_REQUIRED"),
        "refresh": (200, renewed(ext_expires_in=3_599)),
        "revoked": (400, refused("invalid_grant", error_codes=[50173], error_description="AADSTS50173"), REAUTH),
    },
    "Microsoft (application)": {
        "of": "microsoft: the application itself, with a certificate",
        "success": (200, tokens(refresh_token=None, expires_in=3_599, ext_expires_in=3_599)),
        "error": (401, refused("invalid_client", error_codes=[700027], error_description="AADSTS700027"), APP),
        "refresh": (200, renewed(refresh_token=None)),
        "revoked": (401, refused("invalid_client", error_codes=[7000215], error_description="AADSTS7000215"), APP),
    },
    "X": {
        "of": "x: pkce and basic",
        "success": (200, tokens(expires_in=7_200, token_type="bearer", scope="tweet.read offline.access")),
        "error": (400, refused("invalid_request", error_description="Value passed for the code was invalid."),
                  "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(expires_in=7_200, token_type="bearer")),
        "revoked": (400, refused("invalid_grant", error_description="Value passed for the token was invalid."), REAUTH),
    },
    "Reddit": {
        "of": "reddit: permanent duration and a user agent",
        "success": (200, tokens(expires_in=86_400, scope="identity", token_type="bearer")),
        "error": (200, refused("invalid_grant"), "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(refresh_token=None, expires_in=86_400, token_type="bearer")),
        "revoked": (400, refused("invalid_grant", message="Bad Request"), REAUTH),
    },
    "TikTok": {
        "of": "tiktok: client_key, commas, another renewal address, errors in a 200",
        "success": (200, {"data": tokens(open_id="o1", refresh_expires_in=31_536_000), "message": "success"}),
        "error": (200, {"data": {"error_code": 10007, "description": "Authorization code expired"},
                        "error": "invalid_grant", "message": "error"}, "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, {"data": renewed(open_id="o1"), "message": "success"}),
        "revoked": (200, {"data": {"error_code": 10010, "description": "Refresh token expired"},
                          "error": "invalid_grant", "message": "error"}, REAUTH),
    },
    "Facebook/Instagram": {
        "of": "facebook: exchange instead of renewal, errors as objects",
        "success": (200, tokens(refresh_token=None, token_type="bearer", expires_in=5_183_944)),
        "error": (400, {"error": FACEBOOK_ERROR}, "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(refresh_token=None, token_type="bearer", expires_in=5_183_944)),
        "revoked": (400, {"error": FACEBOOK_DEAD}, REAUTH),
    },
    "Threads": {
        "of": "threads: exchange at another address than the first token's",
        "success": (200, tokens(refresh_token=None, token_type=None, expires_in=3_600, user_id=17_841_405_793_187_218)),
        "error": (400, {"error": FACEBOOK_ERROR}, "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(refresh_token=None, token_type="bearer", expires_in=5_183_944)),
        "revoked": (400, {"error": FACEBOOK_DEAD}, REAUTH),
    },
    "LinkedIn": {
        "of": "linkedin: pkce off, no refresh token",
        "success": (200, tokens(refresh_token=None, token_type=None, expires_in=5_184_000, scope="openid")),
        "error": (400, refused("invalid_request", error_description="Unable to retrieve access token: code expired"),
                  "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": None,
        "revoked": (401, {"serviceErrorCode": 65_601, "message": "Revoked by the user", "status": 401}, REJECTED),
    },
    "Pinterest": {
        "of": "pinterest: basic and commas",
        "success": (200, tokens(response_type="authorization_code", expires_in=2_592_000, scope="boards:read",
                                refresh_token_expires_in=31_536_000, token_type="bearer")),
        "error": (400, {"code": 283, "message": "Invalid request"}, "TOKEN_RESPONSE_INVALID"),
        "refresh": (200, renewed(refresh_token=None, expires_in=2_592_000, token_type="bearer")),
        "revoked": (401, refused("invalid_grant", code=2, message="Authentication failed."), REAUTH),
    },
    "Tumblr": {
        "of": "tumblr: oauth 2, offline by a scope",
        "success": (200, tokens(expires_in=2_520, token_type="bearer", scope="basic offline_access", id_token=False)),
        "error": (400, refused("invalid_grant", error_description="The authorization code has expired"),
                  "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(expires_in=2_520, token_type="bearer")),
        "revoked": (400, refused("invalid_grant", error_description="Invalid refresh token"), REAUTH),
    },
    "Telegram": {
        "of": "telegram/bot-token",
        "success": (200, {"ok": True, "result": {"id": 1, "is_bot": True, "first_name": "Acme"}}),
        "error": (400, {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"},
                  "UPSTREAM_NOT_FOUND"),
        "refresh": None,
        "revoked": (401, {"ok": False, "error_code": 401, "description": "Unauthorized"}, REJECTED),
    },
    "Stripe": {
        "of": "stripe/api-key",
        "success": (200, {"object": "balance", "livemode": False, "available": [], "pending": []}),
        "error": (403, {"error": {"type": "invalid_request_error", "message": "no rak_x permission"}}, "MISSING_SCOPE"),
        "refresh": None,
        "revoked": (401, {"error": {"code": "api_key_expired", "type": "invalid_request_error"}}, REJECTED),
    },
    "Stripe (apps)": {
        "of": "stripe apps: the secret as the user name of basic",
        "success": (200, tokens(expires_in=None, token_type="bearer", livemode=False, stripe_user_id="acct_1",
                                scope="stripe_apps", stripe_publishable_key="pk_test_1")),
        "error": (400, refused("invalid_grant", error_description="Authorization code does not exist: ac_1"),
                  "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(expires_in=None, token_type="bearer", livemode=False, stripe_user_id="acct_1")),
        "revoked": (400, refused("invalid_grant", error_description="Refresh token does not exist"), REAUTH),
    },
    "Zoho": {
        "of": "zoho: the return names the data centre",
        "success": (200, tokens(api_domain="https://www.zohoapis.eu", scope="ZohoCRM.modules.ALL")),
        "error": (200, refused("invalid_code"), "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(refresh_token=None, api_domain="https://www.zohoapis.eu")),
        "revoked": (200, refused("invalid_grant"), REAUTH),
    },
    "Box": {
        "of": "box: refresh tokens work once",
        "success": (200, tokens(expires_in=4_169, restricted_to=[], token_type="bearer")),
        "error": (400, refused("invalid_grant", error_description="The authorization code has expired"),
                  "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(expires_in=4_169, restricted_to=[], token_type="bearer")),
        "revoked": (400, refused("invalid_grant", error_description="Refresh token has expired"), REAUTH),
    },
    "Atlassian": {
        "of": "atlassian: an audience, a reuse window, a site to choose",
        "success": (200, tokens(scope="read:jira-work offline_access")),
        "error": (403, refused("invalid_grant", error_description="Invalid authorization code"),
                  "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(scope="read:jira-work offline_access")),
        "revoked": (403, refused("invalid_grant", error_description="Unknown or invalid refresh token."), REAUTH),
    },
    "HubSpot": {
        "of": "hubspot: refresh tokens that stay, errors by status",
        "success": (200, tokens(expires_in=1_800, token_type="bearer")),
        "error": (400, {"status": "BAD_AUTH_CODE", "message": "missing or unknown auth code", "correlationId": "c1"},
                  "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(refresh_token=REFRESH, expires_in=1_800, token_type="bearer")),
        "revoked": (400, {"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"}, REAUTH),
    },
    "Dropbox": {
        "of": "dropbox: offline by another parameter",
        "success": (200, tokens(expires_in=14_400, token_type="bearer", account_id="dbid:1", uid="1", scope="a b")),
        "error": (400, refused("invalid_grant", error_description="code doesn't exist or has expired"),
                  "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(refresh_token=None, expires_in=14_400, token_type="bearer")),
        "revoked": (400, refused("invalid_grant", error_description="refresh token is invalid or revoked"), REAUTH),
    },
    "Zoom": {
        "of": "zoom: basic, refresh tokens work once",
        "success": (200, tokens(expires_in=3_599, token_type="bearer", scope="user:read", api_url="https://api.zoom.us")),
        "error": (400, refused("invalid_grant", reason="Invalid authorization code"), "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(expires_in=3_599, token_type="bearer")),
        "revoked": (401, refused("invalid_grant", reason="Invalid Token!"), REAUTH),
    },
    "Asana": {
        "of": "asana: the person comes with the token",
        "success": (200, tokens(token_type="bearer", data={"gid": "1", "name": "Ada", "email": "ada@example.com"})),
        "error": (400, refused("invalid_grant", error_description="The `code` provided was invalid."),
                  "PROVIDER_REFUSED_AUTHORIZATION"),
        "refresh": (200, renewed(refresh_token=None, token_type="bearer", data={"gid": "1", "name": "Ada"})),
        "revoked": (400, refused("invalid_grant", error_description="The refresh token is invalid."), REAUTH),
    },
}  # fmt: skip
