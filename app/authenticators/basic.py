"""HTTP Basic authentication (RFC 7617)."""

from __future__ import annotations

from base64 import b64encode
from typing import ClassVar, Final

from app.authenticators.base import AccountFound, Entered, Facts, Grant, entered_fields, secret_fields
from app.authenticators.credentials import read_entered
from app.authenticators.entered import EnteredCredentials
from app.authenticators.placement import with_secret_header
from app.authenticators.values import Values, field_of, values_of
from app.catalog.definition import AuthKind, AuthMethod
from app.foundation.errors import invalid_field
from app.foundation.messages import OutRequest
from app.foundation.secret import Secret
from app.foundation.templates import template

_USERNAME: Final = "{credentials.username}"
_PASSWORD: Final = "{credentials.password}"  # noqa: S105 - a template, not a password


class BasicAuthenticator(EnteredCredentials):
    """User name and password in one header, UTF-8; the method's templates may build both from other fields.

    Where only one of the two templates is given, the other part is empty (Stripe's key as user name). A user name
    without a password is such a key too: it is not shown.
    """

    kind: ClassVar[AuthKind] = AuthKind.BASIC

    def apply(self, facts: Facts, grant: Grant, request: OutRequest) -> OutRequest:
        """Set ``Authorization: Basic``.

        Raises:
            InvalidInputError: the user name holds a colon, or a part holds a control character.
            NotAllowedNowError: a value is missing.
        """
        values = values_of(facts, grant)
        username, password = _templates(facts.method)
        user, word = _user(values, username), values.text(password)
        coded = b64encode(f"{user}:{word}".encode()).decode()
        lone = () if word else (Secret(user),)
        secrets = (*values.secrets_of(username), *values.secrets_of(password), *lone, Secret(coded))
        return with_secret_header(request, "Authorization", f"Basic {coded}", secrets)

    @staticmethod
    def _grant(method: AuthMethod, entered: Entered) -> Grant:
        names = [template(text).only_variable() or "" for text in _templates(method)]
        field, password = (name.removeprefix("credentials.") for name in names)
        empty = {name: Secret("") for name in (field, password) if name in entered_fields(method)}
        values = {**empty, **read_entered(method, entered.values)}
        shown = field in values and field not in secret_fields(method) and values.get(password)
        label = values[field].reveal() or None if shown else None
        return Grant(values=values, account=AccountFound(label=label))


def _templates(method: AuthMethod) -> tuple[str, str]:
    if method.username is None and method.password is None:
        return _USERNAME, _PASSWORD
    return method.username or "", method.password or ""


def _user(values: Values, text: str) -> str:
    user = values.text(text)
    if ":" in user:
        path = field_of(text) or ("credentials",)
        raise invalid_field(*path, label="The user name", reason="it may not contain a colon")
    return user
