"""Method calls: credentials in every place, parameters in every form, and the example that answers."""

from __future__ import annotations

import pytest

from tests.sandbox.acme import ACME, METHODS, acme
from tests.sandbox.outside import basic

ME = "https://api.acme.example/v1/me"
RIGHT = [
    (ME, {"params": {"api_key": "right-key"}}),
    (ME, {"headers": {"Cookie": "a=b; sid=right-session"}}),
    ("https://api.acme.example/bot12:right/v1/me", {}),
    ("https://api.acme.example/bot12%3Aright/v1/me", {}),
    (ME, {"headers": {"Authorization": basic("ada@acme.example/token", "right-pass")}}),
    (ME, {"headers": {"X-App": "app-1", "X-Secret": "Key sec-1"}}),
    (ME, {"headers": {"x-app": "app-1", "x-secret": "KEY sec-1"}}),
]
WRONG = [
    (ME, {}),
    (ME, {"params": {"api_key": "other-key"}}),
    (ME, {"params": {"api_key": ""}}),
    (ME, {"params": {"api_key": "right-key\x00"}}),
    (ME, {"headers": {"Cookie": "sid=right-sessio"}}),
    ("https://api.acme.example/bot12:wrong/v1/me", {}),
    (ME, {"headers": {"Authorization": basic("ada@acme.example", "right-pass")}}),
    (ME, {"headers": {"Authorization": basic("ada@acme.example/token", "right-pas")}}),
    (ME, {"headers": {"Authorization": "Basic !!!"}}),
    (ME, {"headers": {"Authorization": "Basic /w=="}}),
    (ME, {"headers": {"Authorization": "Bearer"}}),
    (ME, {"headers": {"Authorization": "Bearer sbx1.AAAA.AAAA"}}),
    (ME, {"headers": {"Authorization": "Bearer " + "x" * 20_000}}),
    (ME, {"headers": {"X-App": "app-1"}}),
    (ME, {"headers": {"X-App": "app-1", "X-Secret": "sec-1"}}),
    (ME, {"headers": {"X-App": "app-1", "X-Secret": "Key wrong"}}),
]


@pytest.mark.parametrize(("url", "options"), RIGHT)
async def test_right_credentials_are_found_in_their_place(sandbox, url, options):
    answer = await sandbox.send("GET", url, **options)
    assert answer.status_code == 200
    assert answer.json() == {"id": 7, "name": "Ada"}


@pytest.mark.parametrize(("url", "options"), WRONG)
async def test_wrong_or_missing_credentials_get_the_definitions_own_answer(sandbox, url, options):
    answer = await sandbox.send("GET", url, **options)
    assert answer.status_code == 401
    assert answer.json() == {"error": {"code": "bad_key"}}


async def test_without_an_example_of_a_refusal_the_answer_is_a_plain_401(sandbox_of):
    orders = {"orders.create": METHODS["orders.create"]}
    driver = sandbox_of(acme(methods=orders))
    answer = await driver.call("/orders", verb="POST", json={"product": "A-1"})
    assert answer.status_code == 401
    assert answer.json()["error"] == "unauthorized"


async def test_a_token_of_another_integration_is_wrong(sandbox_of):
    driver = sandbox_of(acme(), acme(integration="other"))
    body = await driver.signed_in()
    driver.integration = "other"
    assert (await driver.call("/me", body["access_token"])).status_code == 401


async def test_a_refresh_token_is_no_access_token(sandbox):
    body = await sandbox.signed_in()
    assert (await sandbox.call("/me", body["refresh_token"])).status_code == 401


async def test_entered_credentials_need_no_scopes(sandbox):
    assert (await sandbox.call("/orders/1", params={"api_key": "right-key"})).status_code == 200


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/orders/1", {"id": 1, "state": "open"}),
        ("/orders/5", {"id": 5, "state": "open"}),
        ("/orders/1?expand=lines", {"id": 1, "lines": []}),
        ("/orders/1?expand[]=lines", {"id": 1, "lines": []}),
        ("/orders/1?expand[0]=lines", {"id": 1, "lines": []}),
        ("/orders/404", {"error": "not_found"}),
    ],
)
async def test_the_example_with_the_given_parameters_answers(sandbox, path, expected):
    answer = await sandbox.call(path, params=None, headers={"Cookie": "sid=right-session"})
    assert answer.json() == expected


@pytest.mark.parametrize(
    "options",
    [
        {"json": {"product": "B-2", "quantity": 3}},
        {"data": {"product": "B-2", "quantity": "3"}},
        {"params": {"product": "B-2", "quantity": "3"}},
        {
            "content": '{"product":"B-2","quantity":3}',
            "headers": {"Content-Type": "application/vnd.acme+json"},
        },
    ],
)
async def test_parameters_are_echoed_from_wherever_they_stand(sandbox, options):
    body = await sandbox.signed_in()
    answer = await sandbox.call("/orders", body["access_token"], "POST", **options)
    assert answer.status_code == 201
    assert answer.json() == {"id": 2, "product": "B-2", "quantity": 3}


@pytest.mark.parametrize(
    ("options", "path", "keyword"),
    [
        ({"json": {}}, ["product"], "required"),
        ({}, ["product"], "required"),
        ({"json": {"product": "x" * 21}}, ["product"], "maxLength"),
        ({"json": {"product": 7}}, ["product"], "type"),
        ({"data": {"product": "A", "quantity": "many"}}, ["quantity"], "type"),
        ({"data": {"product": "A", "quantity": "0"}}, ["quantity"], "minimum"),
        ({"json": {"product": "A", "colour": "red"}}, ["colour"], "additionalProperties"),
        ({"data": {"product": "A", "gift": "perhaps"}}, ["gift"], "type"),
    ],
)
async def test_parameters_that_do_not_fit_the_schema_are_told(sandbox, options, path, keyword):
    body = await sandbox.signed_in()
    answer = await sandbox.call("/orders", body["access_token"], "POST", **options)
    assert answer.status_code == 400
    told = answer.json()
    assert told["error"] == "invalid_parameters"
    assert [(fault["path"], fault["keyword"]) for fault in told["faults"]] == [(path, keyword)]


async def test_forms_carry_lists_and_objects(sandbox):
    body = await sandbox.signed_in()
    form = "product=A-1&gift=true&tags[]=a&tags[]=b&address[zip]=12345"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await sandbox.call("/orders", body["access_token"], "POST", content=form, headers=headers)
    assert answer.status_code == 201, answer.text


async def test_a_whole_body_can_be_one_parameter_and_an_answer_can_be_empty(sandbox):
    options = {"json": [1, 2], "params": {"api_key": "right-key"}}
    answer = await sandbox.call("/orders", verb="PUT", **options)
    assert answer.status_code == 204
    assert answer.content == b""
    wrong = await sandbox.call("/orders", verb="PUT", json={"a": 1}, params={"api_key": "right-key"})
    assert wrong.status_code == 400


async def test_an_address_of_no_method_is_not_found_and_a_wrong_verb_is_told(sandbox):
    assert (await sandbox.call("/nothing")).status_code == 404
    refused = await sandbox.call("/me", verb="DELETE")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET"
    assert (await sandbox.send("GET", "https://elsewhere.example/v1/me")).status_code == 404


async def test_a_head_request_is_answered_like_a_get(sandbox):
    answer = await sandbox.call("/me", verb="HEAD", params={"api_key": "right-key"})
    assert answer.status_code == 200


async def test_a_failing_example_without_parameters_never_answers_by_itself(sandbox_of):
    failing = {"title": "Broken", "response": {"status": 500, "body": {}}, "outcome": "UPSTREAM_UNAVAILABLE"}
    me = {**METHODS["me"], "examples": [failing, *METHODS["me"]["examples"]]}
    driver = sandbox_of(acme(methods={**METHODS, "me": me}))
    assert (await driver.call("/me", params={"api_key": "right-key"})).status_code == 200


async def test_a_method_without_a_good_example_says_so(sandbox_of):
    me = {**METHODS["me"], "examples": METHODS["me"]["examples"][1:]}
    driver = sandbox_of(acme(methods={**METHODS, "me": me}))
    answer = await driver.call("/me", params={"api_key": "right-key"})
    assert answer.status_code == 404
    assert answer.json()["error"] == "no_example"


async def test_answers_carry_nothing_that_leads_outside_or_could_be_a_page(sandbox_of):
    headers = {
        "Location": "https://elsewhere.example/",
        "Set-Cookie": "a=b",
        "Content-Length": "3",
        "Content-Type": "text/html",
        "X-Rate": "7",
    }
    example = {"title": "Page", "response": {"headers": headers, "body": "<script>alert(1)</script>"}}
    me = {**METHODS["me"], "examples": [example]}
    driver = sandbox_of(acme(methods={"me": me}))
    answer = await driver.call("/me", params={"api_key": "right-key"})
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-rate"] == "7"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers


async def test_a_version_can_be_named_and_else_the_latest_answers(sandbox_of):
    old = {**METHODS["me"], "examples": [{"title": "Old", "response": {"body": {"version": 1}}}]}
    driver = sandbox_of(acme(methods={"me": old}), acme(version="2.0.0"))
    key = {"params": {"api_key": "right-key"}}
    assert (await driver.send("GET", ME, **key)).json() == {"id": 7, "name": "Ada"}
    driver.integration = "acme@1.0.0"
    assert (await driver.send("GET", ME, **key)).json() == {"version": 1}
    driver.integration = "acme@9.0.0"
    assert (await driver.send("GET", ME, **key)).json()["error"] == "unknown_integration"


async def test_the_account_is_told_by_a_call_where_the_definition_learns_it_there(sandbox_of):
    oauth = {**ACME["auth"][0], "afterToken": [{"method": "me", "id": "to_string(id)", "label": "name"}]}
    oauth["token"] = {**oauth["token"], "account": {}}
    driver = sandbox_of(acme(auth=[oauth]))
    assert "Ada (2)" in (await driver.ask()).text
    first, second = await driver.signed_in(), await driver.signed_in(account="2")
    assert (await driver.call("/me", first["access_token"])).json() == {"id": 7, "name": "Ada"}
    assert (await driver.call("/me", second["access_token"])).json() == {"id": 8, "name": "Ada (2)"}
