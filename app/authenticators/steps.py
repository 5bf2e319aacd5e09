"""The steps of an authorization as plain data: what a person has to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from app.catalog.definition import DocLink


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
    expires_in_s: int
    interval_s: int


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


def step_to_json(step: Step) -> dict[str, Any]:
    """Return the stored form; :func:`step_from_json` reads it back. No step holds a secret of a person."""
    return _WRITERS[type(step)](step)


def step_from_json(data: Mapping[str, Any] | None) -> Step | None:
    """Read what :func:`step_to_json` wrote; None stays None."""
    return None if data is None else _READERS[data["type"]](data)


def _redirect(step: RedirectStep) -> dict[str, Any]:
    return {
        "type": "redirect",
        "title": step.title,
        "authorizeUrl": step.authorize_url,
        "redirectUri": step.redirect_uri,
        "scopes": list(step.scopes),
    }


def _read_redirect(data: Mapping[str, Any]) -> Step:
    return RedirectStep(data["title"], data["authorizeUrl"], data["redirectUri"], tuple(data["scopes"]))


def _form(step: CredentialFormStep) -> dict[str, Any]:
    return {
        "type": "credentialForm",
        "title": step.title,
        "schema": _plain(step.schema),
        "help": step.help,
        "docs": [{"title": link.title, "url": link.url} for link in step.docs],
        "prefilled": dict(step.prefilled),
    }


def _read_form(data: Mapping[str, Any]) -> Step:
    docs = tuple(DocLink(link["title"], link["url"]) for link in data["docs"])
    return CredentialFormStep(data["title"], data["schema"], data["help"], docs, data["prefilled"])


def _device(step: DeviceCodeStep) -> dict[str, Any]:
    return {
        "type": "deviceCode",
        "title": step.title,
        "userCode": step.user_code,
        "verificationUrl": step.verification_url,
        "verificationUrlComplete": step.verification_url_complete,
        "expiresInSeconds": step.expires_in_s,
        "intervalSeconds": step.interval_s,
    }


def _read_device(data: Mapping[str, Any]) -> Step:
    return DeviceCodeStep(
        data["title"],
        data["userCode"],
        data["verificationUrl"],
        data["verificationUrlComplete"],
        data["expiresInSeconds"],
        data["intervalSeconds"],
    )


def _choice(step: AccountChoiceStep) -> dict[str, Any]:
    options = [{"id": option.id, "label": option.label, "kept": dict(option.kept)} for option in step.options]
    return {"type": "accountChoice", "title": step.title, "options": options}


def _read_choice(data: Mapping[str, Any]) -> Step:
    options = tuple(AccountOption(item["id"], item["label"], item["kept"]) for item in data["options"])
    return AccountChoiceStep(data["title"], options)


def _external(step: ExternalActionStep) -> dict[str, Any]:
    return {
        "type": "externalAction",
        "title": step.title,
        "instructions": step.instructions,
        "url": step.url,
        "copyValues": dict(step.copy_values),
    }


def _read_external(data: Mapping[str, Any]) -> Step:
    return ExternalActionStep(data["title"], data["instructions"], data["url"], data["copyValues"])


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON edge
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


_WRITERS: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    RedirectStep: _redirect,
    CredentialFormStep: _form,
    DeviceCodeStep: _device,
    AccountChoiceStep: _choice,
    ExternalActionStep: _external,
    NoStep: lambda _: {"type": "none"},
}
_READERS: Mapping[str, Callable[[Mapping[str, Any]], Step]] = {
    "redirect": _read_redirect,
    "credentialForm": _read_form,
    "deviceCode": _read_device,
    "accountChoice": _read_choice,
    "externalAction": _read_external,
    "none": lambda _: NoStep(),
}
