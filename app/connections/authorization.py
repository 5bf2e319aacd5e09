"""Authorization: one attempt to authenticate a connection, from "begin" to success or failure."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from app.access.actor import Actor
from app.access.idempotency import Idempotency
from app.access.policy import Permission, require
from app.authenticators.base import Callback, Chosen, Entered, Proceed
from app.authenticators.steps import AccountChoiceStep, CredentialFormStep, NoStep, RedirectStep, Step
from app.connections.attempts import Attempts, load_attempt
from app.connections.authorization_options import AuthorizationOptions, OptionsResolver
from app.connections.authorization_states import FollowedStates
from app.connections.completion import Completion
from app.connections.lifecycle import StateTrigger
from app.connections.models import AuthorizationRecord
from app.connections.rows import load_connection, lock_connection
from app.connections.snapshot import WITHOUT_AUTH, AuthorizationSnapshot
from app.connections.snapshot import AuthorizationStateName as State
from app.connections.transitions import Transitions
from app.event_stream.channels import connection_channel, subject_channel
from app.event_stream.event import EventType
from app.event_stream.follow import Guard, follow_rows
from app.foundation.canonical import findable
from app.foundation.database import Database, Transaction
from app.foundation.errors import InvalidInputError, NotAllowedNowError, NotFoundError
from app.foundation.ids import MAX_ID_LENGTH, new_id, new_token
from app.foundation.names import too_long
from app.foundation.problems import ProblemCode, problem
from app.foundation.secret import Secret
from app.foundation.wakeups import Wakeups
from app.vault.vault import Vault

VALID_FOR: Final = timedelta(minutes=10)
_MAX_CALLBACK_CHARS: Final = 16_384


@dataclass(eq=False, repr=False)
class Authorizations:
    """The verbs of authorization for signed-in actors; the browser's part is in :mod:`app.connections.browser`.

    All raise NotFoundError where the connection or authorization is not in the actor's workspace.
    """

    _database: Database
    _vault: Vault
    _wakeups: Wakeups
    _idempotency: Idempotency
    _transitions: Transitions
    _attempts: Attempts
    _options: OptionsResolver
    _completion: Completion

    async def begin(
        self,
        actor: Actor,
        connection_id: str,
        *,
        auth_method: str | None = None,
        scopes: Sequence[str] | None = None,
        application_id: str | None = None,
        return_to: str | None = None,
        presentation: str = "POPUP",
        idempotency_key: str | None = None,
        expected_revision: int | None = None,
    ) -> AuthorizationSnapshot:
        """Begin an authorization and answer with its first step; an open one of the connection is cancelled.

        Raises:
            InvalidInputError: unknown auth method, scope or application; an application that is not for the addresses
                of the connection, or several that are; an address to return to that is not allowed.
            NotAllowedNowError: the configuration is not complete, or no application is registered.
            OutsideError: the provider refused already the beginning.
        """
        require(actor, Permission.CONNECTIONS_AUTHORIZE)
        arguments = {
            "connectionId": connection_id,
            "authMethod": auth_method,
            "scopes": list(scopes) if scopes is not None else None,
            "returnTo": return_to,
            "presentation": presentation,
            **({"applicationId": application_id} if application_id is not None else {}),
        }
        options = await self._options.resolve(
            actor, connection_id, auth_method, scopes, return_to, application_id
        )
        return await self._begin(
            actor, "beginAuthorization", options, presentation, idempotency_key, arguments, expected_revision
        )

    async def reauthorize(
        self,
        actor: Actor,
        connection_id: str,
        *,
        scopes: Sequence[str] | None = None,
        application_id: str | None = None,
        return_to: str | None = None,
        presentation: str = "POPUP",
        idempotency_key: str | None = None,
    ) -> AuthorizationSnapshot:
        """Begin an authorization the way the connection is authenticated already.

        ``scopes`` None: those that were asked for the last time. The old credentials keep working until the new ones
        do. A connection without credentials is begun as by :meth:`begin`, whose errors are raised here too.
        """
        require(actor, Permission.CONNECTIONS_AUTHORIZE)
        arguments = {
            "connectionId": connection_id,
            "scopes": list(scopes) if scopes is not None else None,
            "returnTo": return_to,
            "presentation": presentation,
            **({"applicationId": application_id} if application_id is not None else {}),
        }
        options = await self._options.resolve(
            actor, connection_id, None, scopes, return_to, application_id, as_before=True
        )
        return await self._begin(actor, "reauthorize", options, presentation, idempotency_key, arguments)

    async def _begin(
        self,
        actor: Actor,
        operation: str,
        options: AuthorizationOptions,
        presentation: str,
        idempotency_key: str | None,
        arguments: Mapping[str, Any],
        expected_revision: int | None = None,
    ) -> AuthorizationSnapshot:
        state = Secret(new_token())
        first = await self._completion.begin(actor, options, state)
        opened: list[AuthorizationRecord] = []

        async def act(tx: Transaction) -> Mapping[str, Any]:
            row = await self._open(tx, actor, options, presentation, expected_revision)
            opened.append(row)
            await self._completion.store_step(tx, actor, row, state, first)
            return {"authorizationId": row.id}

        result = await self._idempotency.run(actor, operation, idempotency_key, arguments, act)
        row = opened[0] if opened else await load_attempt(actor, str(result["authorizationId"]))
        return await self._advance(actor, row)

    async def _open(
        self,
        tx: Transaction,
        actor: Actor,
        options: AuthorizationOptions,
        presentation: str,
        expected_revision: int | None,
    ) -> AuthorizationRecord:
        connection, credential = await lock_connection(actor, options.connection.id, expected_revision)
        await self._attempts.cancel_open(tx, actor, connection)
        row = AuthorizationRecord(
            id=new_id("auth"),
            workspace_id=actor.workspace_id,
            connection_id=connection.id,
            auth_method=options.method.id,
            application_id=options.application_id,
            actor_kind=actor.kind.value,
            actor_id=actor.id,
            actor_label=actor.label,
            scopes=list(options.scopes),
            return_to=options.return_to,
            presentation=presentation,
            state=State.CREATED.value,
            redirect_uri=options.redirect_uri,
            created_at=tx.now,
            expires_at=tx.now + VALID_FOR,
        )
        await self._transitions.apply(tx, actor, connection, credential, StateTrigger.AUTHORIZATION_BEGUN)
        data = {"authorizationId": row.id, "authMethod": row.auth_method}
        self._transitions.announce(tx, actor, connection, EventType.AUTHORIZATION_BEGUN, data)
        self._transitions.audit(tx, actor, connection, "authorization.begun", {"authMethod": row.auth_method})
        await self._attempts.advance(tx, actor, row, State.CREATED)
        return row

    async def _advance(self, actor: Actor, row: AuthorizationRecord) -> AuthorizationSnapshot:
        """Complete the steps that need no person, then return the authorization."""
        snapshot = self._attempts.snapshot(row)
        if isinstance(snapshot.step, NoStep) and not snapshot.is_final:
            return await self._completion.answer(actor, row.id, Proceed())
        return snapshot

    async def submit_credentials(
        self, actor: Actor, authorization_id: str, credentials: Mapping[str, Any]
    ) -> AuthorizationSnapshot:
        """Hand in what the credential form asks for; the answer may be another step.

        Raises:
            InvalidInputError: fields that do not fit, at ``credentials``; nothing is lost, send them again.
            NotAllowedNowError: the authorization does not wait for a form.
        """
        await self._require_step(actor, authorization_id, CredentialFormStep)
        sealed = {
            name: Secret(value) if isinstance(value, str) else value for name, value in credentials.items()
        }
        return await self._completion.answer(actor, authorization_id, Entered(sealed))

    async def choose_account(
        self, actor: Actor, authorization_id: str, account_id: str
    ) -> AuthorizationSnapshot:
        """Choose one of the accounts that the authorization found.

        Raises:
            InvalidInputError: no such option.
            NotAllowedNowError: the authorization does not wait for a choice.
        """
        await self._require_step(actor, authorization_id, AccountChoiceStep)
        return await self._completion.answer(actor, authorization_id, Chosen(account_id))

    async def complete(
        self, actor: Actor, authorization_id: str, callback_url: str, browser: Secret
    ) -> AuthorizationSnapshot:
        """Complete an authorization from an address that the provider sent a browser back to.

        Raises:
            NotAllowedNowError: it is over, or was never started in a browser.
        """
        await self._require_step(actor, authorization_id, RedirectStep)
        if len(callback_url) > _MAX_CALLBACK_CHARS:
            raise InvalidInputError(too_long("callbackUrl", "The address", _MAX_CALLBACK_CHARS))
        params = tuple(parse_qsl(urlsplit(callback_url).query, keep_blank_values=True))
        await self._completion.check_browser(actor, authorization_id, params, browser)
        return await self._completion.answer(actor, authorization_id, Callback(params))

    async def _require_step(self, actor: Actor, authorization_id: str, step: type[Step]) -> None:
        require(actor, Permission.CONNECTIONS_AUTHORIZE)
        row = await load_attempt(actor, authorization_id)
        snapshot = self._attempts.snapshot(row)
        if snapshot.is_final or not isinstance(snapshot.step, step):
            raise NotAllowedNowError(problem(ProblemCode.AUTHORIZATION_REPLAYED))

    async def cancel(self, actor: Actor, authorization_id: str) -> AuthorizationSnapshot:
        """Cancel an authorization; one that is over stays as it is."""
        require(actor, Permission.CONNECTIONS_AUTHORIZE)
        return await self._completion.cancel(actor, await load_attempt(actor, authorization_id))

    async def many(self, actor: Actor, ids: Sequence[str]) -> dict[str, AuthorizationSnapshot]:
        """Return the authorizations with these ids; those that are not there are left out."""
        require(actor, Permission.CONNECTIONS_READ)
        wanted = findable(ids, MAX_ID_LENGTH)
        rows = await AuthorizationRecord.filter(workspace_id=actor.workspace_id, id__in=wanted)
        return {row.id: self._attempts.snapshot(row) for row in rows}

    async def open_of(self, actor: Actor, connection_ids: Sequence[str]) -> dict[str, AuthorizationSnapshot]:
        """Return the authorization that is under way for each of these connections; those without one are left out."""
        require(actor, Permission.CONNECTIONS_READ)
        rows = await AuthorizationRecord.filter(
            workspace_id=actor.workspace_id,
            connection_id__in=findable(connection_ids, MAX_ID_LENGTH),
            finished_at=None,
            expires_at__gt=self._database.clock.now(),
        ).order_by("id")
        return {row.connection_id: self._attempts.snapshot(row) for row in rows}

    async def states(
        self,
        actor: Actor,
        *,
        authorization_id: str | None = None,
        connection_id: str | None = None,
        after_seq: int = 0,
        guard: Guard | None = None,
    ) -> AsyncIterator[AuthorizationSnapshot]:
        """Yield every state: what was already there after ``after_seq``, then live.

        Followed by its own id the stream ends with the final state; followed by connection it goes on with the next
        authorization (``after_seq`` then counts for the newest one at the start only).

        Raises:
            AccessLostError: ``guard`` said no; see :func:`app.event_stream.follow.follow`.
        """
        require(actor, Permission.CONNECTIONS_READ)
        if authorization_id is not None:
            row = await load_attempt(actor, authorization_id)
            states = FollowedStates(self._attempts, row, after_seq)
            channel = subject_channel("authorization", authorization_id)
        elif connection_id is not None:
            await load_connection(actor.workspace_id, connection_id, WITHOUT_AUTH)
            states = FollowedStates(self._attempts, None, after_seq, connection_id)
            channel = connection_channel("authorization", connection_id)
        else:
            raise NotFoundError
        async for state in follow_rows(
            self._wakeups, self._database.clock, actor.workspace_id, channel, states.read, guard=guard
        ):
            yield state
