"""Which account answers, where a token answer has no field for it: its ID token, or the default test's own answer."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from app.authenticators.base import AccountFound, Facts
from app.authenticators.texts import picked_text
from app.catalog.definition import AccountPick
from app.foundation.bounded_json import JsonRefusedError, parse_json

_ID_TOKEN: Final = "id_token"  # noqa: S105 - a member's name
_PARTS: Final = 3
_MAX_LABEL_CHARS: Final = 200
_NAMES: Final = ("email", "preferred_username", "name")  # OpenID Connect Core 1.0, 5.1


def account_at(pick: AccountPick, body: Any) -> AccountFound:  # noqa: ANN401 - JSON edge
    """Return the account that an answer names at the definition's places."""
    return AccountFound(picked_text(pick.id, body), picked_text(pick.label, body, _MAX_LABEL_CHARS))


def account_in_id_token(body: Mapping[str, Any], facts: Facts) -> AccountFound:
    """Return whom the ID token of a token answer names, if it has one that is meant for this application.

    It came from the token endpoint itself, so that TLS stands in for its signature (OpenID Connect Core 1.0, 3.1.3.7).
    """
    claims = _claims(body.get(_ID_TOKEN))
    subject = picked_text("sub", claims)
    if subject is None or not _is_meant_for(claims, facts):
        return AccountFound()
    labels = (picked_text(name, claims, _MAX_LABEL_CHARS) for name in _NAMES)
    return AccountFound(subject, next((label for label in labels if label), None))


def _claims(token: Any) -> Mapping[str, Any]:  # noqa: ANN401 - JSON edge
    parts = token.split(".") if isinstance(token, str) else []
    if len(parts) != _PARTS:
        return {}
    try:
        text = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = parse_json(text)
    except (ValueError, JsonRefusedError):
        return {}
    return claims if isinstance(claims, Mapping) else {}


def _is_meant_for(claims: Mapping[str, Any], facts: Facts) -> bool:
    stated = claims.get("aud")
    audiences = stated if isinstance(stated, list) else [stated]
    return facts.application is None or facts.application.client_id in audiences
