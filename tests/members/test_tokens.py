from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from app.access.actor import Actor, ActorKind
from app.access.policy import ALL_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role
from app.foundation.errors import InvalidInputError, NotFoundError, PermissionDeniedError, StorageBusyError
from app.foundation.problems import ProblemCode
from app.members.models import AccessTokenRecord, MemberRecord, SessionRecord, SignInLinkRecord
from tests.members.conftest import ADMIN, EDITOR, VIEWER

READS = [Permission.CONNECTIONS_READ, Permission.EVENTS_READ]


def create(tokens, by, name="robot", scopes=READS, expires_in=None):
    return tokens.create(by, name=name, scopes=scopes, expires_in=expires_in)


async def test_a_token_is_shown_once_and_stands_for_its_member(tokens, owner, clock):
    created = await create(tokens, owner, "  CI robot ")
    text = created.token.reveal()
    assert text.startswith("pbt_")
    assert len(text) == 47
    identity = await tokens.authenticate(text)
    assert (identity.id, identity.workspace_id, identity.member_id) == (
        created.id,
        owner.workspace_id,
        owner.id,
    )
    assert (identity.label, identity.role, identity.permissions) == ("CI robot", Role.OWNER, frozenset(READS))
    snapshot = created.snapshot
    assert (snapshot.name, snapshot.hint, snapshot.created_at) == ("CI robot", text[-4:], clock.now())
    assert (snapshot.scopes, snapshot.expires_at, snapshot.revoked_at) == (tuple(READS), None, None)


async def test_what_is_stored_and_shown_later_holds_no_token(tokens, owner, told):
    text = (await create(tokens, owner)).token.reveal()
    stored = json.dumps([await AccessTokenRecord.all().values(), await told()], default=str)
    assert text not in stored
    assert text[4:20] not in stored
    assert text not in repr(await tokens.all(owner))


async def test_creating_and_revoking_are_audited_and_announced(tokens, owner, told):
    created = await create(tokens, owner)
    await tokens.revoke(owner, created.id)
    entries, events = await told()
    assert entries == [("token.created", "OK", created.id), ("token.revoked", "OK", created.id)]
    assert events == [("TOKEN_CREATED", created.id), ("TOKEN_REVOKED", created.id)]


@pytest.mark.parametrize(
    "text", ["", "pbt_", "x" * 47, "pbt_" + "x" * 42, "pbt_" + "x" * 44, "pbt_" + "ä" * 43, "\x00"]
)
async def test_what_is_no_token_stands_for_nobody(tokens, owner, text):
    await create(tokens, owner)
    assert await tokens.authenticate(text) is None


async def test_a_token_with_anything_around_it_stands_for_nobody(tokens, owner):
    text = (await create(tokens, owner)).token.reveal()
    for wrong in (f"{text}\n", f" {text}", text.lower(), text[:-1] + ("A" if text[-1] != "A" else "B")):
        assert await tokens.authenticate(wrong) is None


async def test_a_revoked_token_stands_for_nobody_and_stays_revoked(tokens, sign_in, owner, clock, told):
    created = await create(tokens, owner)
    assert await sign_in.still_valid(created.id)
    revoked = await tokens.revoke(owner, created.id)
    assert revoked.revoked_at == clock.now()
    assert await tokens.authenticate(created.token.reveal()) is None
    assert not await sign_in.still_valid(created.id)
    clock.advance(60)
    assert await tokens.revoke(owner, created.id) == revoked
    entries, _ = await told()
    assert [action for action, _, _ in entries] == ["token.created", "token.revoked"]


async def test_a_token_revoked_by_many_at_once_is_revoked_once(tokens, owner, told):
    created = await create(tokens, owner)
    snapshots = await asyncio.gather(*(tokens.revoke(owner, created.id) for _ in range(10)))
    assert len(set(snapshots)) == 1
    entries, events = await told()
    assert (len(entries), len(events)) == (2, 2)


async def test_an_expired_token_stands_for_nobody(tokens, sign_in, owner, clock):
    created = await create(tokens, owner, expires_in=timedelta(minutes=1))
    clock.advance(59)
    assert await tokens.authenticate(created.token.reveal()) is not None
    clock.advance(1)
    assert await tokens.authenticate(created.token.reveal()) is None
    assert not await sign_in.still_valid(created.id)


async def test_a_token_of_a_member_who_left_stands_for_nobody(tokens, sign_in, joined, clock):
    created = await create(tokens, await joined(ADMIN))
    await MemberRecord.filter(id="mem_admin").update(left_at=clock.now())
    assert await tokens.authenticate(created.token.reveal()) is None
    assert not await sign_in.still_valid(created.id)


async def test_a_token_never_may_more_than_its_member_now_may(tokens, joined):
    created = await create(tokens, await joined(ADMIN), scopes=sorted(ROLE_PERMISSIONS[ADMIN]))
    await MemberRecord.filter(id="mem_admin").update(role="VIEWER")
    identity = await tokens.authenticate(created.token.reveal())
    assert (identity.role, identity.permissions) == (VIEWER, ROLE_PERMISSIONS[VIEWER])


async def test_scopes_beyond_the_role_are_refused_one_by_one(tokens, joined, told):
    by = await joined(ADMIN)
    scopes = [Permission.MEMBERS_WRITE, Permission.CONNECTIONS_READ, Permission.MEMBERS_WRITE]
    with pytest.raises(InvalidInputError) as refusal:
        await create(tokens, by, scopes=scopes)
    assert [(p.code, p.path) for p in refusal.value.problems] == [
        (ProblemCode.PERMISSION_DENIED, ("scopes", "0")),
        (ProblemCode.PERMISSION_DENIED, ("scopes", "2")),
    ]
    assert await AccessTokenRecord.all().count() == 0
    assert await told() == ([], [])


async def test_a_token_cannot_make_one_that_may_more_than_itself(tokens, owner):
    scopes = [Permission.TOKENS_WRITE, Permission.CONNECTIONS_READ]
    created = await create(tokens, owner, scopes=scopes)
    robot = replace(owner, kind=ActorKind.TOKEN, id=created.id, permissions=frozenset(scopes))
    child = await create(tokens, robot, scopes=[Permission.CONNECTIONS_READ])
    assert child.snapshot.member_id == owner.id
    with pytest.raises(InvalidInputError) as refusal:
        await create(tokens, robot, scopes=[Permission.AUDIT_READ])
    assert refusal.value.problem.path == ("scopes", "0")


async def test_the_operator_makes_tokens_for_the_owner(tokens, workspace):
    operator = Actor.system(workspace.id, "operator", "req_1")
    created = await create(tokens, operator, scopes=sorted(ALL_PERMISSIONS))
    assert created.snapshot.member_id == workspace.owner.id
    assert (await tokens.authenticate(created.token.reveal())).permissions == ALL_PERMISSIONS


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", ProblemCode.MISSING_FIELD),
        (" \t ", ProblemCode.MISSING_FIELD),
        ("x" * 81, ProblemCode.FIELD_TOO_LONG),
        ("a\nb", ProblemCode.INVALID_FIELD),
        ("a\x00b", ProblemCode.INVALID_FIELD),
        ("a\u202eb", ProblemCode.INVALID_FIELD),
        ("\ud800", ProblemCode.INVALID_FIELD),
    ],
)
async def test_a_name_that_is_none_is_refused(tokens, owner, name, code):
    with pytest.raises(InvalidInputError) as refusal:
        await create(tokens, owner, name)
    assert [(p.code, p.path) for p in refusal.value.problems] == [(code, ("name",))]


@pytest.mark.parametrize("name", ["x" * 80, "Prüf-Roboter 🤖"])
async def test_a_name_of_up_to_80_characters_will_do(tokens, owner, name):
    assert (await create(tokens, owner, name)).snapshot.name == name


@pytest.mark.parametrize(
    "expires_in", [timedelta(0), timedelta(seconds=59), timedelta(-1), timedelta(days=3_654)]
)
async def test_a_lifetime_out_of_bounds_is_refused_with_all_other_faults(tokens, owner, expires_in):
    with pytest.raises(InvalidInputError) as refusal:
        await create(tokens, owner, "", [], expires_in)
    assert [p.path for p in refusal.value.problems] == [("name",), ("scopes",), ("expiresIn",)]


@pytest.mark.parametrize("role", [VIEWER, EDITOR])
async def test_who_may_not_manage_tokens_is_refused_audited_and_nothing_happens(
    tokens, owner, joined, told, role
):
    created = await create(tokens, owner)
    by = await joined(role)
    with pytest.raises(PermissionDeniedError):
        await create(tokens, by, scopes=[Permission.CONNECTIONS_READ])
    with pytest.raises(PermissionDeniedError):
        await tokens.revoke(by, created.id)
    with pytest.raises(PermissionDeniedError):
        await tokens.all(by)
    entries, events = await told()
    assert entries[1:] == [("token.created", "DENIED", ""), ("token.revoked", "DENIED", created.id)]
    assert len(events) == 1
    assert await tokens.authenticate(created.token.reveal()) is not None


async def test_a_foreign_token_and_a_missing_one_are_answered_alike(tokens, owner):
    """T1"""
    created = await create(tokens, owner)
    stranger = replace(owner, workspace_id="wks_other")
    with pytest.raises(NotFoundError) as foreign:
        await tokens.revoke(stranger, created.id)
    with pytest.raises(NotFoundError) as missing:
        await tokens.revoke(owner, "tok_missing")
    assert foreign.value.problem == missing.value.problem
    for id_ in ("", "\x00", "\ud800", "x" * 10_000, owner.id, f"{created.id}\n"):
        with pytest.raises(NotFoundError):
            await tokens.revoke(owner, id_)
    assert await tokens.all(stranger) == []
    assert await tokens.authenticate(created.token.reveal()) is not None


async def test_an_actor_who_is_no_member_any_more_makes_no_token(tokens, owner, clock):
    await MemberRecord.filter(id=owner.id).update(left_at=clock.now())
    with pytest.raises(NotFoundError):
        await create(tokens, owner)


async def test_tokens_are_listed_newest_first_without_the_revoked(tokens, owner, clock):
    names = ["a", "b", "c"]
    created = []
    for name in names:
        created.append(await create(tokens, owner, name))
        clock.advance(1)
    await tokens.revoke(owner, created[1].id)
    assert [token.name for token in await tokens.all(owner)] == ["c", "a"]


async def test_a_use_is_noted_at_most_once_a_minute(tokens, owner, clock):
    text = (await create(tokens, owner)).token.reveal()
    begun = clock.now()

    async def use():
        await tokens.authenticate(text)
        return (await tokens.all(owner))[0].last_used_at

    assert await use() == begun
    clock.advance(59)
    assert await use() == begun
    clock.advance(1)
    assert await use() == clock.now()


async def test_a_use_that_cannot_be_noted_is_no_reason_to_refuse(tokens, owner, monkeypatch):
    text = (await create(tokens, owner)).token.reveal()

    def locked(**_):
        raise StorageBusyError

    monkeypatch.setattr(AccessTokenRecord, "filter", locked)
    assert await tokens.authenticate(text) is not None


async def test_every_secret_is_stored_as_a_hash_alone(tokens, sign_in, owner):
    token = (await create(tokens, owner)).token.reveal()
    code = (await sign_in.make_link(owner.workspace_id)).reveal()
    session = (await sign_in.redeem(code)).token.reveal()
    for model in (AccessTokenRecord, SessionRecord, SignInLinkRecord):
        text = json.dumps(await model.all().values(), default=str)
        for secret in (token, code, session):
            assert secret not in text
            assert secret[4:] not in text
