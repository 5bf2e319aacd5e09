"""Frozen pictures of connections and authorizations: what the room hands out instead of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from app.authenticators.steps import Step
from app.connections.lifecycle import ConnectionState
from app.credentials.owner import CredentialOwner
from app.credentials.snapshot import CredentialSnapshot, Mode, SecretInfo, secret_infos
from app.foundation.problems import Problem, problem_from_json


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
class ConnectionSnapshot:
    """A connection as it is now; ``auth`` is what is stored with its credentials, None before the first authorization.

    ``name_key`` is what makes its name unique; ``config_secret_hints`` are the stored :class:`SecretInfo` of its
    configuration, and beside them (``fault``) why a draft's secret field was refused. Of an entry of a list
    only the parts are there that were asked for; others raise an AttributeError.
    """

    id: str
    workspace_id: str
    name: str
    name_key: str
    description: str
    integration: str
    version: str
    mode: Mode
    state: ConnectionState
    state_since: datetime
    problem: Problem | None
    config: Mapping[str, Any]
    config_secret_hints: Sequence[Mapping[str, Any]]
    config_revision: int
    scope: AccessScope
    ever_connected: bool
    tested_generation: int | None
    tested_config_revision: int | None
    tested_at: datetime | None
    revision: int
    created_at: datetime
    created_by_label: str
    updated_at: datetime
    auth: CredentialSnapshot | None

    @property
    def secrets(self) -> tuple[SecretInfo, ...]:
        """Its secret fields, of the configuration and of the credentials."""
        hints = self.auth.hints if self.auth else ()
        sealed = [item for item in self.config_secret_hints if "generation" in item]
        return (*secret_infos(sealed), *secret_infos(hints))

    @property
    def refused_secrets(self) -> tuple[Problem, ...]:
        """Why secret fields that a draft was sent were not kept."""
        faults = (problem_from_json(item.get("fault")) for item in self.config_secret_hints)
        return tuple(fault for fault in faults if fault is not None)

    @property
    def tested(self) -> bool:
        """Whether the default test passed with these very credentials and this configuration."""
        return (
            self.auth is not None
            and self.auth.generation > 0
            and self.tested_generation == self.auth.generation
            and self.tested_config_revision == self.config_revision
        )

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
            secret_fields=sealed_names(self.config_secret_hints),
            degraded_since=self.state_since if self.state is ConnectionState.DEGRADED else None,
            problem=self.problem,
        )


PARTS: Final = tuple(field.name for field in fields(ConnectionSnapshot))
WITHOUT_AUTH: Final = frozenset(PARTS) - {"auth"}


class SetupStepState(StrEnum):
    """The state of a set-up step."""

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
    """One step of the server-driven wizard: what it is for, its state, what blocks it, which mutation does it."""

    key: SetupStepKey
    title: str
    help: str
    state: SetupStepState
    problems: tuple[Problem, ...]
    mutation: str


@dataclass(frozen=True, slots=True)
class AuthorizationSnapshot:
    """An authorization as it is now, or as it was at ``seq``."""

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
    presentation: str
    at: datetime
    created_at: datetime
    expires_at: datetime
    launch_url: str | None

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in FINAL_STATES


def sealed_names(hints: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the names of the secret fields of which a value is sealed."""
    return tuple(item["path"][1] for item in hints if "generation" in item)


@dataclass(frozen=True, slots=True)
class ConnectionQuery:
    """Which connections to list; lists mean "any of", fields mean "and"."""

    search: str | None = None
    states: tuple[ConnectionState, ...] = ()
    integrations: tuple[str, ...] = ()
    modes: tuple[Mode, ...] = ()
    order_by: str = "NAME"
    descending: bool = False
