"""What an authorization is begun with: method, scopes, application and where to return, checked before any call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.access.actor import Actor
from app.authenticators.base import ApplicationFacts, Facts
from app.catalog.catalog import Catalog
from app.catalog.definition import AuthMethod, Definition
from app.connections.applications import Applications, application_id, needs_application
from app.connections.lifecycle import ConnectionState
from app.connections.models import AuthorizationRecord, ConnectionRecord, CredentialRecord
from app.connections.rows import config_ref, load_connection
from app.connections.snapshot import Mode
from app.foundation.clock import Clock
from app.foundation.errors import InvalidInputError, NotAllowedNowError
from app.foundation.expressions import compile_pick
from app.foundation.ids import new_token
from app.foundation.problems import Problem, ProblemCode, problem
from app.vault.vault import RevealPurpose, Vault


@dataclass(frozen=True, slots=True)
class AuthorizationChoice:
    """Everything that an authorization is begun with."""

    connection: ConnectionRecord
    definition: Definition
    method: AuthMethod
    scopes: tuple[str, ...]
    application_id: str | None
    redirect_uri: str | None
    return_to: str | None
    application_is_missing: bool = False


class Chooser:
    """Checks what is asked for, and gathers the facts that authenticators work with."""

    def __init__(
        self,
        catalog: Catalog,
        applications: Applications,
        vault: Vault,
        clock: Clock,
        return_origins: Sequence[str],
    ) -> None:
        self._catalog = catalog
        self._applications = applications
        self._vault = vault
        self._clock = clock
        self._return_origins = frozenset(return_origins)

    async def choose(
        self,
        actor: Actor,
        connection_id: str,
        auth_method: str | None,
        scopes: Sequence[str] | None,
        return_to: str | None,
    ) -> AuthorizationChoice:
        """Check the choice.

        Raises:
            NotFoundError: no such connection.
            InvalidInputError: every fault of the input at once.
            NotAllowedNowError: the configuration is not complete.
        """
        connection, credential = await load_connection(actor.workspace_id, connection_id)
        if connection.state == ConnectionState.DRAFT.value:
            raise NotAllowedNowError(problem(ProblemCode.CONFIG_INCOMPLETE))
        definition = self.definition_of(connection)
        method = self._method(definition, connection, auth_method, credential)
        problems: list[Problem] = []
        chosen: tuple[str, ...] = ()
        if method is None:
            problems.append(problem(ProblemCode.UNKNOWN_AUTH_METHOD, "authMethod"))
        else:
            chosen, faults = _scopes(method, connection, scopes)
            problems += faults
        if return_to is not None and not self._may_return_to(return_to):
            problems.append(
                problem(ProblemCode.ADDRESS_NOT_ALLOWED, "returnTo", label="The address to return to")
            )
        if problems or method is None:
            raise InvalidInputError(problems)
        return await self._choice(connection, definition, method, chosen, return_to)

    async def chosen_before(self, row: AuthorizationRecord) -> AuthorizationChoice:
        """Return what an open authorization was begun with.

        Raises:
            NotAllowedNowError: its definition or auth method is gone.
        """
        connection, _ = await load_connection(row.workspace_id, row.connection_id)
        definition = self.definition_of(connection)
        method = definition.auth_method(row.auth_method)
        if method is None:
            raise NotAllowedNowError(problem(ProblemCode.UNKNOWN_AUTH_METHOD))
        return await self._choice(connection, definition, method, tuple(row.scopes), row.return_to)

    async def _choice(
        self,
        connection: ConnectionRecord,
        definition: Definition,
        method: AuthMethod,
        scopes: tuple[str, ...],
        return_to: str | None,
    ) -> AuthorizationChoice:
        mode = Mode(connection.mode)
        id_, redirect_uri, is_missing = None, None, False
        if needs_application(method):
            is_missing = not await self._applications.has(
                connection.workspace_id, definition.integration, mode
            )
            id_ = application_id(connection.workspace_id, definition.integration, mode)
            redirect_uri = self._applications.redirect_uri(id_)
            if not is_missing:
                await self._applications.id_for(connection.workspace_id, definition, mode)
        return AuthorizationChoice(
            connection, definition, method, scopes, id_, redirect_uri, return_to, is_missing
        )

    def definition_of(self, connection: ConnectionRecord) -> Definition:
        """Return the definition that a connection pins.

        Raises:
            NotAllowedNowError: the catalog does not have it any more.
        """
        definition = self._catalog.definition(connection.integration, connection.version)
        if definition is None:
            raise NotAllowedNowError(problem(ProblemCode.UNKNOWN_INTEGRATION))
        return definition

    async def facts(
        self,
        actor: Actor,
        connection: ConnectionRecord,
        credential: CredentialRecord | None,
        application_id: str | None,
        purpose: RevealPurpose,
    ) -> Facts:
        """Return the facts an authenticator needs; never inside a transaction.

        Secrets of the configuration and of the application are revealed for ``purpose``, and audited with it.
        """
        application: ApplicationFacts | None = None
        redirect_uri = None
        if application_id is not None:
            application = await self._applications.facts(actor, application_id, purpose)
            redirect_uri = self._applications.redirect_uri(application_id)
        return Facts(
            definition=self.definition_of(connection),
            now=self._clock.now(),
            random=new_token,
            config=await self._config(actor, connection, purpose),
            application=application,
            account=dict(credential.account) if credential else {},
            redirect_uri=redirect_uri,
        )

    async def _config(
        self, actor: Actor, connection: ConnectionRecord, purpose: RevealPurpose
    ) -> dict[str, Any]:
        config = dict(connection.config)
        for item in connection.config_secret_hints:
            name = item["path"][1]
            revealed = await self._vault.reveal(actor, config_ref(connection, name), purpose=purpose)
            config[name] = revealed.value["value"]
        return config

    @staticmethod
    def _method(
        definition: Definition,
        connection: ConnectionRecord,
        asked: str | None,
        credential: CredentialRecord | None,
    ) -> AuthMethod | None:
        offered = [method for method in definition.auth if _applies(method, connection)]
        if asked is None and credential is not None:
            asked = credential.auth_method
        if asked is None:
            return offered[0] if len(offered) == 1 else None
        return next((method for method in offered if method.id == asked), None)

    def _may_return_to(self, address: str) -> bool:
        # Browsers read a backslash as a slash and drop control characters: such an address may go elsewhere.
        if any(ord(char) <= 0x20 or ord(char) == 0x7F or char == "\\" for char in address):  # noqa: PLR2004 - ASCII
            return False
        try:
            parts = urlsplit(address)
        except ValueError:
            return False
        if parts.scheme not in {"https", "http"} or "@" in parts.netloc or not parts.netloc.isascii():
            return False
        return f"{parts.scheme}://{parts.netloc}".lower() in self._return_origins


def _applies(method: AuthMethod, connection: ConnectionRecord) -> bool:
    return method.when is None or compile_pick(method.when).holds({"config": connection.config})


def _scopes(
    method: AuthMethod, connection: ConnectionRecord, asked: Sequence[str] | None
) -> tuple[tuple[str, ...], list[Problem]]:
    required = [scope.name for scope in method.scopes if scope.required]
    configured: list[str] = []
    if method.scopes_from_config is not None:
        value = connection.config.get(method.scopes_from_config)
        configured = value.split() if isinstance(value, str) else [str(item) for item in value or []]
    if asked is None:
        return tuple(dict.fromkeys([*required, *configured])), []
    known = {scope.name for scope in method.scopes}
    is_open = method.scopes_from_config is not None
    faults = [
        problem(ProblemCode.UNKNOWN_SCOPE, "scopes", str(index))
        for index, name in enumerate(asked)
        if name not in known and not is_open
    ]
    return tuple(dict.fromkeys([*required, *asked])), faults
