"""The operator's default applications: each bound to origins like any other, and granted to workspaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.authenticators.base import ApplicationFacts
from app.authenticators.endpoints import is_open, needs_application
from app.catalog.catalog import Catalog
from app.credentials.origins import read_origins
from app.foundation.secret import Secret

EVERY_WORKSPACE: Final = "*"
_OWN: Final = frozenset({"client_id", "client_secret", "origins", "workspaces"})


@dataclass(frozen=True, slots=True)
class OperatorApplication:
    """A default application, and the workspaces that may authorize with it."""

    client_id: str
    client_secret: Secret | None
    fields: Mapping[str, Secret] = field(repr=False)
    origins: tuple[str, ...]
    workspaces: frozenset[str]

    def is_granted(self, workspace_id: str) -> bool:
        """Return whether the operator lets this workspace use it."""
        return not self.workspaces.isdisjoint({EVERY_WORKSPACE, workspace_id})

    @property
    def facts(self) -> ApplicationFacts:
        """What an authenticator needs of it."""
        return ApplicationFacts(self.client_id, self.client_secret, self.fields)


class OperatorApplications:
    """Reads the operator's variables, by integration and field; ``faults`` says what is wrong with them.

    Fields of an integration for which the operator names no client id belong to no application and are used nowhere.
    """

    def __init__(self, variables: Mapping[str, Mapping[str, Secret]], catalog: Catalog) -> None:
        self.faults: list[str] = []
        self._applications = {
            integration: read
            for integration, fields in variables.items()
            if (read := self._read(integration, fields, catalog)) is not None
        }

    def granted(self, integration: str, workspace_id: str) -> OperatorApplication | None:
        """Return the default application of an integration, where the workspace may use it."""
        found = self._applications.get(integration)
        return found if found is not None and found.is_granted(workspace_id) else None

    def integrations(self, workspace_id: str) -> Sequence[str]:
        """Return the integrations with a default application that the workspace may use."""
        return [key for key, found in self._applications.items() if found.is_granted(workspace_id)]

    def _read(
        self, integration: str, fields: Mapping[str, Secret], catalog: Catalog
    ) -> OperatorApplication | None:
        variable = f"PATCHBAY_APP_{integration.upper().replace('-', '_')}_"
        origins, wrong = read_origins(_words(fields.get("origins")))
        self.faults += [f"{variable}ORIGINS: entry {place + 1} is not an address" for place in wrong]
        if "client_id" not in fields:
            return None
        definition = catalog.definition(integration)
        methods = [method for method in definition.auth if needs_application(method)] if definition else []
        if definition and not origins and any(is_open(definition, method) for method in methods):
            self.faults.append(
                f"{variable}ORIGINS is missing: it says to which addresses the client secret may be sent, "
                "such as https://login.example.com"
            )
        return OperatorApplication(
            client_id=fields["client_id"].reveal(),
            client_secret=fields.get("client_secret"),
            fields={name: value for name, value in fields.items() if name not in _OWN},
            origins=origins,
            workspaces=frozenset(_words(fields.get("workspaces")) or [EVERY_WORKSPACE]),
        )


def _words(value: Secret | None) -> list[str]:
    return value.reveal().replace(",", " ").split() if value is not None else []
