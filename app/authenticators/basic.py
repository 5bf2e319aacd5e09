"""HTTP Basic authentication (RFC 7617)."""

from __future__ import annotations

from base64 import b64encode
from typing import ClassVar, Final

from app.authenticators.base import AccountFound, Entered, Facts, Grant, secret_fields
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

    Where only one of the two templates is given, the other part is empty (Stripe's key as user name).
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
        pair = f"{_user(values, username)}:{values.text(password)}"
        coded = b64encode(pair.encode()).decode()
        secrets = (*values.secrets_of(username), *values.secrets_of(password), Secret(coded))
        return with_secret_header(request, "Authorization", f"Basic {coded}", secrets)

    @staticmethod
    def _grant(method: AuthMethod, entered: Entered) -> Grant:
        values = read_entered(method, entered.values)
        name = template(_templates(method)[0]).only_variable() or ""
        field = name.removeprefix("credentials.")
        shown = field in values and field not in secret_fields(method)
        label = values[field].reveal() if shown else None
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
