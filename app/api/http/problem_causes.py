"""Why each problem comes about, in groups as the index of the problem pages shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.foundation.problems import ProblemCode as P

CAUSES: Final[Mapping[str, Mapping[P, str]]] = {
    "What was entered": {
        P.MISSING_FIELD: "A form or an input was sent without a field that it needs.",
        P.INVALID_FIELD: "A value is of another type, outside its bounds, or not one of the values there are.",
        P.UNKNOWN_FIELD: "A field was sent that the form does not have: a misspelt name, a field of another version, "
        "or one that does not apply to what was chosen in another field.",
        P.FIELD_TOO_LONG: "A text, a list or a whole configuration is longer than can be stored.",
        P.PATTERN_MISMATCH: "A value has not the form that the outside system gives such values; often a part was left "
        "out while copying, or it belongs into another field.",
        P.ADDRESS_NOT_ALLOWED: "An address is not https, or leads to a host that the integration does not name. The "
        "hub sends secrets to nowhere else.",
        P.NAME_TAKEN: "Names of connections are unique for their owner, so that a person knows which one is meant.",
        P.UNKNOWN_INTEGRATION: "The key or the version is not in the catalog of this hub.",
        P.UNKNOWN_AUTH_METHOD: "The version of the integration does not offer this way to sign in, none was named "
        "where there are several, or it does not apply to the configuration.",
        P.UNKNOWN_SCOPE: "A permission was requested that the way to sign in does not list.",
        P.UNKNOWN_METHOD: "The version of the integration that the connection pins has no method of that name.",
        P.DEFINITION_INVALID: "The file that describes an integration breaks a rule of its format.",
    },
    "What can be done now": {
        P.NOT_FOUND: "The id is wrong, the object was deleted, or it belongs to another workspace.",
        P.CONFLICT: "Two people changed the same object, and this change was based on the older state.",
        P.IDEMPOTENCY_KEY_REUSED: "A client used the same key for two different requests.",
        P.PERMISSION_DENIED: "The member's role, or the scopes of the access token, do not include the permission.",
        P.NOT_ALLOWED_NOW: "The connection is in a state in which this makes no sense, for example not yet set up.",
        P.CONFIG_INCOMPLETE: "The connection is still a draft: required fields are empty or do not fit.",
        P.NOT_AUTHENTICATED: "Nobody has signed in for this connection yet, or its credentials were destroyed.",
        P.TEST_NOT_PASSED: "Since credentials or configuration were changed, the default test was not run, or failed.",
        P.APPLICATION_MISSING: "The provider wants to know which application asks for access, and none is saved.",
        P.APPLICATION_NOT_FOR_ADDRESS: "The configuration names another host than those that the application was saved "
        "for: a misspelt address, a new one of the service, or an attempt to get hold of the client secret.",
        P.APPLICATION_CHOICE_NEEDED: "More than one application is saved for this integration and fits the "
        "configuration, and none was named.",
        P.APPLICATION_IN_USE: "Connections renew their access with this application, or access is still being revoked "
        "with it; without it they would end.",
        P.QUOTA_EXCEEDED: "Too much is open at once: streams, runs or objects of this workspace.",
        P.CANCELLED: "A person, or the end of the process, stopped it.",
    },
    "Signing in": {
        P.CONSENT_DENIED: "The person who was asked pressed Deny, or closed the provider's page.",
        P.ADMIN_CONSENT_REQUIRED: "The provider lets only administrators approve applications in this account.",
        P.AUTHORIZATION_EXPIRED: "Ten minutes passed between beginning the sign-in and coming back.",
        P.AUTHORIZATION_CANCELLED: "Somebody cancelled it, or began another one for the same connection.",
        P.AUTHORIZATION_REPLAYED: "The page was loaded again, the link was opened twice, or it is an old one.",
        P.BROWSER_MISMATCH: "The link was opened in one browser and finished in another, or cookies are blocked.",
        P.ISSUER_MISMATCH: "The answer names another server than the one that was asked. It can be an attack.",
        P.CALLBACK_INVALID: "The provider sent the browser back without what it must bring, or with more than that.",
        P.PROVIDER_REFUSED_AUTHORIZATION: "The application's settings at the provider do not fit the request: the "
        "redirect URL, the scopes, or the kind of the application.",
        P.PARTIAL_SCOPES: "The person unticked permissions, or the provider does not grant them to this account.",
        P.ACCESS_ENDS: "The provider gave a token that ends and nothing to renew it with.",
        P.DIFFERENT_ACCOUNT: "The person was signed in at the provider under another account.",
        P.ALREADY_CONNECTED: "The same key was entered for another connection of this workspace.",
        P.APPLICATION_REJECTED: "The client secret was replaced or has expired at the provider, or was copied wrongly.",
        P.REDIRECT_URI_MISMATCH: "The redirect URL at the provider differs from the hub's, be it in one character.",
        P.TOKEN_RESPONSE_INVALID: "The token address leads to something else, or the answer lacks the token.",
        P.REAUTHENTICATION_REQUIRED: "The grant was revoked or has ended: a changed password, a policy of the account, "
        "long disuse, or an administrator's decision.",
        P.REFRESH_OUTCOME_UNKNOWN: "The connection to the provider, or the hub itself, broke off in the middle of a "
        "renewal.",
    },
    "The outside system": {
        P.CREDENTIALS_REJECTED: "The key or token is wrong, was revoked or replaced, or has expired.",
        P.MISSING_SCOPE: "The method needs a permission that was not asked for, or not granted, at the sign-in.",
        P.RATE_LIMITED: "More requests were sent than the provider allows in its window of time.",
        P.UPSTREAM_UNAVAILABLE: "The provider answers with an error of its own: an outage or maintenance.",
        P.UPSTREAM_TIMEOUT: "The provider is slow or overloaded, or something between drops the packets.",
        P.UPSTREAM_UNREACHABLE: "Nothing listens at the address, a firewall is in between, or the network is down.",
        P.UPSTREAM_CUT_OFF: "The server, or something on the way to it, ended the connection too early.",
        P.UPSTREAM_PROTOCOL: "The address begins with http where the server speaks https, or the other way "
        "round; or the server speaks HTTP/2 alone, or no HTTP.",
        P.UPSTREAM_REDIRECTED: "The API has moved to another host, or sends what it refuses to a sign-in page.",
        P.TEST_PROVES_NOTHING: "The test path answers everybody alike, or answers wrong credentials with success.",
        P.CONTROL_NOT_ANSWERED: "The provider was busy or failed when the call was tried with wrong credentials.",
        P.UPSTREAM_TLS: "The server's certificate has expired, is for another name, or is signed by an authority that "
        "the hub does not know.",
        P.NAME_NOT_RESOLVED: "The host name is misspelt, or the name service that the hub uses does not know it.",
        P.UPSTREAM_REJECTED: "The provider understood the request and does not accept a value in it.",
        P.UPSTREAM_NOT_FOUND: "The base address, a path or an identifier is wrong, or the object is gone.",
        P.UPSTREAM_BAD_RESPONSE: "Something else answers at the address, such as a proxy or a sign-in page.",
        P.RESPONSE_TOO_LARGE: "The answer is a large file, or a list without pages.",
        P.TOO_MANY_REDIRECTS: "Addresses lead to each other, or to a sign-in page that leads away again.",
        P.EGRESS_BLOCKED: "The address leads to a private network or to a host that the integration does not name.",
        P.EXPECTATION_FAILED: "The system answered, but not what the test expects.",
        P.DEADLINE_EXCEEDED: "The steps together took longer than they may.",
    },
    "The hub itself": {
        P.CREDENTIAL_UNREADABLE: "The sealed value was changed, or set back from a backup that does not fit.",
        P.KEY_UNAVAILABLE: "The key file was replaced, or the key service is away.",
        P.STORAGE_BUSY: "Many changes at once, or the database server is slow.",
        P.STORAGE_UNAVAILABLE: "The database server is stopped, restarts or cannot be reached, or its disk is full.",
        P.INTERNAL: "A fault of the hub. The log names it under the request id.",
    },
}
SAMPLES: Final[Mapping[str, str]] = {
    "label": "The base address",
    "provider": "Slack",
    "scopes": "chat:write",
    "reason": "it must be a whole address, such as https://api.example.com",
    "limit": "120 characters",
    "example": "https://api.example.com",
    "permission": "connections:write",
    "state": "paused",
    "account": "Acme Ltd",
    "names": "Finance Slack",
    "application": "Acme sign-in",
    "origin": "https://login.acme.example",
    "source": "https://acme.example/api/me",
    "location": "https://www.acme.example/api/me",
    "without": "with made-up credentials",
    "connections": "2 connections",
    "revocations": "1 revocation",
    "redirectUri": "https://hub.example.com/oauth/return/app_01",
    "status": "422",
    "expectation": "status == `200`",
    "when": "on 1 March",
    "wait": "in a moment",
}
"""What stands in for the names in a template's texts, so that a page shows a message as a person would see it."""
