"""Which application a connection is authorized with: one that may be used at the addresses of its configuration."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tortoise.exceptions import IntegrityError

from app.access.actor import Actor
from app.authenticators.endpoints import Endpoints, endpoints_of, needs_application
from app.catalog.definition import AuthMethod, Definition
from app.credentials.application_rows import DEFAULT_NAME, free_id, new_row, own_name
from app.credentials.models import ApplicationRecord
from app.credentials.operator_applications import OperatorApplications
from app.credentials.origins import are_covered, uncovered
from app.credentials.snapshot import ApplicationSource, Mode
from app.foundation.batcher import Batcher
from app.foundation.canonical import name_key
from app.foundation.database import Database
from app.foundation.errors import InvalidInputError
from app.foundation.problems import ProblemCode, problem

_MAX_NAMES: Final = 10


@dataclass(frozen=True, slots=True)
class WantedApplication:
    """What an application is wanted for: a connection's workspace, mode and the addresses of its auth method."""

    workspace_id: str
    integration: str
    mode: Mode
    provider: str
    endpoints: Endpoints

    @property
    def label(self) -> str:
        """The provider's name, with the addresses where the definition alone does not say which they are."""
        if not self.endpoints.is_open or not self.endpoints.origins:
            return self.provider
        return f"{self.provider} at {', '.join(self.endpoints.origins)}"

    @property
    def default_name(self) -> str:
        """The name that an application for this gets where nobody gives it another."""
        return default_name(self.endpoints.origins if self.endpoints.is_open else ())


@dataclass(frozen=True, slots=True)
class ChosenApplication:
    """The application to authorize with, or, where there ``is_missing`` one, the id that it will have."""

    id: str
    is_missing: bool = False


def wanted_application(
    workspace_id: str, definition: Definition, method: AuthMethod, mode: Mode, config: Mapping[str, Any]
) -> WantedApplication:
    """Return what a connection's auth method wants of an application."""
    endpoints = endpoints_of(definition, method, config)
    return WantedApplication(workspace_id, definition.integration, mode, definition.name, endpoints)


def default_name(origins: Sequence[str]) -> str:
    """Return the name of an application for these origins: the host of the first; without any, a general one."""
    return origins[0].partition("://")[2] if origins else DEFAULT_NAME


class ApplicationChoice:
    """Chooses applications, and knows the redirect URI of each, also before it is saved."""

    def __init__(self, database: Database, operator: OperatorApplications, public_url: str) -> None:
        self._database = database
        self._operator = operator
        self._public_url = public_url
        self._reads = Batcher(self._find_all)

    async def choose(
        self,
        wanted: WantedApplication,
        *,
        requested: str | None = None,
        current: str | None = None,
        is_decisive: bool = False,
    ) -> ChosenApplication:
        """Choose the ``requested`` one, the ``current`` one, or the only one that fits.

        A workspace's own stand before the operator's default, and the one with the default name before others.
        ``is_decisive`` takes the oldest of several instead of asking.

        Raises:
            InvalidInputError: at ``applicationId``: there is none, it is not for these addresses, or several fit.
        """
        rows = await _rows(wanted.workspace_id, wanted.integration, wanted.mode)
        if requested is not None:
            return ChosenApplication(await self._requested(rows, wanted, requested))
        fitting = [row for row in rows if self._fits(row, wanted)]
        for row in fitting:
            if row.id == current:
                return ChosenApplication(row.id)
        own = [row for row in fitting if row.source == ApplicationSource.WORKSPACE]
        if own:
            return ChosenApplication(_only(own, wanted, is_decisive=is_decisive).id)
        made = self._made_by_the_hub(wanted)
        if made is not None:
            return ChosenApplication(await self._stored(rows, wanted, made))
        id_ = await self._id_of(wanted, wanted.default_name, ApplicationSource.WORKSPACE)
        return ChosenApplication(id_, is_missing=True)

    async def has(
        self, workspace_id: str, definition: Definition, mode: Mode, config: Mapping[str, Any]
    ) -> bool:
        """Return whether an authorization of such a connection could be begun with an application."""
        methods = [method for method in definition.auth if needs_application(method)]
        wanted = [wanted_application(workspace_id, definition, each, mode, config) for each in methods]
        if any(self._made_by_the_hub(each) is not None for each in wanted):
            return True
        rows = await _rows(workspace_id, definition.integration, mode)
        return any(self._fits(row, each) for row in rows for each in wanted)

    def redirect_uri(self, application_id: str) -> str:
        """Return the exact redirect URI to register at the provider: one per application, a mix-up defence."""
        return f"{self._public_url}/oauth/return/{application_id}"

    async def redirect_uri_for(
        self, actor: Actor, integration: str, mode: Mode = Mode.LIVE, name: str | None = None
    ) -> str:
        """Return the redirect URI of the workspace's application of that name, also before it is saved."""
        id_ = await free_id(self._reads.submit, actor.workspace_id, integration, mode, name or DEFAULT_NAME)
        return self.redirect_uri(id_)

    async def find(self, application_id: str) -> ApplicationRecord | None:
        """Return an application's row to read only; those that are asked for together are one statement."""
        return await self._reads.submit(application_id)

    async def _find_all(self, ids: Sequence[str]) -> list[ApplicationRecord | None]:
        with self._database.bind():
            found = await ApplicationRecord.in_bulk(set(ids), "id")
        return [found.get(id_) for id_ in ids]

    def origins_of(self, row: ApplicationRecord) -> tuple[str, ...]:
        """Return the origins that an application is bound to: the operator's own settings say it of the default."""
        if row.source != ApplicationSource.OPERATOR:
            return tuple(row.origins)
        granted = self._operator.granted(row.integration, row.workspace_id)
        return granted.origins if granted else ()

    def _fits(self, row: ApplicationRecord, wanted: WantedApplication) -> bool:
        if wanted.mode is Mode.SANDBOX:
            return True
        if row.source == ApplicationSource.OPERATOR:
            return self._made_by_the_hub(wanted) is ApplicationSource.OPERATOR
        return are_covered(wanted.endpoints, self.origins_of(row))

    def _made_by_the_hub(self, wanted: WantedApplication) -> ApplicationSource | None:
        if wanted.mode is Mode.SANDBOX:
            return ApplicationSource.SANDBOX
        granted = self._operator.granted(wanted.integration, wanted.workspace_id)
        if granted is None or not are_covered(wanted.endpoints, granted.origins):
            return None
        return ApplicationSource.OPERATOR

    async def _requested(
        self, rows: Sequence[ApplicationRecord], wanted: WantedApplication, requested: str
    ) -> str:
        found = next((row for row in rows if row.id == requested), None)
        if found is None:
            made = self._made_by_the_hub(wanted)
            if made is not None and requested == await self._id_of(wanted, own_name(made), made):
                return await self._stored(rows, wanted, made)
            raise InvalidInputError(problem(ProblemCode.NOT_FOUND, "applicationId"))
        if not self._fits(found, wanted):
            origin = uncovered(wanted.endpoints, self.origins_of(found)) or wanted.label
            code = ProblemCode.APPLICATION_NOT_FOR_ADDRESS
            raise InvalidInputError(problem(code, "applicationId", application=found.name, origin=origin))
        return found.id

    async def _stored(
        self, rows: Sequence[ApplicationRecord], wanted: WantedApplication, source: ApplicationSource
    ) -> str:
        """Return the id of the row of an application that the hub makes by itself; make it where there is none."""
        for row in rows:
            if row.source == source:
                return row.id
        id_ = await self._id_of(wanted, own_name(source), source)
        with contextlib.suppress(IntegrityError):  # another request has just made it
            async with self._database.transaction() as tx:
                row = new_row(
                    tx.now, id_, wanted.workspace_id, wanted.integration, wanted.mode, source=source
                )
                row.revision = 1
                await row.save(force_create=True)
        return id_

    async def _id_of(self, wanted: WantedApplication, name: str, source: ApplicationSource) -> str:
        return await free_id(
            self._reads.submit, wanted.workspace_id, wanted.integration, wanted.mode, name, source
        )


async def _rows(workspace_id: str, integration: str, mode: Mode) -> list[ApplicationRecord]:
    return await ApplicationRecord.filter(
        workspace_id=workspace_id, integration=integration, mode=mode.value
    ).order_by("created_at", "id")


def _only(
    own: Sequence[ApplicationRecord], wanted: WantedApplication, *, is_decisive: bool
) -> ApplicationRecord:
    default = [row for row in own if row.name_key == name_key(DEFAULT_NAME)]
    if default or len(own) == 1 or is_decisive:
        return (default or own)[0]
    names = ", ".join(row.name for row in own[:_MAX_NAMES])
    listed = [{"id": row.id, "name": row.name} for row in own]
    code, details = ProblemCode.APPLICATION_CHOICE_NEEDED, {"applications": listed}
    raise InvalidInputError(
        problem(code, "applicationId", details=details, provider=wanted.label, names=names)
    )
