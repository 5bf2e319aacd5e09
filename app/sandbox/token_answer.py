"""Builds a token answer backwards: the provider's example, overlaid where the definition's picks point."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.catalog.definition import AuthMethod, Json, TokenAnswer
from app.sandbox import paths
from app.sandbox.accounts import speak_of_account
from app.sandbox.answer import plain

_JWT: Final = re.compile(r"^eyJ[\w-]*\.[\w-]+\.[\w-]*$")
OFFLINE_SCOPES: Final = frozenset({"offline_access", "offline.access", "refresh_token", "offline"})


@dataclass(frozen=True, slots=True)
class IssuedTokens:
    """What was issued; ``refresh`` is None where there is none, ``lifetime_s`` where it is not stated."""

    access: str
    refresh: str | None
    lifetime_s: int | None
    scopes: Sequence[str]
    account: int


def build_token_answer(token: TokenAnswer, issued: IssuedTokens) -> dict[str, Json]:
    """Return the body of a token answer.

    Only what stands in the example is overlaid: a definition whose picks lead nowhere in its own example is
    answered without a token, and so fails its own run.
    """
    body: dict[str, Json] = plain(token.example)
    for path in token.secrets.values():
        if not _is_jwt(paths.present(body, path)):
            paths.replace_at(body, path, issued.access)
    paths.replace_at(body, token.access_token, issued.access)
    if issued.refresh is None:
        paths.remove(body, token.refresh_token)
    else:
        paths.replace_at(body, token.refresh_token, issued.refresh)
    _replace_alike(body, token.expires_in, issued.lifetime_s)
    _replace_granted(body, token, issued.scopes)
    speak_of_account(body, token.account, issued.account)
    return body


def lifetime_of(token: TokenAnswer, switched_s: int | None) -> int | None:
    """Return how many seconds an access token lives: as switched, as the example says, or as documented."""
    if switched_s is not None:
        return switched_s
    expires_in = paths.present(token.example, token.expires_in)
    if isinstance(expires_in, str) and expires_in.isdecimal():
        return int(expires_in)
    return int(expires_in) if isinstance(expires_in, int | float) else token.default_expires_in_s


def gives_refresh_token(method: AuthMethod, token: TokenAnswer, granted: Sequence[str]) -> bool:
    """Return whether ``granted`` brings a refresh token: where a scope asks for it, only with that."""
    offline = OFFLINE_SCOPES & {scope.name for scope in method.scopes}
    return token.refresh_token is not None and (not offline or bool(offline & set(granted)))


def _replace_alike(body: Json, path: str | None, value: int | None) -> None:
    present = paths.present(body, path)
    if value is not None:
        paths.replace_at(body, path, str(value) if isinstance(present, str) else value)


def _replace_granted(body: Json, token: TokenAnswer, scopes: Sequence[str]) -> None:
    present = paths.present(body, token.granted)
    if isinstance(present, list):
        paths.replace_at(body, token.granted, list(scopes))
    elif isinstance(present, str):
        paths.replace_at(body, token.granted, token.granted_separator.join(scopes))


def _is_jwt(value: Json) -> bool:
    return isinstance(value, str) and _JWT.match(value) is not None
