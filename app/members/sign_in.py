"""Signing in: a one-time link becomes a session, and sessions are recognised until they end."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from app.access.actor import Actor, ActorKind, Channel
from app.audit.log import AuditLog, AuditTarget
from app.event_stream.event import EventType, NewEvent
from app.event_stream.outbox import Outbox
from app.foundation.database import Database, Transaction
from app.foundation.errors import NotFoundError, StorageBusyError
from app.foundation.ids import new_id, prefix_of
from app.foundation.secret import Secret
from app.foundation.wakeups import Wakeups
from app.members.bearer import bearer_hash, new_bearer
from app.members.identity_cache import IdentityCache
from app.members.members import member_rights, workspace_owner
from app.members.models import AccessTokenRecord, MemberRecord, SessionRecord, SignInLinkRecord
from app.members.snapshot import Identity, Session
from app.members.tokens import is_valid

LINK_LIFETIME: Final = timedelta(minutes=10)
SESSION_IDLE: Final = timedelta(hours=12)
SESSION_LIFETIME: Final = timedelta(days=7)
KEPT_FOR: Final = timedelta(days=30)
_TOUCH_EVERY: Final = timedelta(minutes=1)
_log = structlog.get_logger("patchbay.members")


class SignIn:
    """Makes and redeems sign-in links, and keeps sessions.

    A session ends 12 hours after it was last used, and in any case 7 days after it began.
    """

    def __init__(self, database: Database, audit: AuditLog, outbox: Outbox, wakeups: Wakeups) -> None:
        self._database = database
        self._audit = audit
        self._outbox = outbox
        self._known = IdentityCache(database.clock, wakeups)

    async def make_link(self, workspace_id: str) -> Secret:
        """Return a one-time code, valid for ten minutes, that signs in the workspace's owner.

        Raises:
            NotFoundError: there is no such workspace.
        """
        actor = Actor.system(workspace_id, "operator", new_id("req"))
        async with self._database.transaction() as tx:
            owner = await workspace_owner(workspace_id)
            if owner is None:
                raise NotFoundError
            code = new_bearer()
            link = await SignInLinkRecord.create(
                id=new_id("sil"),
                workspace_id=workspace_id,
                member_id=owner.id,
                code_hash=bearer_hash(code.reveal()),
                created_at=tx.now,
                expires_at=tx.now + LINK_LIFETIME,
            )
            subject = ("sign_in_link", link.id)
            self._audit.record(tx, actor, "sign_in_link.created", AuditTarget(*subject, owner.name))
            self._outbox.announce(tx, NewEvent.by(actor, EventType.SIGN_IN_LINK_CREATED, subject))
        return code

    async def redeem(
        self, code: str, *, request_id: str | None = None, ip_hash: str | None = None
    ) -> Session | None:
        """Use a code up and begin a session; None if it is not, or no longer, valid. Of two at once one wins.

        A second use of a code that was valid once is audited as denied.
        """
        given = bearer_hash(code)
        if given is None:
            return None
        request_id = request_id or new_id("req")
        async with self._database.transaction() as tx:
            unused = SignInLinkRecord.filter(code_hash=given, used_at=None, expires_at__gt=tx.now)
            is_mine = await unused.update(used_at=tx.now)
            link = await SignInLinkRecord.get_or_none(code_hash=given).select_related("member")
            if link is None:
                return None
            actor = _actor(link.member, request_id, ip_hash)
            if not is_mine or link.member.left_at is not None:
                target = AuditTarget("sign_in_link", link.id, link.member.name)
                self._audit.record(tx, actor, "session.started", target, outcome="DENIED")
                return None
            return await self._begin(tx, actor, link.member)

    async def authenticate(self, session_token: str) -> Identity | None:
        """Return whose session a token is, as of a second ago at most, and keep it alive; None if it is over."""
        given = bearer_hash(session_token)
        return None if given is None else await self._known.get(given, partial(self._look_up, given))

    async def _look_up(self, given: str) -> Identity | None:
        with self._database.bind():
            row = await SessionRecord.get_or_none(token_hash=given).select_related("member")
            if row is None or not _is_live(row, self._database.clock.now()):
                return None
            await self._touch(row)
        return _identity(row, row.member)

    async def sign_out(
        self, session_token: str, *, request_id: str | None = None, ip_hash: str | None = None
    ) -> None:
        """End a session; one that is over already, or never was, is no fault."""
        given = bearer_hash(session_token)
        if given is None:
            return
        async with self._database.transaction() as tx:
            live = SessionRecord.filter(token_hash=given, ended_at=None, expires_at__gt=tx.now)
            if not await live.update(ended_at=tx.now):
                return
            row = await SessionRecord.get(token_hash=given).select_related("member")
            actor = _actor(row.member, request_id or new_id("req"), ip_hash, row.id)
            self._announce(tx, actor, row.id, "session.ended", EventType.SESSION_ENDED)

    async def still_valid(self, session_or_token_id: str) -> bool:
        """Return whether a session or an access token, by its id, may still be used; it keeps nothing alive."""
        now = self._database.clock.now()
        kind = prefix_of(session_or_token_id)
        with self._database.bind():
            if kind == "tok":
                token = await AccessTokenRecord.get_or_none(id=session_or_token_id).select_related("member")
                return token is not None and is_valid(token, now)
            if kind == "ses":
                session = await SessionRecord.get_or_none(id=session_or_token_id).select_related("member")
                return session is not None and _is_live(session, now)
        return False

    async def prune(self) -> int:
        """Forget links and sessions that have been over for 30 days; return how many."""
        before = self._database.clock.now() - KEPT_FOR
        with self._database.bind():
            links = await SignInLinkRecord.filter(expires_at__lt=before).delete()
            return links + await SessionRecord.filter(expires_at__lt=before).delete()

    async def _begin(self, tx: Transaction, actor: Actor, member: MemberRecord) -> Session:
        token = new_bearer()
        row = await SessionRecord.create(
            id=new_id("ses"),
            workspace_id=member.workspace_id,
            member_id=member.id,
            token_hash=bearer_hash(token.reveal()),
            created_at=tx.now,
            last_seen_at=tx.now,
            expires_at=tx.now + SESSION_IDLE,
        )
        self._announce(tx, actor, row.id, "session.started", EventType.SESSION_STARTED)
        return Session(row.id, token, _identity(row, member), row.expires_at)

    def _announce(
        self, tx: Transaction, actor: Actor, session_id: str, action: str, type_: EventType
    ) -> None:
        self._audit.record(tx, actor, action, AuditTarget("session", session_id, actor.label))
        self._outbox.announce(tx, NewEvent.by(actor, type_, ("session", session_id)))

    async def _touch(self, row: SessionRecord) -> None:
        """Keep a session that is used alive; written at most once a minute, and no reason to end one."""
        now = self._database.clock.now()
        if now - row.last_seen_at < _TOUCH_EVERY:
            return
        expires_at = min(now + SESSION_IDLE, row.created_at + SESSION_LIFETIME)
        try:
            await SessionRecord.filter(id=row.id, ended_at=None).update(
                last_seen_at=now, expires_at=expires_at
            )
        except StorageBusyError as fault:
            _log.warning("use of a session not noted", fault=type(fault).__name__)


def _is_live(row: SessionRecord, now: datetime) -> bool:
    return row.ended_at is None and row.expires_at > now and row.member.left_at is None


def _identity(row: SessionRecord, member: MemberRecord) -> Identity:
    rights = member_rights(member)
    return Identity(row.id, row.workspace_id, row.member_id, member.name, *rights, row.expires_at)


def _actor(
    member: MemberRecord, request_id: str, ip_hash: str | None, session_id: str | None = None
) -> Actor:
    who = (member.workspace_id, ActorKind.MEMBER, member.id, member.name)
    return Actor(*who, *member_rights(member), Channel.HTTP, request_id, ip_hash, session_id)
