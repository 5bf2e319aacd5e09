"""What the room shows of its rows: frozen, and without any secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeGuard

from app.foundation.problems import Problem


class Mode(StrEnum):
    """Whether a connection talks to the outside world or to the hub's sandbox."""

    LIVE = "LIVE"
    SANDBOX = "SANDBOX"


@dataclass(frozen=True, slots=True)
class SecretInfo:
    """A secret field: that it is set, its last characters where that is safe, and when it was set."""

    path: tuple[str, ...]
    is_set: bool
    hint: str | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class CredentialSnapshot:
    """What is stored with a connection's sealed credentials.

    ``generation`` 0 means that nothing is sealed. ``lifetime_s`` is what the provider stated at ``sealed_at``, in
    seconds; None is unknown. ``is_stale``: the configuration was changed since where it touches authentication, so
    that they are sent nowhere until others take their place. ``account_from`` says which answer named the account: the
    sign-in's or the default test's. ``hints`` are the stored :class:`SecretInfo`.
    """

    connection_id: str
    workspace_id: str
    auth_method: str
    application_id: str | None = None
    generation: int = 0
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    lifetime_s: int | None = None
    requested_scopes: tuple[str, ...] = ()
    granted_scopes: tuple[str, ...] | None = None
    account_id: str | None = None
    account_label: str | None = None
    account_from: str | None = None
    account: Mapping[str, str] = field(default_factory=dict)
    hints: tuple[Mapping[str, Any], ...] = ()
    can_renew: bool = False
    fingerprint: str | None = None
    is_stale: bool = False
    sealed_at: datetime | None = None
    refreshed_at: datetime | None = None


FROM_SIGN_IN: Final = "SIGN_IN"
FROM_TEST: Final = "TEST"
NO_CREDENTIAL: Final = CredentialSnapshot("", "", "")


class ApplicationSource(StrEnum):
    """Who registered an application."""

    WORKSPACE = "WORKSPACE"
    OPERATOR = "OPERATOR"
    SANDBOX = "SANDBOX"


@dataclass(frozen=True, slots=True)
class ApplicationSnapshot:
    """An application. ``origins`` are the addresses to which its secret may go; none: the definition's own hosts.

    Its secret is never shown, only that it is set, its last characters and when it changed.
    """

    id: str
    workspace_id: str
    integration: str
    mode: Mode
    source: ApplicationSource
    name: str
    origins: tuple[str, ...]
    client_id: str
    fields: Mapping[str, Any]
    secret: SecretInfo
    redirect_uri: str
    problem: Problem | None
    revision: int
    created_at: datetime
    updated_at: datetime


class RevocationState(StrEnum):
    """How far a revocation is."""

    PENDING = "PENDING"
    """Tried in the background until the provider answers."""
    REVOKED = "REVOKED"
    """Everything that was held is dead at the provider."""
    PARTLY_REVOKED = "PARTLY_REVOKED"
    """The provider offers no revocation for some of it; that lives on there until it expires or is revoked there."""
    NOT_OFFERED = "NOT_OFFERED"
    """The provider offers no revocation; what was held lives on there."""
    GAVE_UP = "GAVE_UP"
    """The provider could not be reached in time; what was held may live on there."""
    REFUSED = "REFUSED"
    """The provider refused it, or it may not be sent where it would have to go: what was held lives on there."""


@dataclass(frozen=True, slots=True)
class RevocationSnapshot:
    """What became of credentials at the provider, by the names of their values; never the values."""

    id: str
    connection_id: str
    integration: str
    state: RevocationState
    revoked: tuple[str, ...]
    alive: tuple[str, ...]
    problem: Problem | None
    expires_at: datetime | None
    attempts: int
    created_at: datetime
    finished_at: datetime | None


def are_usable(credential: CredentialSnapshot | None) -> TypeGuard[CredentialSnapshot]:
    """Return whether credentials are sealed that may be sent where the configuration leads."""
    return credential is not None and credential.generation > 0 and not credential.is_stale


def secret_infos(hints: Sequence[Mapping[str, Any]]) -> tuple[SecretInfo, ...]:
    """Read stored hints: ``[{path, hint, updatedAt}]``."""
    return tuple(
        SecretInfo(
            tuple(item["path"]),
            is_set=True,
            hint=item.get("hint"),
            updated_at=datetime.fromisoformat(item["updatedAt"]),
        )
        for item in hints
    )
