"""Which names of headers, query parameters and fields have a secret as their value."""

from __future__ import annotations

import re
from typing import Final

_SECRET_HEADERS: Final = frozenset({
    "authorization", "cookie", "proxy-authorization", "set-cookie", "set-cookie2", "x-auth",
    "x-session", "x-session-id",
})  # fmt: skip
_SECRET_HEADER_PART: Final = re.compile(r"token|secret|key|passw|signature|credential|csrf|jwt|assertion")
# Names that the pattern above would catch, and whose values show a reader what went wrong.
_OPEN_HEADERS: Final = frozenset({
    "access-control-allow-headers", "idempotency-key", "sec-websocket-key", "surrogate-key",
    "x-idempotency-key", "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
})  # fmt: skip

# Compared without case and punctuation: accessToken, access-token and access_token are one name.
_SECRET_FIELDS: Final = frozenset({
    "accesskey", "apikey", "apisecret", "appsecret", "authorization", "authkey", "bearer",
    "clientkey", "codeverifier", "consumerkey", "cookie", "credential", "credentials", "devicecode",
    "encryptionkey", "hmac", "jwt", "licensekey", "oauthverifier", "otp", "passcode", "passphrase",
    "passwd", "privatekey", "privatekeyid", "pwd", "sas", "sessionid", "sessionkey", "setcookie",
    "sharedkey", "sid", "sig", "signingkey", "subscriptionkey", "usercode",
})  # fmt: skip
_SECRET_ENDINGS: Final = (
    "token", "secret", "password", "signature", "assertion", "apikey", "secretkey", "privatekey",
)  # fmt: skip
_OPEN_FIELDS: Final = frozenset({
    "continuationtoken", "cursortoken", "nextpagetoken", "nextsynctoken", "nexttoken", "pagetoken",
    "pagingtoken", "prevpagetoken", "synctoken",
})  # fmt: skip
# In a query or a form only: in JSON ``code`` is mostly an error's name and ``key`` an object's.
_SENT_ONLY: Final = frozenset({"code", "key", "ticket"})
_PUNCTUATION: Final = re.compile(r"[^a-z0-9]")


def is_secret_header(name: str) -> bool:
    """Return whether a header of this name has a secret as its value, whatever the value is."""
    folded = name.lower()
    is_like_one = folded not in _OPEN_HEADERS and _SECRET_HEADER_PART.search(folded) is not None
    return is_like_one or folded in _SECRET_HEADERS


def is_secret_field(name: str) -> bool:
    """Return whether a field of a form, a JSON object or a log line of this name has a secret as its value."""
    folded = _PUNCTUATION.sub("", name.lower())
    return folded not in _OPEN_FIELDS and (folded in _SECRET_FIELDS or folded.endswith(_SECRET_ENDINGS))


def is_secret_when_sent(name: str) -> bool:
    """Return the same for a query parameter or a form's field: ``code`` is a secret there."""
    return _PUNCTUATION.sub("", name.lower()) in _SENT_ONLY or is_secret_field(name)
