"""The room's face for those who use credentials: open them for a purpose, and get newer ones where they had expired."""

from __future__ import annotations

from app.access.actor import Actor
from app.catalog.definition import Definition
from app.credentials.due import is_fresh
from app.credentials.opening import OpenCredentials, Opener
from app.credentials.owner import CredentialOwner, Owners
from app.credentials.renewal import Renewal
from app.credentials.rows import find_credential
from app.credentials.snapshot import CredentialSnapshot, are_usable
from app.foundation.clock import Clock
from app.foundation.errors import NotAllowedNowError
from app.foundation.problems import ProblemCode, problem
from app.vault.vault import RevealPurpose


class Credentials:
    """Opens credentials for use, renewed first where they would run out."""

    def __init__(self, opener: Opener, renewal: Renewal, owners: Owners, clock: Clock) -> None:
        self._opener = opener
        self._renewal = renewal
        self._owners = owners
        self._clock = clock

    def definition_of(self, owner: CredentialOwner) -> Definition:
        """Return the definition that a connection pins; nothing is opened.

        Raises:
            NotAllowedNowError: the catalog does not have it any more.
        """
        return self._opener.definition_of(owner)

    async def find(self, workspace_id: str, connection_id: str) -> CredentialOwner:
        """Return a connection as it is now, to open its credentials: one statement, and nothing is opened.

        Read it again before newer credentials are opened: they must not be sent where an older configuration leads.

        Raises:
            NotFoundError: it is not in the workspace.
        """
        return await self._owners.find(workspace_id, connection_id)

    async def open(self, actor: Actor, owner: CredentialOwner, purpose: RevealPurpose) -> OpenCredentials:
        """Return credentials that may be used now.

        The connection's state does not matter, save that credentials are not sent where a changed configuration
        leads before the connection was authorized again. Who may use them the caller's verb has judged.

        Raises:
            NotFoundError: the connection was deleted.
            NotAllowedNowError: nothing is sealed, or it waits to be authorized again.
            OutsideError: they had run out and could not be renewed.
            UnreadableCredentialsError: what is sealed does not open.
        """
        credential = await self._usable(owner)
        if self._must_renew(credential):
            await self._renewal.renew(actor, owner.id, credential.generation)
            return await self._open_anew(actor, owner, purpose)
        return await self._opener.open(actor, owner, credential, purpose)

    async def newer(
        self, actor: Actor, opened: OpenCredentials, purpose: RevealPurpose
    ) -> OpenCredentials | None:
        """Return newer credentials after ``opened`` met an expiry signal, or None where nothing can be renewed.

        Raises:
            OutsideError: the renewal failed.
        """
        if not opened.can_renew:
            return None
        await self._renewal.renew(actor, opened.owner.id, opened.generation)
        newer = await self._open_anew(actor, opened.owner, purpose)
        return newer if newer.generation != opened.generation else None

    def _must_renew(self, credential: CredentialSnapshot) -> bool:
        now, expires_at = self._clock.now(), credential.expires_at
        return credential.can_renew and not is_fresh(
            now, expires_at, credential.lifetime_s, credential.sealed_at
        )

    async def _open_anew(
        self, actor: Actor, owner: CredentialOwner, purpose: RevealPurpose
    ) -> OpenCredentials:
        owner = await self.find(owner.workspace_id, owner.id)
        return await self._opener.open(actor, owner, await self._usable(owner), purpose)

    async def _usable(self, owner: CredentialOwner) -> CredentialSnapshot:
        credential = await find_credential(owner.id)
        if not are_usable(credential):
            await self.find(owner.workspace_id, owner.id)  # a deleted connection is reported as such
            raise NotAllowedNowError(problem(ProblemCode.NOT_AUTHENTICATED))
        return credential
