from __future__ import annotations

import asyncio

import pytest

from app.access.policy import ALL_PERMISSIONS, ROLE_PERMISSIONS, Role
from app.audit.models import AuditEntryRecord
from app.foundation.clock import FrozenClock
from app.foundation.database import Database
from app.foundation.errors import NotFoundError, StorageBusyError
from app.members.models import MemberRecord, SessionRecord, SignInLinkRecord
from tests.members.conftest import rooms

HOUR_S = 3_600


@pytest.fixture
def begin(sign_in, workspace):
    """Return what begins a session and gives it."""

    async def begin():
        return await sign_in.redeem((await sign_in.make_link(workspace.id)).reveal())

    return begin


async def test_a_link_signs_the_owner_in_once(sign_in, workspace, clock):
    code = (await sign_in.make_link(workspace.id)).reveal()
    session = await sign_in.redeem(code)
    identity = session.identity
    assert (identity.id, identity.workspace_id, identity.member_id) == (
        session.id,
        workspace.id,
        workspace.owner.id,
    )
    assert (identity.label, identity.role, identity.permissions) == ("Owner", Role.OWNER, ALL_PERMISSIONS)
    assert (session.expires_at - clock.now()).total_seconds() == 12 * HOUR_S
    assert await sign_in.authenticate(session.token.reveal()) == identity
    assert await sign_in.redeem(code) is None
    assert await SessionRecord.all().count() == 1


async def test_signing_in_and_out_is_audited_and_announced(sign_in, begin, told):
    session = await begin()
    await sign_in.sign_out(session.token.reveal())
    link = await SignInLinkRecord.get()
    entries, events = await told()
    assert entries == [
        ("sign_in_link.created", "OK", link.id),
        ("session.started", "OK", session.id),
        ("session.ended", "OK", session.id),
    ]
    assert events == [
        ("SIGN_IN_LINK_CREATED", link.id),
        ("SESSION_STARTED", session.id),
        ("SESSION_ENDED", session.id),
    ]


async def test_the_entry_says_from_which_request_somebody_signed_in(sign_in, workspace):
    code = (await sign_in.make_link(workspace.id)).reveal()
    await sign_in.redeem(code, request_id="req_7", ip_hash="abc")
    entry = await AuditEntryRecord.get(action="session.started")
    assert (entry.request_id, entry.ip_hash, entry.actor_id, entry.via) == (
        "req_7",
        "abc",
        workspace.owner.id,
        "HTTP",
    )


async def test_a_used_or_expired_link_is_refused_and_audited_as_denied(sign_in, workspace, clock, told):
    used, late = [(await sign_in.make_link(workspace.id)).reveal() for _ in range(2)]
    await sign_in.redeem(used)
    assert await sign_in.redeem(used) is None
    clock.advance(600)
    assert await sign_in.redeem(late) is None
    entries, events = await told()
    assert [(action, outcome) for action, outcome, _ in entries[3:]] == [("session.started", "DENIED")] * 2
    assert len(events) == 3


async def test_a_link_lives_ten_minutes(sign_in, workspace, clock):
    code = (await sign_in.make_link(workspace.id)).reveal()
    clock.advance(599)
    assert await sign_in.redeem(code) is not None


@pytest.mark.parametrize("code", ["", "x", "x" * 43, "ä" * 43, "x" * 44, "\x00" * 43, "x" * 42 + "\n"])
async def test_what_is_no_code_signs_nobody_in_and_is_not_written_down(sign_in, workspace, told, code):
    await sign_in.make_link(workspace.id)
    assert await sign_in.redeem(code) is None
    assert await sign_in.authenticate(code) is None
    await sign_in.sign_out(code)
    entries, _ = await told()
    assert len(entries) == 1


async def test_of_many_who_redeem_a_link_at_once_one_is_signed_in(database_url, database, sign_in, workspace):
    code = (await sign_in.make_link(workspace.id)).reveal()
    hubs = [Database(database_url, FrozenClock()) for _ in range(4)]
    for hub in hubs:
        await hub.open()
    try:
        sessions = await asyncio.gather(*(rooms(hubs[n % 4])[2].redeem(code) for n in range(20)))
    finally:
        for hub in hubs:
            await hub.close()
    assert sum(session is not None for session in sessions) == 1
    with database.bind():
        assert await SessionRecord.all().count() == 1


async def test_a_link_for_a_workspace_that_is_none_is_refused(sign_in, workspace):
    with pytest.raises(NotFoundError):
        await sign_in.make_link("wks_missing")
    assert await SignInLinkRecord.all().count() == 0


async def test_a_link_of_a_member_who_left_signs_nobody_in(sign_in, workspace, clock):
    code = (await sign_in.make_link(workspace.id)).reveal()
    await MemberRecord.filter(id=workspace.owner.id).update(left_at=clock.now())
    assert await sign_in.redeem(code) is None
    assert await SessionRecord.all().count() == 0


async def test_a_session_ends_12_hours_after_its_last_use(sign_in, begin, clock):
    session = await begin()
    text = session.token.reveal()
    for _ in range(3):
        clock.advance(12 * HOUR_S - 1)
        assert await sign_in.authenticate(text) is not None
    clock.advance(12 * HOUR_S)
    assert not await sign_in.still_valid(session.id)
    assert await sign_in.authenticate(text) is None


async def test_a_session_ends_7_days_after_it_began_however_it_is_used(sign_in, begin, clock):
    session = await begin()
    for _ in range(7 * 24 - 1):
        clock.advance(HOUR_S)
        assert await sign_in.authenticate(session.token.reveal()) is not None
    clock.advance(HOUR_S)
    assert await sign_in.authenticate(session.token.reveal()) is None


async def test_asking_whether_a_session_is_valid_does_not_keep_it_alive(sign_in, begin, clock):
    session = await begin()
    clock.advance(12 * HOUR_S - 1)
    assert await sign_in.still_valid(session.id)
    clock.advance(1)
    assert not await sign_in.still_valid(session.id)


async def test_a_use_is_written_at_most_once_a_minute(sign_in, begin, clock):
    session = await begin()
    begun = clock.now()

    async def last_seen():
        await sign_in.authenticate(session.token.reveal())
        return (await SessionRecord.get()).last_seen_at

    clock.advance(59)
    assert await last_seen() == begun
    clock.advance(1)
    assert await last_seen() == clock.now()


async def test_a_use_that_cannot_be_written_is_no_reason_to_refuse(sign_in, begin, clock, monkeypatch):
    session = await begin()
    clock.advance(60)

    def locked(**_):
        raise StorageBusyError

    monkeypatch.setattr(SessionRecord, "filter", locked)
    assert await sign_in.authenticate(session.token.reveal()) is not None


async def test_a_session_that_was_signed_out_is_over_and_ends_once(sign_in, begin, told):
    session = await begin()
    await asyncio.gather(*(sign_in.sign_out(session.token.reveal()) for _ in range(5)))
    assert await sign_in.authenticate(session.token.reveal()) is None
    assert not await sign_in.still_valid(session.id)
    entries, _ = await told()
    assert [action for action, _, _ in entries].count("session.ended") == 1


async def test_sessions_are_independent(sign_in, begin):
    first, second = await begin(), await begin()
    await sign_in.sign_out(first.token.reveal())
    assert await sign_in.still_valid(second.id)


async def test_a_session_of_a_member_who_left_is_over(sign_in, begin, workspace, clock):
    session = await begin()
    await MemberRecord.filter(id=workspace.owner.id).update(left_at=clock.now())
    assert await sign_in.authenticate(session.token.reveal()) is None
    assert not await sign_in.still_valid(session.id)


async def test_a_session_may_what_its_member_now_may(sign_in, begin, workspace):
    session = await begin()
    await MemberRecord.filter(id=workspace.owner.id).update(role="VIEWER")
    identity = await sign_in.authenticate(session.token.reveal())
    assert identity.permissions == ROLE_PERMISSIONS[Role.VIEWER]


@pytest.mark.parametrize(
    "id_", ["", "tok_x", "ses_x", "mem_1", "x" * 1_000, "ses_01j00000000000000000000000", "\x00"]
)
async def test_what_is_no_session_is_not_valid(sign_in, workspace, id_):
    assert not await sign_in.still_valid(id_)


async def test_links_and_sessions_long_over_are_forgotten(sign_in, begin, clock):
    await begin()
    clock.advance(29 * 24 * HOUR_S)
    assert await sign_in.prune() == 0
    clock.advance(2 * 24 * HOUR_S)
    live = await begin()
    assert await sign_in.prune() == 2
    assert await sign_in.still_valid(live.id)
