"""Outside secrets: a connection may name one of the operator's instead of storing its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from app.authenticators.base import Grant
from app.foundation.errors import InvalidInputError, NotAllowedNowError
from app.foundation.problems import ProblemCode, problem
from app.foundation.secret import Secret

PREFIX: Final = "env:PATCHBAY_SECRET_"
EVERY_WORKSPACE: Final = "*"


class OutsideSecrets:
    """Resolves references such as ``env:PATCHBAY_SECRET_SHOP_KEY``, only for workspaces that the operator names.

    A reference that is not granted and one that does not exist are told alike, so that nobody learns which exist.
    """

    def __init__(self, values: Mapping[str, Secret], workspaces: frozenset[str]) -> None:
        self._values = values
        self._workspaces = workspaces

    def entered(
        self, workspace_id: str, values: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Secret]]:
        """Return entered values with references resolved, and the references by field.

        Raises:
            InvalidInputError: a reference is not granted, at ``credentials`` and its field.
        """
        resolved, references = dict(values), {}
        for name, value in values.items():
            text = value.reveal() if isinstance(value, Secret) else value
            if not isinstance(text, str) or not text.startswith(PREFIX):
                continue
            found = self._find(workspace_id, text)
            if found is None:
                reason = "no such outside secret is granted to this workspace"
                raise InvalidInputError(
                    problem(
                        ProblemCode.INVALID_FIELD, "credentials", name, label="The reference", reason=reason
                    )
                )
            resolved[name], references[name] = found, Secret(text)
        return resolved, references

    def to_store(self, grant: Grant, references: Mapping[str, Secret]) -> Grant:
        """Return the grant with references in place of what they stand for: only those are sealed."""
        return (
            replace(grant, values=MappingProxyType({**grant.values, **references})) if references else grant
        )

    def to_use(self, workspace_id: str, grant: Grant) -> Grant:
        """Return the grant with references resolved, as they stand now.

        Raises:
            NotAllowedNowError: the operator has taken the secret or the permission away.
        """
        named = self.references(grant)
        if not named:
            return grant
        found = {name: self._find(workspace_id, value.reveal()) for name, value in named.items()}
        present = {name: value for name, value in found.items() if value is not None}
        if len(present) < len(found):
            raise NotAllowedNowError(problem(ProblemCode.KEY_UNAVAILABLE))
        return replace(grant, values=MappingProxyType({**grant.values, **present}))

    @staticmethod
    def references(grant: Grant) -> dict[str, Secret]:
        """Return what a stored grant names instead of holding it, by field."""
        return {name: value for name, value in grant.values.items() if value.reveal().startswith(PREFIX)}

    def _find(self, workspace_id: str, reference: str) -> Secret | None:
        if self._workspaces.isdisjoint({workspace_id, EVERY_WORKSPACE}):
            return None
        return self._values.get(reference.removeprefix(PREFIX))
