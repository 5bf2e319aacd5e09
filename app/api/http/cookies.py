"""The two cookies: the session, and the one that binds authorizations to a browser."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from app.foundation.secret import Secret

SESSION: Final = "patchbay-session"
BROWSER: Final = "patchbay-browser"
_MAX_COOKIE_CHARS: Final = 200


def cookie_name(name: str, public_url: str) -> str:
    """Return the cookie's name: prefixed whenever the public address is https (RFC 6265bis 4.1.3).

    ``__Host-`` allows no path. Below one the cookie stays with the hub's path: other applications there get none.
    """
    if not public_url.startswith("https://"):
        return name
    return f"__Host-{name}" if _path(public_url) == "/" else f"__Secure-{name}"


def read_cookie(connection: HTTPConnection, name: str, public_url: str) -> Secret | None:
    """Return the cookie's value, or None where it is missing or too long to be ours."""
    value = connection.cookies.get(cookie_name(name, public_url))
    return Secret(value) if value and len(value) <= _MAX_COOKIE_CHARS else None


def set_cookie(
    response: Response,
    name: str,
    value: Secret,
    public_url: str,
    max_age_s: int,
    *,
    crosses_sites: bool = False,
) -> None:
    """Set the cookie: HttpOnly, SameSite=Lax (the provider's redirect must bring it), Secure under https.

    With ``crosses_sites`` a form that another site posts brings it too: SameSite=None, under https only.
    """
    is_secure = public_url.startswith("https://")
    response.set_cookie(
        cookie_name(name, public_url),
        value.reveal(),
        max_age=max_age_s,
        path=_path(public_url),
        secure=is_secure,
        httponly=True,
        samesite="none" if crosses_sites and is_secure else "lax",
    )


def clear_cookie(response: Response, name: str, public_url: str) -> None:
    """Take the cookie away."""
    response.delete_cookie(
        cookie_name(name, public_url),
        path=_path(public_url),
        secure=public_url.startswith("https://"),
        httponly=True,
    )


def _path(public_url: str) -> str:
    return urlsplit(public_url).path or "/"
