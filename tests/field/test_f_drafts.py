"""F5: a draft keeps what was typed and why it does not fit; secrets never in clear."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.catalog.catalog import Catalog
from app.catalog.entry import IntegrationEntry
from app.connections.lifecycle import ConnectionState
from app.connections.snapshot import SetupStepKey
from app.credentials.snapshot import Mode
from tests.canary import secret
from tests.hubs import CATALOG, owner, running_hub, settings_for

FORM = {
    "type": "object",
    "unevaluatedProperties": False,
    "required": ["url", "key"],
    "properties": {
        "url": {"title": "Address", "type": "string", "format": "uri"},
        "size": {"title": "Page size", "type": "integer", "minimum": 1},
        "key": {
            "title": "Signing key",
            "type": "string",
            "secret": True,
            "pattern": "^CANARY-[a-z0-9-]{3,}-key$",
        },
        "kind": {"title": "Kind", "enum": ["a", "b"]},
    },
    "if": {"properties": {"kind": {"const": "b"}}, "required": ["kind"]},
    "then": {"properties": {"more": {"title": "More", "type": "string", "minLength": 5}}},
}
KEY = "CANARY-abc-key"
FIT = {"url": "https://acme.example", "key": KEY}


@pytest.fixture
async def form_world(database_url, redis_for, tmp_path):
    """Return a hub whose generic-http integration has the form above, and its owner."""
    definition = replace(CATALOG.definition("generic-http"), config=FORM)
    entry = replace(CATALOG.integration("generic-http"), versions=(definition,))
    assert isinstance(entry, IntegrationEntry)
    async with running_hub(settings_for(database_url, tmp_path, redis_for), catalog=Catalog([entry])) as (
        hub,
        _,
    ):
        with hub.database.bind():
            yield hub, await owner(hub)


async def drafted(form_world, config):
    hub, actor = form_world
    edited = await hub.connections.create(
        actor, name="Draft", integration="generic-http", mode=Mode.SANDBOX, config=config
    )
    return edited, edited.connection.id


async def reloaded(form_world, id_):
    """Return the configuration and the problems by field, as a page finds them that is loaded again."""
    hub, actor = form_world
    connection = await hub.connections.get(actor, id_)
    steps = {step.key: step for step in await hub.connections.next_steps(actor, connection)}
    problems = steps[SetupStepKey.CONFIGURE].problems
    return dict(connection.config), {fault.path[-1]: fault.code.value for fault in problems}


@pytest.mark.parametrize(
    ("typed", "kept", "problems"),
    [
        ({**FIT, "url": "acme"}, {"url": "acme"}, {"url": "INVALID_FIELD"}),
        ({**FIT, "size": "ten"}, {"url": FIT["url"], "size": "ten"}, {"size": "INVALID_FIELD"}),
        ({**FIT, "size": 0}, {"url": FIT["url"], "size": 0}, {"size": "INVALID_FIELD"}),
        (
            {**FIT, "kind": "b", "more": "abc"},
            {"url": FIT["url"], "kind": "b", "more": "abc"},
            {"more": "INVALID_FIELD"},
        ),
        ({"key": KEY, "size": 5}, {"size": 5}, {"url": "MISSING_FIELD"}),
    ],
    ids=lambda value: f"F5 {value}",
)
async def test_a_reload_finds_what_was_typed_and_why_it_does_not_fit(form_world, typed, kept, problems):
    edited, id_ = await drafted(form_world, typed)
    assert {fault.path[-1]: fault.code.value for fault in edited.problems} == problems
    assert await reloaded(form_world, id_) == (kept, problems)
    hub, actor = form_world
    connection = (await hub.connections.update_config(actor, id_, FIT)).connection
    assert connection.state is ConnectionState.PENDING_AUTHENTICATION
    assert dict(connection.config) == {"url": FIT["url"]}


async def test_f5_of_a_secret_that_does_not_fit_only_the_reason_is_kept(form_world):
    hub, actor = form_world
    wrong = secret("not-a-key-")
    _, id_ = await drafted(form_world, {**FIT, "key": wrong})
    assert await reloaded(form_world, id_) == ({"url": FIT["url"]}, {"key": "PATTERN_MISMATCH"})
    connection = await hub.connections.get(actor, id_)
    assert connection.secrets == ()
    assert wrong not in repr(connection)

    await hub.connections.update_config(actor, id_, {"url": "acme"})
    assert (await reloaded(form_world, id_))[1] == {"url": "INVALID_FIELD", "key": "PATTERN_MISMATCH"}
    await hub.connections.update_config(actor, id_, {"url": "acme", "key": None})
    assert (await reloaded(form_world, id_))[1] == {"url": "INVALID_FIELD", "key": "MISSING_FIELD"}

    done = (await hub.connections.update_config(actor, id_, FIT)).connection
    assert [info.path for info in done.secrets] == [("config", "key")]
    assert (await reloaded(form_world, id_))[1] == {}


async def test_f5_a_secret_that_is_sealed_stays_beside_one_that_was_refused(form_world):
    hub, actor = form_world
    _, id_ = await drafted(form_world, {**FIT, "url": "acme"})
    await hub.connections.update_config(actor, id_, {"url": "acme", "key": secret("bad")})
    connection = await hub.connections.get(actor, id_)
    assert connection.owner.secret_fields == ("key",)
    assert (await reloaded(form_world, id_))[1] == {"url": "INVALID_FIELD", "key": "PATTERN_MISMATCH"}
    done = (await hub.connections.update_config(actor, id_, {"url": FIT["url"]})).connection
    assert done.state is ConnectionState.PENDING_AUTHENTICATION
    assert (await reloaded(form_world, id_))[1] == {}


async def test_f5_a_password_in_an_address_is_not_kept_in_clear(form_world):
    password = secret("pass")
    typed = {**FIT, "url": f"https://user:{password}@acme.example/a"}
    _, id_ = await drafted(form_world, typed)
    config, problems = await reloaded(form_world, id_)
    assert config == {"url": "https://***@acme.example/a"}
    assert problems == {"url": "INVALID_FIELD"}


async def test_f5_a_field_that_the_form_does_not_know_is_not_kept(form_world):
    _, id_ = await drafted(form_world, {**FIT, "kee": secret("misspelt")})
    assert await reloaded(form_world, id_) == ({"url": FIT["url"]}, {})


async def test_f5_once_past_the_draft_nothing_that_does_not_fit_is_taken(form_world):
    hub, actor = form_world
    _, id_ = await drafted(form_world, FIT)
    refused = {"url": "acme"}
    with pytest.raises(Exception, match="INVALID_FIELD"):
        await hub.connections.update_config(actor, id_, refused)
    assert (await reloaded(form_world, id_))[0] == {"url": FIT["url"]}
