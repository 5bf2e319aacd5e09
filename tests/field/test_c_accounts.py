"""C4: the account is read wherever somebody names it, shown, and compared when a connection is authorized again."""

from __future__ import annotations

import pytest
from starlette.responses import JSONResponse

from app.authenticators.account import account_at
from app.connections.snapshot import AuthorizationStateName as State
from app.credentials.snapshot import Mode
from app.foundation.problems import ProblemCode
from tests.field.provider import id_token, token_answer

ADA, BOB = ("248289761001", "ada@example.com"), ("900", "bob@example.com")


def signed_in_as(person, **changes):
    sub, email = person
    claims = {"iss": "https://login.example.com", "sub": sub, "email": email, **changes}
    return lambda: token_answer(id_token=id_token(**claims))


def answers_as(person, **more):
    sub, email = person
    return lambda: JSONResponse({"sub": sub, "email": email, **more})


def account_of(connection):
    return connection.auth.account_id, connection.auth.account_label


async def test_c4_an_id_token_says_who_signed_in_and_another_person_is_told(live):
    live.provider.usual["/token"] = signed_in_as(ADA)
    connection = await live.live()
    assert (await live.sign_in(connection)).problem is None
    assert account_of(await live.reload(connection)) == ADA
    live.provider.usual["/token"] = signed_in_as(BOB)
    live.provider.usual["/me"] = answers_as(BOB)
    ended = await live.sign_in(connection)
    assert (ended.state, ended.problem.code) == (State.AUTHENTICATED, ProblemCode.DIFFERENT_ACCOUNT)
    assert "bob@example.com" in ended.problem.message
    assert account_of(await live.reload(connection)) == BOB


@pytest.mark.parametrize("claims", [{"aud": "somebody-else"}, {"sub": None}, {"sub": ["x"]}])
async def test_c4_an_id_token_for_somebody_else_or_without_a_subject_says_nothing(live, claims):
    live.provider.usual["/token"] = signed_in_as(ADA, **claims)
    connection = await live.live()
    assert (await live.sign_in(connection)).state is State.AUTHENTICATED
    assert account_of(await live.reload(connection)) == (None, None)


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "a.!!.c", "..", "x" * 5_000])
async def test_c4_what_is_no_id_token_breaks_no_sign_in(live, text):
    live.provider.usual["/token"] = lambda: token_answer(id_token=text)
    connection = await live.live()
    assert (await live.sign_in(connection)).state is State.AUTHENTICATED


async def test_c4_the_tests_answer_says_who_it_is_where_no_token_does(live):
    live.provider.usual["/me"] = answers_as(ADA)
    connection = await live.activated()
    assert account_of(connection) == ADA
    assert (await live.sign_in(connection)).problem is None
    live.provider.usual["/me"] = answers_as(BOB)
    ended = await live.sign_in(connection)
    assert ended.problem.code is ProblemCode.DIFFERENT_ACCOUNT
    assert account_of(await live.reload(connection)) == BOB


async def test_c4_a_renewal_forgets_no_account(live):
    live.provider.usual["/me"] = answers_as(ADA)
    connection = await live.activated()
    await live.hub.connections.refresh_credentials(live.actor, connection.id)
    renewed = await live.reload(connection)
    assert (renewed.auth.generation, account_of(renewed)) == (2, ADA)


async def test_c4_another_test_path_is_no_other_account(live):
    live.provider.usual["/me"] = answers_as(ADA)
    connection = await live.activated()
    await live.hub.connections.update_config(
        live.actor, connection.id, {**live.provider.config, "testPath": "/me?x=1"}
    )
    live.provider.usual["/me"] = answers_as(BOB)
    assert (await live.sign_in(connection)).problem is None


async def test_c4_a_bare_id_beside_nobodys_name_is_no_account(live):
    live.provider.usual["/me"] = lambda: JSONResponse({"id": 7, "state": "open"})
    assert account_of(await live.activated()) == (None, None)
    live.provider.usual["/me"] = lambda: JSONResponse({"id": 7, "login": "ada"})
    assert account_of(await live.activated()) == ("7", "ada")


async def test_c4_the_account_of_a_key_is_shown_and_another_key_of_another_account_is_told(live):
    config = {"baseUrl": live.provider.address.http, "testPath": "/me"}
    connection = await live.draft("generic-http", config, Mode.LIVE)

    async def entered(token):
        live.provider.issued.add(token.encode())
        authorization = await live.begin(connection, "bearer")
        return await live.hub.authorizations.submit_credentials(
            live.actor, authorization.id, {"token": token}
        )

    live.provider.usual["/me"] = answers_as(ADA)
    await entered("first-token-0123456789")
    await live.tested(connection)
    assert account_of(await live.reload(connection)) == ADA
    assert (await entered("second-token-012345678")).problem is None
    live.provider.usual["/me"] = answers_as(BOB)
    assert (await entered("third-token-0123456789")).problem.code is ProblemCode.DIFFERENT_ACCOUNT


@pytest.mark.parametrize(
    ("integration", "label"), [("telegram", "acme_bot"), ("github", "ada-example"), ("slack", "Acme")]
)
async def test_c4_shipped_definitions_pick_the_account_of_their_tests_answer(live, integration, label):
    definition = live.hub.catalog.definition(integration)
    example = definition.methods[definition.test.method].examples[0]
    assert account_at(definition.test.account, example.body).label == label
