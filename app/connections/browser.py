"""The browser's part of an authorization: its start, and its return from the provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.access.actor import Actor, Channel
from app.access.policy import Permission, require
from app.authenticators.base import Callback
from app.authenticators.steps import RedirectStep
from app.catalog.catalog import Catalog
from app.connections.attempts import Attempts, attempt_ref, beginner_of, lock_attempt
from app.connections.completion import Completion, is_same_browser, secret_hash
from app.connections.models import AuthorizationRecord, ConnectionRecord
from app.connections.snapshot import FINAL_STATES, AuthorizationSnapshot
from app.connections.snapshot import AuthorizationStateName as State
from app.credentials.flows import Destinations
from app.credentials.snapshot import Mode
from app.foundation.canonical import findable, storable_text
from app.foundation.database import Database
from app.foundation.errors import NotAllowedNowError, PermissionDeniedError
from app.foundation.ids import MAX_ID_LENGTH, prefix_of
from app.foundation.problems import Problem, ProblemCode, problem
from app.foundation.secret import Secret
from app.members.rights import Rights
from app.vault.vault import RevealPurpose, Vault


@dataclass(frozen=True, slots=True)
class BrowserStart:
    """Where to send the browser, or why not; ``authorization`` is the one that this has ended."""

    url: str | None
    problem: Problem | None
    authorization: AuthorizationSnapshot | None = None


@dataclass(frozen=True, slots=True)
class BrowserReturn:
    """The result of a browser's return: the authorization as it is now, or why it was turned away."""

    authorization: AuthorizationSnapshot | None
    problem: Problem | None
    integration: str | None


@dataclass(eq=False, repr=False)
class BrowserFlow:
    """Binds authorizations to browsers. Nobody is signed in here: the state and the browser's cookie are the proof.

    What a browser does it does for the actor that began the authorization, with the rights of that moment.
    """

    _database: Database
    _vault: Vault
    _attempts: Attempts
    _completion: Completion
    _catalog: Catalog
    _destinations: Destinations
    _rights: Rights

    async def start(self, authorization_id: str, browser: Secret) -> BrowserStart:
        """Bind the open authorization to this browser and answer the provider's address.

        The same link opened again, also in another browser, binds anew: the last browser to start must finish.
        """
        row = await _open_row(authorization_id)
        if row is None or not isinstance(self._attempts.snapshot(row).step, RedirectStep):
            return BrowserStart(None, problem(ProblemCode.AUTHORIZATION_REPLAYED))
        actor = await self._beginner(row)
        fault = self._expired(row) or _denied(actor)
        if fault is not None:
            refused = await self._completion.refuse(actor, row, fault)
            return BrowserStart(None, refused.problem, refused)
        async with self._database.transaction():
            locked = await lock_attempt(row.id)
            if locked.state != State.AWAITING_USER.value:
                return BrowserStart(None, problem(ProblemCode.AUTHORIZATION_REPLAYED))
            locked.browser_hash = secret_hash(browser)
            await locked.save(update_fields=["browser_hash"])
        revealed = await self._vault.reveal(actor, attempt_ref(row), purpose=RevealPurpose.AUTHORIZATION)
        return BrowserStart(await self._browser_url(row, revealed.value["authorizeUrl"]), None)

    async def _browser_url(self, row: AuthorizationRecord, address: Secret) -> str:
        connection = await ConnectionRecord.get(id=row.connection_id)
        definition = self._catalog.definition(connection.integration, connection.version)
        if definition is None:
            return address.reveal()
        return self._destinations.browser_url(definition, Mode(connection.mode), address.reveal())

    async def returned(
        self, application_id: str, params: Sequence[tuple[str, str]], browser: Secret | None
    ) -> BrowserReturn:
        """Handle a browser that returned to ``/oauth/return/{application}``.

        The state is consumed before any token call, whatever comes of it: an address works once.
        """
        # What no database holds is shown as far as it can be; a state or a code with it is none of ours.
        params = [(storable_text(name), storable_text(value)) for name, value in params]
        row = await self._by_state(application_id, params)
        if row is None:
            return BrowserReturn(None, problem(ProblemCode.AUTHORIZATION_REPLAYED), None)
        actor = await self._beginner(row)
        name = await self._integration_name(row)
        fault = self._expired(row) or _mismatch(row, browser) or _denied(actor)
        if fault is not None:
            return BrowserReturn(await self._completion.refuse(actor, row, fault), fault, name)
        try:
            snapshot = await self._completion.answer(actor, row.id, Callback(tuple(params)))
        except NotAllowedNowError as refusal:
            return BrowserReturn(None, refusal.problem, name)
        return BrowserReturn(snapshot, snapshot.problem, name)

    async def _beginner(self, row: AuthorizationRecord) -> Actor:
        return await self._rights.current(beginner_of(row, Channel.HTTP))

    def _expired(self, row: AuthorizationRecord) -> Problem | None:
        is_over = row.expires_at <= self._database.clock.now()
        return problem(ProblemCode.AUTHORIZATION_EXPIRED) if is_over else None

    @staticmethod
    async def _by_state(application_id: str, params: Sequence[tuple[str, str]]) -> AuthorizationRecord | None:
        states = [value for name, value in params if name == "state"]
        if len(states) != 1 or not states[0] or not findable([application_id], MAX_ID_LENGTH):
            return None
        state_hash = secret_hash(Secret(states[0]))
        return await AuthorizationRecord.filter(state_hash=state_hash, application_id=application_id).first()

    async def _integration_name(self, row: AuthorizationRecord) -> str | None:
        connection = await ConnectionRecord.filter(id=row.connection_id).first()
        definition = (
            self._catalog.definition(connection.integration, connection.version) if connection else None
        )
        return definition.name if definition else None

    async def expire_due(self, limit: int = 100) -> int:
        """End the authorizations whose time is over; return how many."""
        now = self._database.clock.now()
        rows = await AuthorizationRecord.filter(finished_at=None, expires_at__lte=now).limit(limit)
        for row in rows:
            if State(row.state) not in FINAL_STATES:
                fault = problem(ProblemCode.AUTHORIZATION_EXPIRED)
                await self._completion.refuse(beginner_of(row, Channel.HTTP), row, fault)
        return len(rows)


async def _open_row(authorization_id: str) -> AuthorizationRecord | None:
    if prefix_of(authorization_id) != "auth":
        return None
    return await AuthorizationRecord.filter(id=authorization_id, finished_at=None).first()


def _mismatch(row: AuthorizationRecord, browser: Secret | None) -> Problem | None:
    return None if is_same_browser(row, browser) else problem(ProblemCode.BROWSER_MISMATCH)


def _denied(actor: Actor) -> Problem | None:
    try:
        require(actor, Permission.CONNECTIONS_AUTHORIZE)
    except PermissionDeniedError as refusal:
        return refusal.problem
    return None
