"""The connection that credentials belong to, as far as this room knows it, and what it asks of the room above."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from app.access.actor import Actor
from app.credentials.snapshot import CredentialSnapshot, Mode
from app.foundation.database import Transaction
from app.foundation.errors import PatchbayError
from app.foundation.problems import Problem
from app.vault.vault import SealedRef

CONNECTION_TABLE: Final = "connection"
CREDENTIAL_TABLE: Final = "credential"
CONFIG_FIELD: Final = "config"
CREDENTIALS_FIELD: Final = "credentials"


@dataclass(frozen=True, slots=True)
class CredentialOwner:
    """A connection: which definition it pins, how it is configured, and whether its provider is away.

    ``secret_fields`` name the fields of the configuration that are sealed; ``config`` holds the others.
    ``degraded_since`` is set while the connection is degraded, and ``problem`` is what is wrong with it.
    ``sealed_at_row`` names table and row under which its secrets are sealed, where that is not the connection's own.
    """

    id: str
    workspace_id: str
    name: str
    integration: str
    version: str
    mode: Mode
    config: Mapping[str, Any] = field(repr=False)
    secret_fields: tuple[str, ...] = ()
    degraded_since: datetime | None = None
    problem: Problem | None = None
    sealed_at_row: tuple[str, str] | None = None

    @property
    def credential_ref(self) -> SealedRef:
        """Where the vault keeps the connection's credentials."""
        table, row_id = self.sealed_at_row or (CREDENTIAL_TABLE, self.id)
        return SealedRef(self.workspace_id, table, row_id, CREDENTIALS_FIELD)

    def config_ref(self, name: str) -> SealedRef:
        """Return where the vault keeps a secret field of the configuration."""
        table, row_id = self.sealed_at_row or (CONNECTION_TABLE, self.id)
        return SealedRef(self.workspace_id, table, row_id, f"{CONFIG_FIELD}.{name}")


class LockedOwner(Protocol):
    """A connection whose row is locked by the open transaction: renewal reports to it what it learned."""

    @property
    def owner(self) -> CredentialOwner:
        """The connection as it is now."""

    async def renewed(
        self, tx: Transaction, actor: Actor, credential: CredentialSnapshot, *, recovered: bool
    ) -> None:
        """Take a new generation into account; ``recovered``: renewals had failed before."""

    async def renewal_failed(
        self,
        tx: Transaction,
        actor: Actor,
        credential: CredentialSnapshot,
        fault: PatchbayError,
        *,
        failures: int,
        still_usable: bool,
    ) -> None:
        """Take a failure into account, the ``failures``-th; ``still_usable``: it may pass before they run out."""


class Owners(Protocol):
    """Finds and locks connections of any workspace. A connection's row is always locked before its credentials."""

    async def find(self, workspace_id: str, connection_id: str) -> CredentialOwner:
        """Return a connection to read only.

        Raises:
            NotFoundError: it is not in the workspace.
        """

    async def lock(self, ids: Collection[str]) -> Mapping[str, LockedOwner]:
        """Lock connections for change, by id, in the open transaction, in the order that all lock them."""
