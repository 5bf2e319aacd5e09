"""The verbs of connections under attack: races, odd texts, secrets in the configuration, what is left behind."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import httpx
import pytest
from tortoise.connection import get_connection

from app.access.models import IdempotencyRecord
from app.connections.lifecycle import ConnectionState
from app.connections.snapshot import AccessScope
from app.credentials.snapshot import Mode
from app.event_stream.event import EventType
from app.foundation.errors import ConflictError, InvalidInputError, NotAllowedNowError
from app.foundation.problems import ProblemCode
from app.vault.models import SealedRecord
from app.vault.vault import RevealPurpose
from tests.connections.conftest import GENERIC

S = ConnectionState
CANARY = "CANARY-config-55e1"
SHOP = {"shop": "north"}


async def created(world, name="Shop", config=None, **more):
    given = {"integration": "acme", "mode": Mode.SANDBOX, "config": config or {}, **more}
    return await world.hub.connections.create(world.actor, name=name, **given)


async def configured(world, connection, config, **more):
    return await world.hub.connections.update_config(world.actor, connection.id, config, **more)


async def opened_config(world, connection):
    """Return the configuration as an authenticator would get it, secrets opened."""
    owner = (await world.reload(connection)).owner
    opener = world.hub.credentials._opener
    method = opener.definition_of(owner).auth[0]
    return (await opener.facts(world.actor, owner, method, None, RevealPurpose.RENEWAL)).config


# -- names and descriptions


async def test_two_renames_to_one_name_at_once_are_one_rename(world):
    for round_ in range(5):
        ids = [(await created(world, f"{round_}-{n}")).connection.id for n in range(4)]
        results = await asyncio.gather(
            *(world.hub.connections.update(world.actor, id_, name=f"Target {round_}") for id_ in ids),
            return_exceptions=True,
        )
        refused = [result for result in results if isinstance(result, Exception)]
        assert {type(fault) for fault in refused} == {InvalidInputError}
        assert {fault.problem.code for fault in refused} == {ProblemCode.NAME_TAKEN}
        assert len(refused) == 3


async def test_a_rename_and_a_create_of_one_name_at_once_are_one(world):
    connection = (await created(world, "Old")).connection
    results = await asyncio.gather(
        world.hub.connections.update(world.actor, connection.id, name="Same"),
        created(world, "sAME"),
        return_exceptions=True,
    )
    assert sum(isinstance(result, InvalidInputError) for result in results) == 1


async def test_a_connection_keeps_its_own_name_in_another_case(world):
    connection = (await created(world, "finance")).connection
    edited = await world.hub.connections.update(world.actor, connection.id, name="Finance")
    assert edited.connection.name == "Finance"


async def test_a_name_belongs_to_its_owner(world):
    await created(world, "Mine")
    own = await created(world, "Mine", scope=AccessScope.USER)
    assert own.connection.scope is AccessScope.USER
    other = replace(world.actor, id="mem_other")
    theirs = await world.hub.connections.create(
        other, name="mine", integration="acme", mode=Mode.SANDBOX, scope=AccessScope.USER
    )
    assert theirs.connection.name == "mine"
    with pytest.raises(InvalidInputError):
        await created(world, "MINE", scope=AccessScope.USER)
    assert (await world.hub.connections.find(other, "mine")) is not None


@pytest.mark.parametrize("text", ["a\x00b", "half \ud800 pair", "\udfff"])
async def test_a_text_that_no_database_stores_is_told_at_its_field(world, text):
    with pytest.raises(InvalidInputError) as caught:
        await created(world, description=text)
    assert caught.value.problem.path == ("description",)
    connection = (await created(world)).connection
    with pytest.raises(InvalidInputError) as caught:
        await world.hub.connections.update(world.actor, connection.id, description=text)
    assert caught.value.problem.path == ("description",)
    with pytest.raises(InvalidInputError):
        await world.hub.connections.update(world.actor, connection.id, name=f"x{text}")
    edited = await created(world, "Other", {"shop": "north", "note": text})
    assert [problem.path for problem in edited.problems] == [("config", "note")]
    assert "note" not in edited.connection.config
    assert await world.hub.connections.find(world.actor, text) is None


@pytest.mark.parametrize(
    "text", ["Ünïcödé ✓ 日本語", "emoji 👍🏽", "family 👩‍👩‍👧", "quote ' \" `", "<b>&amp;", "percent %_\\"]
)
async def test_an_ordinary_text_comes_back_as_it_went_in(world, text):
    edited = await created(world, description=text, config={"shop": "north", "note": text})
    read = await world.reload(edited.connection)
    assert (read.description, read.config["note"]) == (text, text)


async def test_an_update_of_nothing_changes_only_the_revision(world):
    connection = (await created(world)).connection
    edited = (await world.hub.connections.update(world.actor, connection.id)).connection
    assert replace(edited, revision=connection.revision, updated_at=connection.updated_at) == connection


@pytest.mark.parametrize(
    "act",
    [
        lambda verbs, actor, id_, revision: verbs.update(
            actor, id_, description="x", expected_revision=revision
        ),
        lambda verbs, actor, id_, revision: verbs.update_config(actor, id_, SHOP, expected_revision=revision),
        lambda verbs, actor, id_, revision: verbs.activate(
            actor, id_, reason="x", expected_revision=revision
        ),
        lambda verbs, actor, id_, revision: verbs.pause(actor, id_, expected_revision=revision),
        lambda verbs, actor, id_, revision: verbs.disconnect(actor, id_, expected_revision=revision),
        lambda verbs, actor, id_, revision: verbs.delete(actor, id_, expected_revision=revision),
    ],
)
async def test_every_verb_refuses_a_stale_revision_and_changes_nothing(world, act):
    connection = await world.connected("acme", SHOP)
    events = len(await world.events())
    for wrong in (connection.revision - 1, connection.revision + 1, 0):
        with pytest.raises(ConflictError) as caught:
            await act(world.hub.connections, world.actor, connection.id, wrong)
        assert caught.value.problem.details == {"currentRevision": connection.revision}
        assert caught.value.problem.path == ("expectedRevision",)
    assert await world.reload(connection) == connection
    assert len(await world.events()) == events


async def test_looking_and_good_answers_do_not_count_up_the_revision(world):
    connection = await world.connected("acme", SHOP)
    actor, hub = world.actor, world.hub
    async with hub.database.transaction() as tx:
        await hub.outcome_recorder.record(tx, actor, connection.id, connection.auth.generation, None)
    await hub.connections.next_steps(actor, connection)
    assert (await world.reload(connection)).revision == connection.revision


# -- configuration


async def test_a_secret_field_is_sealed_kept_replaced_and_cleared(world):
    connection = (await created(world, config={**SHOP, "signing": CANARY})).connection
    (info,) = connection.secrets
    assert (info.path, info.is_set, info.hint) == (("config", "signing"), True, None)
    assert CANARY not in json.dumps(dict(connection.config)) + repr(connection)
    assert (await opened_config(world, connection))["signing"].reveal() == CANARY
    kept = (await configured(world, connection, {**SHOP, "note": "x"})).connection
    assert kept.secrets == connection.secrets
    world.clock.advance(1)
    replaced = (await configured(world, connection, {**SHOP, "signing": "another-secret"})).connection
    assert replaced.secrets[0].hint is None
    assert replaced.secrets[0].updated_at == world.clock.now()
    assert (await opened_config(world, connection))["signing"].reveal() == "another-secret"
    cleared = (await configured(world, connection, {**SHOP, "signing": None})).connection
    assert cleared.secrets == ()
    assert not await SealedRecord.filter(owner_row=connection.id).exists()


async def test_a_secret_field_is_in_no_table_in_the_clear(world):
    connection = (await created(world, config={**SHOP, "signing": CANARY}, idempotency_key="k1")).connection
    await configured(world, connection, {**SHOP, "signing": CANARY + "-2"})
    assert CANARY not in await everything(world)


async def test_a_stored_request_gives_no_way_to_guess_a_secret(world):
    """The idempotency key's hash of the input must not be a plain hash of a secret in it."""
    import hashlib

    from app.foundation.canonical import canonical_json

    await created(world, config={**SHOP, "signing": "hunter2-hunter2"}, idempotency_key="k1")
    asked = {
        "name": "Shop",
        "integration": "acme",
        "version": None,
        "mode": "SANDBOX",
        "description": "",
        "config": {**SHOP, "signing": "hunter2-hunter2"},
        "scope": "WORKSPACE",
    }
    guess = hashlib.sha256(canonical_json(asked)).hexdigest()
    assert (await IdempotencyRecord.all().first()).input_hash != guess


@pytest.mark.parametrize(
    "config",
    [
        {"shop": "north", "size": 10**30},
        {"shop": "north", "size": -(10**30)},
        {"shop": "north", "size": float("inf")},
        {"shop": "north", "size": float("nan")},
        {"shop": "north", "note": {"deep": [None] * 3}},
        {"shop": {"a": {"b": 1}}},
        {"shop": ["x"]},
        {"shop": True},
        {"": 1},
        {"\x00": 1},
        {"\ud800": 1},
        {"x" * 500: 1},
        {"__proto__": {}, "constructor": 1},
    ],
)
async def test_a_strange_configuration_is_told_and_never_a_fault_of_ours(world, config):
    edited = await created(world, config=config)
    assert edited.problems
    assert edited.connection.state is S.DRAFT
    read = await world.reload(edited.connection)
    assert await world.hub.connections.next_steps(world.actor, read)
    assert world.hub.connections.validate_config(world.actor, "acme", None, config)
    assert set(read.config) <= {"shop", "size", "note"}


async def test_a_conditional_field_is_asked_for_when_it_applies(world):
    edited = await created(world, config={**SHOP, "kind": "special"})
    assert [(fault.code, fault.path) for fault in edited.problems] == [
        (ProblemCode.MISSING_FIELD, ("config", "extra"))
    ]
    done = await configured(world, edited.connection, {**SHOP, "kind": "special", "extra": "x"})
    assert done.connection.state is S.PENDING_AUTHENTICATION


async def test_a_draft_that_lost_a_field_is_still_a_draft_and_one_past_it_is_not_set_back(world):
    connection = (await created(world, config={"note": "only"})).connection
    assert connection.state is S.DRAFT
    done = (await configured(world, connection, SHOP)).connection
    assert done.state is S.PENDING_AUTHENTICATION
    with pytest.raises(InvalidInputError):
        await configured(world, connection, {"note": "only"})
    assert (await world.reload(connection)).config == done.config


async def test_the_same_configuration_again_changes_nothing(world):
    connection = await world.connected("acme", SHOP)
    events = len(await world.events())
    edited = (await configured(world, connection, SHOP)).connection
    assert edited.tested
    assert edited.config_revision == connection.config_revision
    assert edited == connection
    assert len(await world.events()) == events


async def test_what_the_change_concerns_is_told_by_name_and_never_by_value(world):
    connection = (await created(world, config=SHOP)).connection
    await configured(world, connection, {**SHOP, "note": "CANARY-note", "signing": CANARY})
    event = (await world.events())[-1]
    assert event.type is EventType.CONNECTION_CONFIG_CHANGED
    assert event.data["fields"] == ["note", "signing"]
    assert "CANARY" not in json.dumps(event.data)


# -- credentials that a change of the configuration put in doubt


async def broken_by_config(world):
    connection = await world.connected("generic-oauth2", GENERIC)
    elsewhere = {
        **GENERIC,
        "baseUrl": "https://evil.example.com",
        "tokenUrl": "https://evil.example.com/token",
    }
    edited = await configured(world, connection, elsewhere)
    assert edited.connection.state is S.PENDING_AUTHENTICATION
    world.outside.requests.clear()
    return edited.connection


async def test_old_credentials_are_kept_but_never_sent_to_a_new_address(world):
    """Who may edit a connection must not be able to have its secrets sent to a host of their own."""
    connection = await broken_by_config(world)
    actor, hub = world.actor, world.hub
    for act in (
        hub.credentials.open(actor, connection.owner, RevealPurpose.CALL_READ),
        hub.calls.call(actor, connection.owner, "test", {}),
        hub.test_runs.start(actor, connection.id),
        hub.connections.refresh_credentials(actor, connection.id),
    ):
        with pytest.raises(NotAllowedNowError) as caught:
            await act
        assert caught.value.problem.code is ProblemCode.NOT_AUTHENTICATED
    world.clock.advance(24 * 3600)
    assert await world.due() == []
    assert world.outside.requests == []
    assert await SealedRecord.filter(owner_row=connection.id, owner_table="credential").count() == 1


async def test_giving_such_credentials_up_asks_no_new_address_either(world):
    connection = await broken_by_config(world)
    await world.hub.connections.disconnect(world.actor, connection.id)
    await world.work()
    assert world.outside.requests == []
    assert not await SealedRecord.filter(owner_table="credential").exists()


async def test_new_credentials_bring_such_a_connection_back(world):
    connection = await broken_by_config(world)
    await configured(world, connection, GENERIC)
    await world.come_back(await world.at_provider(await world.begin(connection)))
    back = await world.reload(connection)
    assert back.state is S.CONNECTED
    assert (await world.hub.calls.call(world.actor, back.owner, "test", {})).fault is None
    assert (await world.renewal_of(back)).due_at is not None


# -- causes that only a person can end


async def dead(world):
    connection = await world.connected("acme", SHOP)

    async def refuse(request):
        is_token = request.url.path.endswith("/token")
        return httpx.Response(400 if is_token else 401, json={"error": "invalid_grant"})

    world.outside.instead = refuse
    await world.tested(connection)
    world.outside.instead = None
    connection = await world.reload(connection)
    assert connection.state is S.AUTHENTICATION_ERROR
    return connection


async def paused_and_resumed(world, connection):
    await world.hub.connections.pause(world.actor, connection.id)
    return (await world.hub.connections.resume(world.actor, connection.id)).connection


async def test_a_begun_authorization_does_not_hide_that_the_credentials_are_dead(world):
    connection = await dead(world)
    authorization = await world.begin(connection)
    assert (await world.reload(connection)).problem == connection.problem
    await world.hub.authorizations.cancel(world.actor, authorization.id)
    assert (await world.reload(connection)).problem.code is connection.problem.code
    assert (await paused_and_resumed(world, connection)).state is S.AUTHENTICATION_ERROR


async def test_a_denied_authorization_does_not_hide_it_either(world):
    connection = await dead(world)
    await world.come_back(await world.at_provider(await world.begin(connection), decision="deny"))
    assert (await paused_and_resumed(world, connection)).state is S.AUTHENTICATION_ERROR


async def test_an_outage_does_not_turn_dead_credentials_into_an_outage(world):
    connection = await dead(world)

    async def down(request):
        return httpx.Response(503)

    world.outside.instead = down
    await world.tested(connection)
    world.outside.instead = None
    assert (await world.reload(connection)).problem.code is connection.problem.code
    assert (await paused_and_resumed(world, connection)).state is S.AUTHENTICATION_ERROR


async def test_new_credentials_end_the_cause(world):
    connection = await dead(world)
    await world.come_back(await world.at_provider(await world.begin(connection)))
    back = await world.reload(connection)
    assert (back.state, back.problem) == (S.CONNECTED, None)


# -- leaving


async def everything(world) -> str:
    """Return every row of every table but the audit's and the events', as one text."""
    connection = get_connection("default")
    if world.hub.database.dialect == "sqlite":
        rows = await connection.execute_query_dict("SELECT name FROM sqlite_master WHERE type='table'")
    else:
        rows = await connection.execute_query_dict(
            "SELECT tablename AS name FROM pg_tables WHERE schemaname='public'"
        )
    kept = {"aerich", "event", "audit_entry"}
    found = []
    for name in sorted(row["name"] for row in rows):
        if name not in kept and not name.startswith("sqlite_"):
            found += [
                (name, str(row)) for row in await connection.execute_query_dict(f'SELECT * FROM "{name}"')
            ]
    return "\n".join(f"{name}: {row}" for name, row in found)


async def test_a_deleted_connection_is_in_no_table_but_audit_events_and_its_revocation(world):
    connection = await world.connected("acme", {**SHOP, "signing": CANARY, "note": "CANARY-note"})
    await world.hub.connections.refresh_credentials(world.actor, connection.id)
    await world.begin(connection)
    await world.hub.test_runs.start(world.actor, connection.id, idempotency_key="k")
    await world.hub.connections.delete(world.actor, connection.id)
    await world.work()
    left = [line for line in (await everything(world)).splitlines() if connection.id in line]
    assert {line.split(":")[0] for line in left} <= {"revocation", "secret_use"}
    assert "CANARY" not in await everything(world)
    assert not await SealedRecord.filter(
        workspace_id=connection.workspace_id, owner_table="connection"
    ).exists()


async def test_a_disconnected_connection_keeps_its_configuration_and_no_credentials(world):
    connection = await world.connected("acme", {**SHOP, "signing": CANARY})
    edited = await world.hub.connections.disconnect(world.actor, connection.id)
    assert edited.connection.state is S.DISCONNECTED
    assert edited.connection.auth is None
    assert [info.path for info in edited.connection.secrets] == [("config", "signing")]
    assert not edited.connection.tested
    assert not await SealedRecord.filter(owner_table="credential").exists()
    with pytest.raises(NotAllowedNowError):
        await world.hub.connections.disconnect(world.actor, connection.id)


async def test_a_draft_cannot_be_disconnected_but_deleted(world):
    connection = (await created(world)).connection
    with pytest.raises(NotAllowedNowError):
        await world.hub.connections.disconnect(world.actor, connection.id)
    assert (await world.hub.connections.delete(world.actor, connection.id)).revocation is None


async def test_verbs_at_once_on_one_connection_follow_each_other(world):
    connection = await world.connected("acme", SHOP)
    verbs, actor = world.hub.connections, world.actor
    results = await asyncio.gather(
        verbs.update(actor, connection.id, description="one"),
        verbs.update_config(actor, connection.id, {**SHOP, "note": "x"}),
        verbs.pause(actor, connection.id),
        verbs.update(actor, connection.id, name="Renamed"),
        world.hub.connections.refresh_credentials(actor, connection.id),
        return_exceptions=True,
    )
    assert not [result for result in results if isinstance(result, Exception)]
    after = await world.reload(connection)
    assert (after.description, after.name, after.state) == ("one", "Renamed", S.PAUSED)
    assert after.config["note"] == "x"
    assert after.auth.generation == 2


async def test_deleting_twice_at_once_deletes_once(world):
    connection = await world.connected("acme", SHOP)
    results = await asyncio.gather(
        *(world.hub.connections.delete(world.actor, connection.id) for _ in range(3)), return_exceptions=True
    )
    assert sum(not isinstance(result, Exception) for result in results) == 1
    types = [event.type for event in await world.events()]
    assert types.count(EventType.CONNECTION_DELETED) == 1
