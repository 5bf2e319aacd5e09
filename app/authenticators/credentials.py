"""What a person enters: the form, its checks, which values are secret, and what may be shown of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from app.authenticators.base import Attempt, Facts, Grant, entered_fields, secret_fields
from app.authenticators.steps import CredentialFormStep
from app.catalog.definition import AuthKind, AuthMethod
from app.catalog.sample_keys import is_private_key, sample_keys
from app.foundation.errors import InvalidInputError
from app.foundation.problems import Problem
from app.foundation.secret import Secret
from app.foundation.shapes import Shape, with_defaults


def form_step(facts: Facts, attempt: Attempt) -> CredentialFormStep:
    """Return the step that asks for the method's credentials."""
    method = facts.method
    return CredentialFormStep(
        title=method.title,
        schema=dict(method.credentials or {}),
        help=method.prepare or method.description,
        docs=facts.definition.docs,
        prefilled=prefilled(method) if attempt.prefill else {},
    )


def credential_problems(method: AuthMethod, values: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with entered values, at ``("credentials", field)``; no problem holds a value."""
    return Shape(method.credentials or {"type": "object"}).problems(_plain(values), "credentials")


def read_entered(method: AuthMethod, values: Mapping[str, Any]) -> Mapping[str, Secret]:
    """Return entered values as the grant keeps them: defaults filled in, every scalar a :class:`Secret`.

    White space around keys and tokens is dropped, because it comes from copying; a basic password keeps it.

    Raises:
        InvalidInputError: the values do not fit the form.
    """
    plain = with_defaults(method.credentials or {}, _plain(values))
    if method.kind is not AuthKind.BASIC:
        plain = {name: value.strip() if isinstance(value, str) else value for name, value in plain.items()}
    problems = credential_problems(method, plain)
    if problems:
        raise InvalidInputError(problems)
    kept = {name: Secret(_text(value)) for name, value in plain.items() if value is not None}
    return MappingProxyType(kept)


def secret_hints(method: AuthMethod, grant: Grant) -> dict[str, str | None]:
    """Return the last characters of each secret value of the grant that a machine made and that is long enough.

    Entered ones stand first, in the form's order. Only those of a key are known to be no person's own choice: the end
    of a password makes the rest of it easier to guess.
    """
    secret, fields = secret_fields(method), entered_fields(method)
    names = [name for name in fields if name in secret and name in grant.values]
    names += [name for name in grant.values if name not in fields]
    are_keys = method.kind is AuthKind.API_KEY
    return {name: grant.values[name].hint if are_keys or name not in fields else None for name in names}


def prefilled(method: AuthMethod) -> dict[str, Any]:
    """Return the first example of each field: made-up values that the sandbox takes, a sample key for a key's."""
    properties = (method.credentials or {}).get("properties", {})
    examples = {name: field["examples"][0] for name, field in properties.items() if field.get("examples")}
    keys = {name: sample_keys(method).get(f"credentials.{name}") for name in properties}
    wanted = {name: key for name, key in keys.items() if key and not is_private_key(examples.get(name))}
    return {**examples, **wanted}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _opened(value) for name, value in values.items() if value is not None}


def _opened(value: Any) -> Any:  # noqa: ANN401 - a plain value or a secret
    """Open every secret at any depth: a form may be sent lists and objects where it asks for texts."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {name: _opened(one) for name, one in value.items()}
    return [_opened(one) for one in value] if isinstance(value, list) else value


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
