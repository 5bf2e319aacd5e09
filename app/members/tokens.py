"""Access tokens: how scripts, agents and other programs act for a member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog

from app.access.actor import Actor, ActorKind
from app.access.idempotency import Idempotency, SystemKeySource
from app.access.policy import Permission, Role, require
from app.audit.log import AuditLog, AuditTarget
from app.event_stream.event import EventType, NewEvent
from app.event_stream.outbox import Outbox
from app.foundation.canonical import findable
from app.foundation.database import Database, Transaction
from app.foundation.errors import InvalidInputError, NotFoundError, PermissionDeniedError, StorageBusyError
from app.foundation.ids import MAX_ID_LENGTH, new_id, new_token, prefix_of
from app.foundation.names import checked_name
from app.foundation.problems import Problem, ProblemCode, problem
from app.foundation.wakeups import Wakeups
from app.members.bearer import TOKEN_PREFIX, bearer_hash, bearer_of
from app.members.identity_cache import IdentityCache
from app.members.members import member_rights, workspace_owner
from app.members.models import AccessTokenRecord, MemberRecord
from app.members.snapshot import CreatedToken, Identity, TokenSnapshot

MAX_NAME_CHARS: Final = 80
MIN_LIFETIME: Final = timedelta(minutes=1)
MAX_LIFETIME: Final = timedelta(days=3_653)
_TOUCH_EVERY: Final = timedelta(minutes=1)
_HINT_CHARS: Final = 4
_log = structlog.get_logger("patchbay.members")


class Tokens:
    """Creates, lists, revokes and recognises access tokens. A token never may more than its member."""

    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        outbox: Outbox,
        wakeups: Wakeups,
        idempotency: Idempotency,
        key_of: SystemKeySource,
    ) -> None:
        self._database = database
        self._audit = audit
        self._outbox = outbox
        self._idempotency = idempotency
        self._key_of = key_of
        self._known = IdentityCache(database.clock, wakeups)

    async def create(
        self,
        actor: Actor,
        *,
        name: str,
        scopes: Sequence[Permission],
        expires_in: timedelta | None,
        idempotency_key: str | None = None,
    ) -> CreatedToken:
        """Create a token for the actor itself, or for the workspace's owner where the hub itself acts.

        ``scopes`` are within what the actor holds; ``expires_in`` is a minute to ten years, None is for ever. The same
        ``idempotency_key`` answers with the same token and its secret for a day, as a retry needs it.

        Raises:
            PermissionDeniedError: the actor may not create tokens; audited.
            InvalidInputError: at ``name``, ``scopes`` or ``expiresIn``; a key that was used with other input.
        """
        await self._let_pass(actor, "token.created", AuditTarget("token", "", name))
        key = await self._key_of()
        given = {
            "name": name,
            "scopes": sorted({scope.value for scope in scopes}),
            "expiresIn": None if expires_in is None else expires_in.total_seconds(),
        }
        rows: list[AccessTokenRecord] = []

        async def act(tx: Transaction) -> Mapping[str, Any]:
            nonce = new_token()
            text = bearer_of(nonce, key, TOKEN_PREFIX).reveal()
            rows.append(await self._made(tx, actor, name, scopes, expires_in, text))
            return {"tokenId": rows[0].id, "nonce": nonce}

        made = await self._idempotency.run(actor, "createToken", idempotency_key, given, act)
        if not rows:
            with self._database.bind():
                rows = await AccessTokenRecord.filter(id=made["tokenId"])
        return CreatedToken(rows[0].id, bearer_of(made["nonce"], key, TOKEN_PREFIX), _snapshot(rows[0]))

    async def _made(
        self,
        tx: Transaction,
        actor: Actor,
        name: str,
        scopes: Sequence[Permission],
        expires_in: timedelta | None,
        text: str,
    ) -> AccessTokenRecord:
        member = await _holder(actor)
        _, permitted = member_rights(member)
        trimmed, name_problems = checked_name(name, MAX_NAME_CHARS)
        problems = [
            *name_problems,
            *_scope_problems(scopes, permitted & actor.permissions),
            *_expiry_problems(expires_in),
        ]
        if problems:
            raise InvalidInputError(problems)
        row = await AccessTokenRecord.create(
            id=new_id("tok"),
            workspace_id=member.workspace_id,
            member_id=member.id,
            name=trimmed,
            token_hash=bearer_hash(text, TOKEN_PREFIX),
            hint=text[-_HINT_CHARS:],
            scopes=sorted({scope.value for scope in scopes}),
            created_at=tx.now,
            expires_at=None if expires_in is None else tx.now + expires_in,
        )
        self._announce(tx, actor, row, "token.created", EventType.TOKEN_CREATED)
        return row

    async def authenticate(self, token: str) -> Identity | None:
        """Return who a token stands for, as of a second ago at most; None if it is not, or no longer, valid."""
        given = bearer_hash(token, TOKEN_PREFIX)
        return None if given is None else await self._known.get(given, partial(self._look_up, given))

    async def _look_up(self, given: str) -> Identity | None:
        with self._database.bind():
            row = await AccessTokenRecord.get_or_none(token_hash=given).select_related("member")
            if row is None or not is_valid(row, self._database.clock.now()):
                return None
            await self._touch(row)
        return Identity(
            row.id, row.workspace_id, row.member_id, row.name, *current_rights(row), row.expires_at
        )

    async def all(self, actor: Actor) -> list[TokenSnapshot]:
        """Return the workspace's tokens that are not revoked, newest first.

        Raises:
            PermissionDeniedError: the actor may not manage tokens.
        """
        require(actor, Permission.TOKENS_WRITE)
        with self._database.bind():
            rows = AccessTokenRecord.filter(workspace_id=actor.workspace_id, revoked_at=None)
            return [_snapshot(row) for row in await rows.order_by("-created_at", "-id")]

    async def many(self, actor: Actor, ids: Sequence[str]) -> dict[str, TokenSnapshot]:
        """Return the workspace's tokens with these ids, revoked ones too; those that are not there are left out.

        Raises:
            PermissionDeniedError: the actor may not manage tokens.
        """
        require(actor, Permission.TOKENS_WRITE)
        wanted = findable(ids, MAX_ID_LENGTH)
        with self._database.bind():
            rows = await AccessTokenRecord.filter(workspace_id=actor.workspace_id, id__in=wanted)
        return {row.id: _snapshot(row) for row in rows}

    async def revoke(self, actor: Actor, token_id: str) -> TokenSnapshot:
        """Revoke a token at once and for ever; revoking it again changes nothing.

        Raises:
            PermissionDeniedError: the actor may not revoke tokens; audited.
            NotFoundError: there is none with this id in the actor's workspace.
        """
        await self._let_pass(actor, "token.revoked", AuditTarget("token", token_id, ""))
        if prefix_of(token_id) != "tok":
            raise NotFoundError
        async with self._database.transaction() as tx:
            rows = AccessTokenRecord.filter(id=token_id, workspace_id=actor.workspace_id)
            is_mine = await rows.filter(revoked_at=None).update(revoked_at=tx.now)
            row = await rows.first()
            if row is None:
                raise NotFoundError
            if is_mine:
                self._announce(tx, actor, row, "token.revoked", EventType.TOKEN_REVOKED)
        return _snapshot(row)

    async def _let_pass(self, actor: Actor, action: str, target: AuditTarget) -> None:
        try:
            require(actor, Permission.TOKENS_WRITE)
        except PermissionDeniedError:
            detail = {"permission": Permission.TOKENS_WRITE.value}
            await self._audit.record_alone(actor, action, target, outcome="DENIED", detail=detail)
            raise

    def _announce(
        self, tx: Transaction, actor: Actor, row: AccessTokenRecord, action: str, type_: EventType
    ) -> None:
        expires_at = row.expires_at.isoformat() if row.expires_at else None
        detail = {"member": row.member_id, "scopes": list(row.scopes), "expiresAt": expires_at}
        self._audit.record(tx, actor, action, AuditTarget("token", row.id, row.name), detail=detail)
        self._outbox.announce(tx, NewEvent.by(actor, type_, ("token", row.id), data={"name": row.name}))

    async def _touch(self, row: AccessTokenRecord) -> None:
        """Note that the token was used, at most once a minute; it is no reason to refuse one."""
        now = self._database.clock.now()
        if row.last_used_at is not None and now - row.last_used_at < _TOUCH_EVERY:
            return
        try:
            await AccessTokenRecord.filter(id=row.id).update(last_used_at=now)
        except StorageBusyError as fault:
            _log.warning("use of a token not noted", fault=type(fault).__name__)


def current_rights(row: AccessTokenRecord) -> tuple[Role, frozenset[Permission]]:
    """Return the role of a token's member, and what of it the token's scopes permit; ``member`` is loaded."""
    role, permissions = member_rights(row.member)
    return role, permissions & frozenset(Permission(scope) for scope in row.scopes)


def is_valid(row: AccessTokenRecord, now: datetime) -> bool:
    """Return whether a token, read together with its member, is valid at ``now``."""
    is_over = row.expires_at is not None and row.expires_at <= now
    return row.revoked_at is None and not is_over and row.member.left_at is None


async def _holder(actor: Actor) -> MemberRecord:
    """Return the member whom the actor's new token will stand for."""
    present = MemberRecord.filter(workspace_id=actor.workspace_id, left_at=None)
    if actor.kind is ActorKind.MEMBER:
        member = await present.filter(id=actor.id).first()
    elif actor.kind is ActorKind.TOKEN:
        own = await AccessTokenRecord.get_or_none(id=actor.id, workspace_id=actor.workspace_id)
        member = await present.filter(id=own.member_id).first() if own else None
    else:
        member = await workspace_owner(actor.workspace_id)
    if member is None:
        raise NotFoundError
    return member


def _scope_problems(scopes: Sequence[Permission], allowed: frozenset[Permission]) -> list[Problem]:
    if not scopes:
        return [problem(ProblemCode.MISSING_FIELD, "scopes", label="At least one scope")]
    return [
        problem(ProblemCode.PERMISSION_DENIED, "scopes", str(n), permission=scope.value)
        for n, scope in enumerate(scopes)
        if scope not in allowed
    ]


def _expiry_problems(expires_in: timedelta | None) -> list[Problem]:
    if expires_in is None or MIN_LIFETIME <= expires_in <= MAX_LIFETIME:
        return []
    reason = "it must be between a minute and ten years"
    return [problem(ProblemCode.INVALID_FIELD, "expiresIn", label="The lifetime", reason=reason)]


def _snapshot(row: AccessTokenRecord) -> TokenSnapshot:
    return TokenSnapshot(
        id=row.id,
        workspace_id=row.workspace_id,
        member_id=row.member_id,
        name=row.name,
        scopes=tuple(Permission(scope) for scope in row.scopes),
        hint=row.hint,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
