"""What an authorization is begun with: method, scopes, application and where to return, checked before any call."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from app.access.actor import Actor
from app.authenticators.endpoints import needs_application
from app.catalog.definition import AuthMethod, Definition
from app.connections.lifecycle import ConnectionState
from app.connections.models import AuthorizationRecord
from app.connections.rows import load_connection
from app.connections.snapshot import WITHOUT_AUTH, ConnectionSnapshot
from app.credentials.application_choice import ApplicationChoice, WantedApplication, wanted_application
from app.credentials.opening import Opener
from app.foundation.errors import InvalidInputError, NotAllowedNowError
from app.foundation.expressions import compile_pick
from app.foundation.problems import FixBy, Problem, ProblemCode, Remediation, RemediationKind, problem


@dataclass(frozen=True, slots=True)
class AuthorizationOptions:
    """Everything that an authorization is begun with."""

    connection: ConnectionSnapshot
    definition: Definition
    method: AuthMethod
    scopes: tuple[str, ...]
    return_to: str | None
    application_id: str | None = None
    redirect_uri: str | None = None
    application_is_missing: bool = False

    @property
    def wanted(self) -> WantedApplication:
        """What an application is wanted for."""
        of = self.connection
        return wanted_application(of.workspace_id, self.definition, self.method, of.mode, of.config)


@dataclass(eq=False, repr=False)
class OptionsResolver:
    """Resolves and checks the options of an authorization."""

    _choice: ApplicationChoice
    _opener: Opener
    _return_origins: Collection[str]

    async def resolve(
        self,
        actor: Actor,
        connection_id: str,
        auth_method: str | None,
        scopes: Sequence[str] | None,
        return_to: str | None,
        application_id: str | None = None,
        *,
        as_before: bool = False,
    ) -> AuthorizationOptions:
        """Resolve and check the options. ``as_before``: scopes that are left out are those of the credentials.

        An application that is left out is that of the credentials where it still fits, else the one that fits.

        Raises:
            NotFoundError: no such connection.
            InvalidInputError: every fault of the input at once.
            NotAllowedNowError: the configuration is not complete.
        """
        connection = await load_connection(actor.workspace_id, connection_id)
        if connection.state is ConnectionState.DRAFT:
            raise NotAllowedNowError(problem(ProblemCode.CONFIG_INCOMPLETE))
        if as_before and scopes is None and connection.auth is not None:
            scopes = connection.auth.requested_scopes
        definition = self._opener.definition_of(connection.owner)
        method = self._method(definition, connection, auth_method)
        problems: list[Problem] = []
        chosen: tuple[str, ...] = ()
        if method is None:
            problems.append(problem(ProblemCode.UNKNOWN_AUTH_METHOD, "authMethod"))
        else:
            chosen, faults = _scopes(method, connection, scopes)
            problems += faults
        if return_to is not None and not self._is_allowed_return(return_to):
            problems.append(_foreign_return())
        if problems or method is None:
            raise InvalidInputError(problems)
        options = AuthorizationOptions(connection, definition, method, chosen, return_to)
        current = connection.auth.application_id if connection.auth else None
        return await self._with_application(options, requested=application_id, current=current)

    async def resolve_open(self, row: AuthorizationRecord) -> AuthorizationOptions:
        """Return what an open authorization was begun with.

        Raises:
            NotAllowedNowError: its definition or auth method is gone.
        """
        connection = await load_connection(row.workspace_id, row.connection_id, WITHOUT_AUTH)
        definition = self._opener.definition_of(connection.owner)
        method = definition.auth_method(row.auth_method)
        if method is None:
            raise NotAllowedNowError(problem(ProblemCode.UNKNOWN_AUTH_METHOD))
        options = AuthorizationOptions(connection, definition, method, tuple(row.scopes), row.return_to)
        return await self._with_application(options, is_decisive=True)

    async def _with_application(
        self,
        options: AuthorizationOptions,
        *,
        requested: str | None = None,
        current: str | None = None,
        is_decisive: bool = False,
    ) -> AuthorizationOptions:
        if not needs_application(options.method):
            return options
        chosen = await self._choice.choose(
            options.wanted, requested=requested, current=current, is_decisive=is_decisive
        )
        uri = self._choice.redirect_uri(chosen.id)
        return replace(
            options, application_id=chosen.id, redirect_uri=uri, application_is_missing=chosen.is_missing
        )

    @staticmethod
    def _method(
        definition: Definition, connection: ConnectionSnapshot, requested: str | None
    ) -> AuthMethod | None:
        offered = [method for method in definition.auth if _applies(method, connection)]
        if requested is None and connection.auth is not None:
            requested = connection.auth.auth_method
        if requested is None:
            return offered[0] if len(offered) == 1 else None
        return next((method for method in offered if method.id == requested), None)

    def _is_allowed_return(self, address: str) -> bool:
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


def _foreign_return() -> Problem:
    fault = problem(ProblemCode.ADDRESS_NOT_ALLOWED, "returnTo")
    said = (
        "The address to return to must be one of this hub, or of a web origin that the operator has allowed."
    )
    allow = "If the page may be returned to, add its origin to PATCHBAY_ALLOWED_ORIGINS."
    step = Remediation(RemediationKind.CONTACT_OPERATOR, allow, FixBy.OPERATOR)
    return replace(fault, message=said, remediation=(fault.remediation[0], step))


def _applies(method: AuthMethod, connection: ConnectionSnapshot) -> bool:
    return method.when is None or compile_pick(method.when).holds({"config": connection.config})


def _scopes(
    method: AuthMethod, connection: ConnectionSnapshot, requested: Sequence[str] | None
) -> tuple[tuple[str, ...], list[Problem]]:
    required = [scope.name for scope in method.scopes if scope.required]
    configured: list[str] = []
    if method.scopes_from_config is not None:
        value = connection.config.get(method.scopes_from_config)
        configured = value.split() if isinstance(value, str) else [str(item) for item in value or []]
    if requested is None:
        return tuple(dict.fromkeys([*required, *configured])), []
    known = {scope.name for scope in method.scopes}
    is_open = method.scopes_from_config is not None
    faults = [
        problem(ProblemCode.UNKNOWN_SCOPE, "scopes", str(index))
        for index, name in enumerate(requested)
        if name not in known and not is_open
    ]
    return tuple(dict.fromkeys([*required, *requested])), faults
