"""Which authenticator carries out which kind of auth method: a new kind is one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.authenticators.api_key import ApiKeyAuthenticator
from app.authenticators.base import Authenticator
from app.authenticators.basic import BasicAuthenticator
from app.authenticators.custom import CustomAuthenticator
from app.authenticators.oauth1 import OAuth1Authenticator
from app.authenticators.oauth2 import OAuth2Authenticator
from app.catalog.definition import AuthKind, AuthMethod

_ALL: Final[tuple[Authenticator, ...]] = (
    ApiKeyAuthenticator(),
    BasicAuthenticator(),
    CustomAuthenticator(),
    OAuth1Authenticator(),
    OAuth2Authenticator(),
)
_BY_KIND: Final[Mapping[AuthKind, Authenticator]] = MappingProxyType({one.kind: one for one in _ALL})


def authenticator_for(method: AuthMethod) -> Authenticator:
    """Return the authenticator of the method's kind; every kind of the format has one."""
    return _BY_KIND[method.kind]
