"""Sends a browser back to the redirect URI: with the code or the error, the state, and what the provider adds."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import SplitResult, urlencode, urlunsplit

from starlette.responses import RedirectResponse

from app.catalog.definition import OAuth2
from app.foundation.patterns import PatternError, matches
from app.sandbox.application import CLIENT_SECRET

_DIGITS: Final = "1234567890123456789012345"


def redirect(address: SplitResult, params: Mapping[str, str]) -> RedirectResponse:
    """Send the browser to ``address`` with ``params`` added to its query."""
    query = "&".join(part for part in (address.query, urlencode(params)) if part)
    url = urlunsplit((address.scheme, address.netloc, address.path or "/", query, ""))
    return RedirectResponse(url, 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})


def returned_values(oauth: OAuth2, host: str, params: Mapping[str, str]) -> dict[str, str]:
    """Return ``params`` and all else that this definition expects on the return.

    That is the issuer (RFC 9207), the values of ``callback``, each matching its pattern, and the HMAC over all.
    """
    values = dict(params)
    if oauth.issuer is not None and "{" not in oauth.issuer:
        values["iss"] = oauth.issuer
    for name, expected in oauth.callback.items():
        sample = _sample(expected.pattern, host)
        if sample is not None and name not in values:
            values[name] = sample
    if oauth.callback_hmac is not None:
        message = "&".join(f"{name}={value}" for name, value in sorted(values.items()))
        values[oauth.callback_hmac] = hmac.new(
            CLIENT_SECRET.encode(), message.encode(), hashlib.sha256
        ).hexdigest()
    return values


def _sample(pattern: str, host: str) -> str | None:
    """Return a value that the pattern accepts: the simulated host where it fits, digits, or a word."""
    for candidate in _candidates(host):
        try:
            if matches(pattern, candidate):
                return candidate
        except PatternError:
            return None
    return None


def _candidates(host: str) -> Iterator[str]:
    yield from (host, f"https://{host}", host.partition(".")[0])
    yield from (_DIGITS[:length] for length in range(1, len(_DIGITS) + 1))
    yield from ("sandbox", "Sandbox", "sandbox-1", "eu", "us", "US", "c0ffee00-0000-4000-8000-000000000001")
