"""Keys and tokens that a person enters, placed in a header, the query, the path or a cookie."""

from __future__ import annotations

from typing import ClassVar

from app.authenticators.base import Facts, Grant
from app.authenticators.entered import EnteredCredentials
from app.authenticators.placement import place
from app.authenticators.values import values_of
from app.catalog.definition import AuthKind
from app.foundation.messages import OutRequest


class ApiKeyAuthenticator(EnteredCredentials):
    """Carries out every placement of the method; a bearer token is a header placement (RFC 6750 2.1)."""

    kind: ClassVar[AuthKind] = AuthKind.API_KEY

    def apply(self, facts: Facts, grant: Grant, request: OutRequest) -> OutRequest:
        """Place the key."""
        return place_all(facts, grant, request)


def place_all(facts: Facts, grant: Grant, request: OutRequest) -> OutRequest:
    """Return ``request`` with every placement of the method carried out, in order.

    Raises:
        InvalidInputError: a value may not stand at its place.
        NotAllowedNowError: a value is missing.
    """
    values = values_of(facts, grant)
    for placement in facts.method.place:
        request = place(request, placement, values)
    return request
