"""The whole sign-in, renewal and revocation against the sandbox."""

from __future__ import annotations

import pytest

from tests.sandbox.acme import acme_oauth
from tests.sandbox.outside import CHALLENGE, VERIFIER, basic


async def test_a_consent_becomes_a_token_that_works(sandbox):
    returned = await sandbox.consent()
    assert returned["state"] == "st 1&é"
    answer = await sandbox.exchange(returned["code"])
    body = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600
    assert body["scope"] == "orders.read orders.write offline_access"
    assert body["org"] == {"id": "org-77", "name": "Acme <Ltd>"}
    assert (await sandbox.call("/me", body["access_token"])).json() == {"id": 7, "name": "Ada"}


async def test_tokens_begin_with_the_word_of_the_example(sandbox):
    body = await sandbox.signed_in()
    assert body["access_token"].startswith("acme_")
    assert body["refresh_token"].startswith("acmer_")


async def test_a_denied_consent_comes_back_as_access_denied(sandbox):
    returned = await sandbox.consent(decision="deny")
    assert returned["error"] == "access_denied"
    assert returned["state"] == "st 1&é"
    assert "code" not in returned


async def test_partial_consent_is_told_and_enforced(sandbox):
    body = await sandbox.signed_in(untick=("orders.read",))
    assert body["scope"] == "orders.write offline_access"
    refused = await sandbox.call("/orders/1", body["access_token"])
    assert refused.status_code == 403
    assert refused.json() == {"error": "scope", "needed": "orders.read"}
    created = await sandbox.call("/orders", body["access_token"], "POST", json={"product": "B"})
    assert created.status_code == 201


async def test_without_the_offline_scope_there_is_no_refresh_token(sandbox):
    body = await sandbox.signed_in(untick=("offline_access",))
    assert "refresh_token" not in body


async def test_another_account_can_be_chosen(sandbox):
    body = await sandbox.signed_in(account="2")
    assert body["org"] == {"id": "org-78", "name": "Acme <Ltd> (2)"}


async def test_a_code_works_once_and_its_reuse_revokes_the_tokens(sandbox):
    returned = await sandbox.consent()
    body = (await sandbox.exchange(returned["code"])).json()
    again = await sandbox.exchange(returned["code"])
    assert again.status_code == 400
    assert again.json()["error"] == "invalid_grant"
    assert (await sandbox.call("/me", body["access_token"])).status_code == 401
    assert (await sandbox.refresh(body["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_code_expires(sandbox):
    returned = await sandbox.consent()
    sandbox.clock.advance(301)
    assert (await sandbox.exchange(returned["code"])).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": "http://127.0.0.1:9/other"},
        {"redirect_uri": None},
        {"code_verifier": "w" * 43},
        {"code_verifier": None},
        {"code_verifier": "short"},
        {"code": "nonsense"},
        {"code": None, "grant_type": "authorization_code"},
    ],
)
async def test_a_code_is_bound_to_its_request(sandbox, change):
    returned = await sandbox.consent()
    refused = await sandbox.exchange(**{"code": returned["code"], **change})
    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_grant"
    assert (await sandbox.exchange(returned["code"])).status_code == 200


async def test_a_code_of_another_integration_is_refused(sandbox_of):
    driver = sandbox_of(acme_oauth(), acme_oauth(integration="other"))
    returned = await driver.consent()
    driver.integration = "other"
    assert (await driver.exchange(returned["code"])).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "client",
    [
        {"client_id": "sandbox-client", "client_secret": "wrong"},
        {"client_id": "somebody", "client_secret": "sandbox-secret"},
        {"client_id": "sandbox-client"},
        {"client_secret": "sandbox-secret"},
        {},
    ],
)
async def test_a_wrong_client_is_refused(sandbox, client):
    returned = await sandbox.consent()
    sandbox.client = client
    refused = await sandbox.exchange(returned["code"])
    assert refused.status_code == 401
    assert refused.json()["error"] == "invalid_client"
    assert refused.headers["www-authenticate"].startswith("Basic")


async def test_basic_is_always_a_proof_but_two_proofs_are_refused(sandbox):
    returned = await sandbox.consent()
    url = "https://login.acme.example/token"
    form = {
        "grant_type": "authorization_code",
        "code": returned["code"],
        "redirect_uri": sandbox.redirect,
        "code_verifier": VERIFIER,
    }
    headers = {"Authorization": basic("sandbox-client", "sandbox-secret")}
    both = await sandbox.send("POST", url, data={**form, "client_secret": "sandbox-secret"}, headers=headers)
    assert both.json()["error"] == "invalid_request"
    assert (await sandbox.send("POST", url, data=form, headers=headers)).status_code == 200


async def test_a_definition_with_basic_refuses_the_secret_in_the_form(sandbox_of):
    driver = sandbox_of(acme_oauth({"clientAuth": "basic"}))
    returned = await driver.consent()
    assert (await driver.exchange(returned["code"])).json()["error"] == "invalid_client"


async def test_a_public_client_names_itself_only(sandbox_of):
    driver = sandbox_of(acme_oauth({"clientAuth": "none"}))
    returned = await driver.consent()
    assert (await driver.exchange(returned["code"])).json()["error"] == "invalid_client"
    driver.client = {"client_id": "sandbox-client"}
    assert (await driver.exchange(returned["code"])).status_code == 200


async def test_refresh_tokens_rotate_and_reuse_revokes_the_family(sandbox):
    first = await sandbox.signed_in()
    second = (await sandbox.refresh(first["refresh_token"])).json()
    third = (await sandbox.refresh(second["refresh_token"])).json()
    assert len({body["refresh_token"] for body in (first, second, third)}) == 3
    assert (await sandbox.call("/me", third["access_token"])).status_code == 200
    assert (await sandbox.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await sandbox.refresh(third["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await sandbox.call("/me", third["access_token"])).status_code == 401


async def test_within_the_grace_a_used_refresh_token_still_works(sandbox_of):
    renewal = {"by": "refresh_token", "rotation": "single_use", "graceSeconds": 30}
    driver = sandbox_of(acme_oauth({"renewal": renewal}))
    first = await driver.signed_in()
    assert (await driver.refresh(first["refresh_token"])).status_code == 200
    driver.clock.advance(29)
    assert (await driver.refresh(first["refresh_token"])).status_code == 200
    driver.clock.advance(1)
    assert (await driver.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_reusable_refresh_token_is_not_sent_again(sandbox_of):
    driver = sandbox_of(acme_oauth({"renewal": {"by": "refresh_token", "rotation": "reusable"}}))
    first = await driver.signed_in()
    for _ in range(3):
        renewed = (await driver.refresh(first["refresh_token"])).json()
        assert "refresh_token" not in renewed
        assert (await driver.call("/me", renewed["access_token"])).status_code == 200


async def test_a_refresh_can_narrow_but_not_widen(sandbox):
    first = await sandbox.signed_in(untick=("orders.write",))
    widened = await sandbox.refresh(first["refresh_token"], scope="orders.write")
    assert widened.json()["error"] == "invalid_scope"
    narrowed = (await sandbox.refresh(first["refresh_token"], scope="orders.read")).json()
    assert narrowed["scope"] == "orders.read"
    again = (await sandbox.refresh(narrowed["refresh_token"])).json()
    assert again["scope"] == "orders.read offline_access"


async def test_an_access_token_expires_by_the_clock_and_a_refresh_brings_a_new_one(sandbox):
    first = await sandbox.signed_in()
    sandbox.clock.advance(3599)
    assert (await sandbox.call("/me", first["access_token"])).status_code == 200
    sandbox.clock.advance(1)
    assert (await sandbox.call("/me", first["access_token"])).status_code == 401
    second = (await sandbox.refresh(first["refresh_token"])).json()
    assert (await sandbox.call("/me", second["access_token"])).status_code == 200


async def test_client_credentials_give_a_token_without_a_refresh_token(sandbox):
    headers = {"Authorization": basic("sandbox-client", "sandbox-secret")}
    form = {"grant_type": "client_credentials", "scope": "orders.read"}
    answer = await sandbox.send("POST", "https://login.acme.example/token", data=form, headers=headers)
    body = answer.json()
    assert body["expires_in"] == "600"
    assert "refresh_token" not in body
    assert (await sandbox.call("/orders/1", body["access_token"])).status_code == 200
    assert (
        await sandbox.call("/orders", body["access_token"], "POST", json={"product": "A"})
    ).status_code == 403


@pytest.mark.parametrize("url", ["https://login.acme.example/revoke"])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_revocation_ends_the_whole_grant(sandbox, url, kind):
    body = await sandbox.signed_in()
    revoked = await sandbox.send("POST", url, data={"token": body[kind], **sandbox.client})
    assert revoked.status_code == 200
    assert (await sandbox.call("/me", body["access_token"])).status_code == 401
    assert (await sandbox.refresh(body["refresh_token"])).json()["error"] == "invalid_grant"


async def test_revoking_what_nobody_knows_is_a_success_but_a_wrong_client_is_not(sandbox):
    url = "https://login.acme.example/revoke"
    assert (await sandbox.send("POST", url, data={"token": "nonsense", **sandbox.client})).status_code == 200
    body = await sandbox.signed_in()
    wrong = {"token": body["access_token"], "client_id": "sandbox-client", "client_secret": "wrong"}
    assert (await sandbox.send("POST", url, data=wrong)).json()["error"] == "invalid_client"
    assert (await sandbox.call("/me", body["access_token"])).status_code == 200


async def test_introspection_tells_what_a_token_is(sandbox):
    body = await sandbox.signed_in()
    url = "https://login.acme.example/introspect"
    told = (await sandbox.send("POST", url, data={"token": body["access_token"], **sandbox.client})).json()
    assert told["active"] is True
    assert told["exp"] == int(sandbox.clock.now().timestamp()) + 3600
    assert told["scope"] == "orders.read orders.write offline_access"
    sandbox.clock.advance(3600)
    told = (await sandbox.send("POST", url, data={"token": body["access_token"], **sandbox.client})).json()
    assert told == {"active": False}
    assert (await sandbox.send("POST", url, data={"token": "x"})).json()["error"] == "invalid_client"


@pytest.mark.parametrize("grant", ["password", "", "urn:ietf:params:oauth:grant-type:device_code"])
async def test_another_grant_type_is_not_offered(sandbox, grant):
    refused = await sandbox.token(grant_type=grant, username="a")
    assert refused.status_code == 400
    assert refused.json()["error"] == "unsupported_grant_type"


async def test_a_token_request_is_a_form_without_repetition(sandbox):
    url = "https://login.acme.example/token"
    assert (await sandbox.send("GET", url, params={"grant_type": "refresh_token"})).status_code == 405
    as_json = await sandbox.send("POST", url, json={"grant_type": "refresh_token", **sandbox.client})
    assert as_json.json()["error"] == "invalid_request"
    twice = "grant_type=refresh_token&grant_type=refresh_token&client_id=sandbox-client"
    repeated = await sandbox.send(
        "POST", url, content=twice, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert repeated.json()["error"] == "invalid_request"
    in_query = await sandbox.send("POST", url, params={"grant_type": "refresh_token", **sandbox.client})
    assert in_query.json()["error"] == "invalid_request"


async def test_a_definition_with_a_json_body_takes_json_only(sandbox_of):
    driver = sandbox_of(acme_oauth({"body": "json"}))
    returned = await driver.consent()
    assert (await driver.exchange(returned["code"])).json()["error"] == "invalid_request"
    fields = {
        "grant_type": "authorization_code",
        "code": returned["code"],
        "redirect_uri": driver.redirect,
        "code_verifier": VERIFIER,
        **driver.client,
    }
    answer = await driver.send("POST", "https://login.acme.example/token", json=fields)
    assert answer.status_code == 200


async def test_renamed_parameters_are_read_under_their_own_names(sandbox_of):
    driver = sandbox_of(acme_oauth({"names": {"client_id": "client_key"}}))
    returned = await driver.consent(client_id=None, client_key="sandbox-client")
    driver.client = {"client_key": "sandbox-client", "client_secret": "sandbox-secret"}
    assert (await driver.exchange(returned["code"])).status_code == 200


async def test_without_pkce_in_the_definition_a_challenge_is_still_checked(sandbox_of):
    driver = sandbox_of(acme_oauth({"pkce": "off", "pkceReason": "old"}))
    returned = await driver.consent(code_challenge=None, code_challenge_method=None)
    downgraded = await driver.exchange(returned["code"])
    assert downgraded.json()["error"] == "invalid_grant"
    assert (await driver.exchange(returned["code"], code_verifier=None)).status_code == 200
    returned = await driver.consent(code_challenge=CHALLENGE)
    assert (await driver.exchange(returned["code"], code_verifier=None)).json()["error"] == "invalid_grant"
    assert (await driver.exchange(returned["code"])).status_code == 200


async def test_a_two_step_login_gives_a_session_token(sandbox):
    url = "https://login.acme.example/session"
    wrong = await sandbox.send("POST", url, json={"login": "ada", "pass": "wrong"})
    assert wrong.status_code == 401
    half = await sandbox.send("POST", url, json={"login": "ada"})
    assert half.status_code == 401
    body = (await sandbox.send("POST", url, json={"login": "ada", "pass": "right-pass"})).json()
    assert body["session"]["ttl"] == 60
    headers = {"X-Session": body["session"]["token"]}
    assert (await sandbox.call("/me", headers=headers)).status_code == 200
    sandbox.clock.advance(60)
    assert (await sandbox.call("/me", headers=headers)).status_code == 401


async def test_a_token_exchange_lengthens_the_life_of_a_token(sandbox_of):
    params = {
        "grant_type": "acme_exchange",
        "client_id": "{application.clientId}",
        "client_secret": "{application.clientSecret}",
        "exchange": "{credentials.accessToken}",
    }
    driver = sandbox_of(acme_oauth({"renewal": {"by": "exchange", "params": params}}))
    body = await driver.signed_in()
    assert "refresh_token" not in body
    driver.clock.advance(1800)
    asked = {"grant_type": "acme_exchange", "exchange": body["access_token"], **driver.client}
    renewed = (await driver.token(**asked)).json()
    driver.clock.advance(1800)
    assert (await driver.call("/me", body["access_token"])).status_code == 401
    assert (await driver.call("/me", renewed["access_token"])).status_code == 200
    assert (await driver.token(**asked)).json()["error"] == "invalid_grant"
    wrong = {**asked, "exchange": renewed["access_token"], "client_secret": "wrong"}
    assert (await driver.token(**wrong)).json()["error"] == "invalid_client"
    over_get = await driver.send("GET", "https://login.acme.example/token", params={**wrong, **driver.client})
    assert over_get.status_code == 200
