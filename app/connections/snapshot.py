"""Frozen pictures of connections and authorizations: what the room hands out instead of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.authenticators.steps import Step
from app.connections.lifecycle import ConnectionState
from app.credentials.owner import CONFIG_FIELD, CredentialOwner
from app.credentials.snapshot import Mode, SecretInfo
from app.foundation.problems import Problem


class AccessScope(StrEnum):
    """Whose connection it is."""

    WORKSPACE = "WORKSPACE"
    CLIENT = "CLIENT"
    USER = "USER"


class AuthorizationStateName(StrEnum):
    """The states of an authorization."""

    CREATED = "CREATED"
    AWAITING_USER = "AWAITING_USER"
    AWAITING_INPUT = "AWAITING_INPUT"
    EXCHANGING = "EXCHANGING"
    VERIFYING = "VERIFYING"
    AUTHENTICATED = "AUTHENTICATED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


FINAL_STATES = frozenset(
    {
        AuthorizationStateName.AUTHENTICATED,
        AuthorizationStateName.FAILED,
        AuthorizationStateName.EXPIRED,
        AuthorizationStateName.CANCELLED,
    }
)


@dataclass(frozen=True, slots=True)
class AuthSnapshot:
    """What stands beside a connection's sealed credentials.

    ``is_stale``: they were got for another configuration, and are not used.
    """

    method: str
    generation: int
    requested_scopes: tuple[str, ...]
    granted_scopes: tuple[str, ...] | None
    missing_scopes: tuple[str, ...]
    account_id: str | None
    account_label: str | None
    expires_at: datetime | None
    refreshed_at: datetime | None
    can_renew: bool
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionSnapshot:
    """A connection as it stands; ``tested``: the default test passed with these very credentials and config."""

    id: str
    workspace_id: str
    name: str
    description: str
    integration: str
    version: str
    mode: Mode
    state: ConnectionState
    state_since: datetime
    problem: Problem | None
    config: Mapping[str, Any]
    secrets: tuple[SecretInfo, ...]
    auth: AuthSnapshot | None
    scope: AccessScope
    ever_connected: bool
    tested: bool
    tested_at: datetime | None
    config_revision: int
    revision: int
    created_at: datetime
    created_by: str
    updated_at: datetime

    @property
    def owner(self) -> CredentialOwner:
        """The connection as the credentials room knows it."""
        return CredentialOwner(
            id=self.id,
            workspace_id=self.workspace_id,
            name=self.name,
            integration=self.integration,
            version=self.version,
            mode=self.mode,
            config=self.config,
            secret_fields=tuple(info.path[1] for info in self.secrets if info.path[0] == CONFIG_FIELD),
            degraded_since=self.state_since if self.state is ConnectionState.DEGRADED else None,
            problem=self.problem,
        )


class StepState(StrEnum):
    """How a set-up step stands."""

    DONE = "DONE"
    READY = "READY"
    BLOCKED = "BLOCKED"
    OPTIONAL = "OPTIONAL"


class SetupStepKey(StrEnum):
    """The steps from a draft to a usable connection."""

    CONFIGURE = "CONFIGURE"
    APPLICATION = "APPLICATION"
    AUTHENTICATE = "AUTHENTICATE"
    TEST = "TEST"
    ACTIVATE = "ACTIVATE"


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One step of the server-driven wizard: what it is for, how it stands, what blocks it, which mutation does it."""

    key: SetupStepKey
    title: str
    help: str
    state: StepState
    problems: tuple[Problem, ...]
    mutation: str


@dataclass(frozen=True, slots=True)
class AuthorizationSnapshot:
    """An authorization as it stands, or as it stood at ``seq``."""

    id: str
    workspace_id: str
    connection_id: str
    auth_method: str
    state: AuthorizationStateName
    seq: int
    step: Step | None
    problem: Problem | None
    scopes: tuple[str, ...]
    return_to: str | None
    at: datetime
    created_at: datetime
    expires_at: datetime
    launch_url: str | None

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in FINAL_STATES


@dataclass(frozen=True, slots=True)
class ConnectionQuery:
    """Which connections to list; lists mean "any of", fields mean "and"."""

    search: str | None = None
    states: tuple[ConnectionState, ...] = ()
    integrations: tuple[str, ...] = ()
    modes: tuple[Mode, ...] = ()
    order_by: str = "NAME"
    descending: bool = False
