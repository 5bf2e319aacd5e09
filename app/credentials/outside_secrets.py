"""Outside secrets: a connection may name one of the operator's instead of storing its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from app.authenticators.base import Grant
from app.credentials.vault_paths import EVERY_WORKSPACE, REFERENCE, VaultPaths
from app.foundation.errors import NotAllowedNowError, OutsideError, invalid_field
from app.foundation.problems import ProblemCode, problem
from app.foundation.secret import Secret

PREFIX: Final = "env:PATCHBAY_SECRET_"


class OutsideSecrets:
    """Resolves references such as ``env:PATCHBAY_SECRET_SHOP_KEY``, only for workspaces that the operator names.

    With ``vault_paths`` also ``vault:secret/data/shop#key``. A reference that is not granted and one that does not
    exist are reported alike, so that nobody learns which exist.
    """

    def __init__(
        self, values: Mapping[str, Secret], workspaces: frozenset[str], vault_paths: VaultPaths | None = None
    ) -> None:
        self._values = values
        self._workspaces = workspaces
        self._vault_paths = vault_paths

    async def entered(
        self, workspace_id: str, values: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Secret]]:
        """Return entered values with references resolved, and the references by field.

        Raises:
            InvalidInputError: a reference is not granted, at ``credentials`` and its field.
            NotAllowedNowError: where it stands cannot be asked now.
        """
        resolved, references = dict(values), {}
        for name, value in values.items():
            text = value.reveal() if isinstance(value, Secret) else value
            if not isinstance(text, str) or not is_reference(text):
                continue
            found = await self._find(workspace_id, text)
            if found is None:
                reason = "no such outside secret is granted to this workspace"
                raise invalid_field("credentials", name, label="The reference", reason=reason)
            resolved[name], references[name] = found, Secret(text)
        return resolved, references

    def to_store(self, grant: Grant, references: Mapping[str, Secret]) -> Grant:
        """Return the grant with references in place of what they stand for: only those are sealed.

        Raises:
            OutsideError: UPSTREAM_BAD_RESPONSE, a provider gave what reads as a reference: it would be handed the
                operator's secret with the next call.
        """
        if any(name not in references for name in self.references(grant)):
            raise OutsideError(problem(ProblemCode.UPSTREAM_BAD_RESPONSE))
        return _with_values(grant, references)

    async def to_use(self, workspace_id: str, grant: Grant) -> Grant:
        """Return the grant with references resolved, as they are now.

        Raises:
            NotAllowedNowError: the operator has taken the secret or the permission away, or where it stands cannot
                be asked now.
        """
        present = {}
        for name, value in self.references(grant).items():
            found = await self._find(workspace_id, value.reveal())
            if found is None:
                raise NotAllowedNowError(problem(ProblemCode.KEY_UNAVAILABLE))
            present[name] = found
        return _with_values(grant, present)

    @staticmethod
    def references(grant: Grant) -> dict[str, Secret]:
        """Return what a stored grant names instead of holding it, by field."""
        return {name: value for name, value in grant.values.items() if is_reference(value.reveal())}

    async def _find(self, workspace_id: str, reference: str) -> Secret | None:
        if not reference.startswith(PREFIX):
            return await self._vault_paths.find(workspace_id, reference) if self._vault_paths else None
        if self._workspaces.isdisjoint({workspace_id, EVERY_WORKSPACE}):
            return None
        return self._values.get(reference.removeprefix(PREFIX))


def is_reference(text: str) -> bool:
    """Return whether a value names an outside secret instead of being one."""
    return text.startswith(PREFIX) or REFERENCE.fullmatch(text) is not None


def _with_values(grant: Grant, values: Mapping[str, Secret]) -> Grant:
    return replace(grant, values=MappingProxyType({**grant.values, **values})) if values else grant
