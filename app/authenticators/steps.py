"""The steps of an authorization as plain data: what a person has to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from app.catalog.definition import DocLink
from app.foundation.plain_data import from_data, to_data


@dataclass(frozen=True, slots=True)
class RedirectStep:
    """Open ``authorize_url`` in a browser and consent; it carries the state, so ``repr`` leaves it out."""

    title: str
    authorize_url: str = field(repr=False)
    redirect_uri: str
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CredentialFormStep:
    """Fill in the form of ``schema`` (JSON Schema); ``prefilled`` holds made-up sandbox values only."""

    title: str
    schema: Mapping[str, Any]
    help: str | None = None
    docs: tuple[DocLink, ...] = ()
    prefilled: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeviceCodeStep:
    """Enter ``user_code`` at ``verification_url`` on any device (RFC 8628)."""

    title: str
    user_code: str
    verification_url: str
    verification_url_complete: str | None
    expires_in_s: int = field(metadata={"key": "expiresInSeconds"})
    interval_s: int = field(metadata={"key": "intervalSeconds"})


@dataclass(frozen=True, slots=True)
class AccountOption:
    """An account that can be chosen; ``kept`` is what templates use as ``{account.x}`` afterwards."""

    id: str
    label: str
    kept: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccountChoiceStep:
    """Choose one of the accounts that the sign-in gave access to."""

    title: str
    options: tuple[AccountOption, ...]


@dataclass(frozen=True, slots=True)
class ExternalActionStep:
    """Do something at the provider; ``copy_values`` are labelled values to take there (the redirect URL)."""

    title: str
    instructions: str
    url: str | None = None
    copy_values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NoStep:
    """Nobody has to do anything: the hub goes on by itself."""


Step: TypeAlias = (
    RedirectStep | CredentialFormStep | DeviceCodeStep | AccountChoiceStep | ExternalActionStep | NoStep
)


_TYPES: Final[Mapping[str, type[Step]]] = {
    "redirect": RedirectStep,
    "credentialForm": CredentialFormStep,
    "deviceCode": DeviceCodeStep,
    "accountChoice": AccountChoiceStep,
    "externalAction": ExternalActionStep,
    "none": NoStep,
}
_NAMES: Final = {type_: name for name, type_ in _TYPES.items()}


def step_to_json(step: Step) -> dict[str, Any]:
    """Return the stored form; :func:`step_from_json` reads it back. No step holds a secret of a person."""
    return {"type": _NAMES[type(step)], **to_data(step)}


def step_from_json(data: Mapping[str, Any] | None) -> Step | None:
    """Read what :func:`step_to_json` wrote; None stays None."""
    return None if data is None else from_data(_TYPES[data["type"]], data)
