"""Accepts a grant: proves that it works before it replaces another, reports what is unusual about it, and seals it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from app.access.actor import Actor
from app.audit.entry import Detail
from app.authenticators.account import account_at
from app.authenticators.base import AccountFound, Facts, Flow, Grant
from app.authenticators.credentials import secret_hints
from app.authenticators.judge import body_of, read_answer
from app.authenticators.method_request import method_request
from app.authenticators.registry import authenticator_for
from app.authenticators.retries import later, with_retries
from app.catalog.definition import AuthKind, AuthMethod, Definition
from app.connections.attempts import Attempts
from app.connections.lifecycle import StateTrigger
from app.connections.models import AuthorizationRecord, ConnectionRecord
from app.connections.rows import credential_owner
from app.connections.snapshot import AuthorizationStateName as State
from app.connections.transitions import Transitions
from app.credentials.applications import Applications
from app.credentials.flows import FlowRunner
from app.credentials.lasting import lasting_problem
from app.credentials.rows import same_fingerprint
from app.credentials.schedule import RenewalSchedule
from app.credentials.sealing import seal_grant
from app.credentials.snapshot import FROM_TEST, CredentialSnapshot
from app.event_stream.event import EventType
from app.foundation.database import Transaction
from app.foundation.messages import Destination
from app.foundation.problems import Problem, ProblemCode, problem
from app.foundation.secret import Secret
from app.vault.vault import Vault

_MAX_NAMES: Final = 5


@dataclass(frozen=True, slots=True)
class AcceptedGrant:
    """A grant that may be sealed, with the keyed fingerprint of what a person entered (None for tokens)."""

    grant: Grant
    method: AuthMethod
    definition: Definition
    fingerprint: str | None
    tested: AccountFound | None = None


@dataclass(eq=False, repr=False)
class Acceptance:
    """Decides what becomes of a fresh grant."""

    _vault: Vault
    _transitions: Transitions
    _attempts: Attempts
    _applications: Applications
    _runner: FlowRunner
    _renewals: RenewalSchedule

    async def prove(
        self, facts: Facts, grant: Grant, destination: Destination, *, is_spent: bool
    ) -> AccountFound:
        """Make the default test's call with the new grant, so that working credentials are not replaced by bad ones.

        Return the account that its answer names.

        ``is_spent``: what the grant was given for works only once, so that an outage is waited for.

        Raises:
            OutsideError: the call was refused or could not be made; what is stored stays as it is.
        """
        call = partial(_test_call, facts, grant)
        return await self._runner.run(with_retries(call) if is_spent else call(), destination)

    async def accept(
        self, workspace_id: str, facts: Facts, grant: Grant, tested: AccountFound | None
    ) -> AcceptedGrant:
        """Fingerprint what was entered, outside any transaction."""
        method, definition = facts.method, facts.definition
        is_entered = method.kind not in {AuthKind.OAUTH2, AuthKind.OAUTH1}
        names = sorted(secret_hints(method, grant)) if is_entered else []
        entered = Secret("\x00".join(grant.values[name].reveal() for name in names if name in grant.values))
        if not entered:
            return AcceptedGrant(grant, method, definition, None, tested)
        mark = await self._vault.fingerprint(workspace_id, f"{definition.integration}/{method.id}", entered)
        return AcceptedGrant(grant, method, definition, mark, tested)

    async def seal(
        self,
        tx: Transaction,
        actor: Actor,
        row: AuthorizationRecord,
        connection: ConnectionRecord,
        credential: CredentialSnapshot | None,
        accepted: AcceptedGrant,
    ) -> None:
        """Seal an accepted grant as the locked connection's next generation and end its authorization well."""
        sealed = await seal_grant(
            tx,
            self._vault,
            credential_owner(connection),
            credential,
            accepted.method,
            accepted.grant,
            application_id=row.application_id,
            scopes=tuple(row.scopes),
            fingerprint=accepted.fingerprint,
            tested=accepted.tested,
        )
        await self._renewals.sealed(tx, [sealed])
        other = _other_account(connection, credential, sealed, accepted.tested)
        lasting = other or lasting_problem(accepted.definition, sealed, tx.now)
        # That a key is in use elsewhere is worth saying once; it is no fault of this connection.
        said = lasting or await _already_connected(sealed)
        await self._attempts.advance(tx, actor, row, State.AUTHENTICATED, fault=said)
        await self._transitions.apply(tx, actor, connection, sealed, StateTrigger.CREDENTIALS_SEALED, lasting)
        data: Detail = {"authMethod": accepted.method.id, "generation": sealed.generation}
        self._transitions.announce(tx, actor, connection, EventType.CREDENTIALS_SEALED, data)
        self._transitions.audit(tx, actor, connection, "credentials.sealed", data)
        if row.application_id:
            await self._applications.mark(tx, actor, row.application_id, None)


def _test_call(facts: Facts, grant: Grant, wait_s: float = 0.0) -> Flow[AccountFound]:
    test = facts.definition.test
    request = method_request(facts.knowing(grant.account.kept), test.method, test.params)
    request = authenticator_for(facts.method).apply(facts, grant, request)
    response = yield later(request, wait_s)
    _, fault = read_answer(facts.definition, response, facts.now, request.redactor())
    if fault is not None:
        raise fault
    return account_at(test.account, body_of(response))


def _other_account(
    connection: ConnectionRecord,
    before: CredentialSnapshot | None,
    sealed: CredentialSnapshot,
    tested: AccountFound | None,
) -> Problem | None:
    """Return the problem of another account than before, by answers of the same kind: ids of two kinds say nothing."""
    if before is None or before.account_id is None:
        return None
    found = AccountFound(sealed.account_id, sealed.account_label)
    if before.account_from == FROM_TEST:
        is_same_test = connection.tested_config_revision == connection.config_revision
        found = tested if tested is not None and is_same_test else AccountFound()
    elif sealed.account_from == FROM_TEST:
        return None
    if found.id is None or found.id == before.account_id:
        return None
    return problem(ProblemCode.DIFFERENT_ACCOUNT, account=found.label or found.id)


async def _already_connected(sealed: CredentialSnapshot) -> Problem | None:
    ids = await same_fingerprint(sealed, _MAX_NAMES)
    if not ids:
        return None
    rows = await ConnectionRecord.filter(id__in=ids).order_by("name_key")
    names = ", ".join(row.name for row in rows)
    return problem(ProblemCode.ALREADY_CONNECTED, details={"connectionIds": ids}, names=names)
