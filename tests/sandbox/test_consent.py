"""The consent page: what it checks, what it shows, and what it never does."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.sandbox.acme import OAUTH, acme, acme_oauth
from tests.sandbox.outside import ticked_scopes


async def test_the_page_names_the_integration_the_scopes_and_that_it_is_a_sandbox(sandbox):
    shown = await sandbox.ask()
    assert shown.status_code == 200
    assert "Acme &amp; &lt;Sons&gt;" in shown.text
    assert "Sandbox" in shown.text
    assert "Read orders" in shown.text
    assert ticked_scopes(shown.text) == ["orders.read", "orders.write", "offline_access"]
    assert "org-77" in shown.text
    assert "org-78" in shown.text


async def test_every_field_of_the_page_has_a_label(sandbox):
    markup = (await sandbox.ask()).text
    fields = set(re.findall(r'<input[^>]* id="([^"]+)"', markup))
    assert fields == set(re.findall(r'<label for="([^"]+)"', markup))
    assert len(fields) == 5
    assert '<html lang="en">' in markup


async def test_the_page_is_guarded_and_asks_nothing_of_the_outside(sandbox):
    shown = await sandbox.ask()
    policy = shown.headers["content-security-policy"]
    style = re.search("<style>(.*?)</style>", shown.text, re.DOTALL).group(1)
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self' http://127.0.0.1:9; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert shown.headers["cache-control"] == "no-store"
    assert "<script" not in shown.text
    assert not re.findall(r'(?:src|href|action)="', shown.text)


@pytest.mark.parametrize(
    ("redirect", "source"),
    [
        ("https://hub.example/return", "https://hub.example"),
        ("https://hub.example:8443/return?x=1", "https://hub.example:8443"),
        ("http://localhost:8000/return", "http://localhost:8000"),
        ("http://[::1]:8000/return", "http:"),
    ],
)
async def test_the_form_may_lead_to_the_redirect_uri(sandbox, redirect, source):
    shown = await sandbox.ask(redirect_uri=redirect)
    assert f"form-action 'self' {source}; " in shown.headers["content-security-policy"]
    returned = await sandbox.consent(redirect_uri=redirect)
    assert returned["code"]


@pytest.mark.parametrize(
    "params",
    [
        {"client_id": None},
        {"client_id": "somebody"},
        {"redirect_uri": None},
        {"redirect_uri": ""},
        {"redirect_uri": "http://hub.example/return"},
        {"redirect_uri": "ftp://127.0.0.1/return"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "/return"},
        {"redirect_uri": "https:///return"},
        {"redirect_uri": "https://hub.example/return#fragment"},
        {"redirect_uri": "https://hub.example/return#"},
        {"redirect_uri": "https://127.0.0.1@evil.example/"},
        {"redirect_uri": "https://hub.example\\@evil.example/"},
        {"redirect_uri": "https://hub.example:99999/"},
        {"redirect_uri": "https://hub.example:x/"},
        {"redirect_uri": "https://[::1"},
        {"redirect_uri": "https://hub.example/\r\nSet-Cookie: a=b"},
        {"redirect_uri": "https://hub.exämple/"},
        {"redirect_uri": "https://hub.example;script-src/"},
        {"redirect_uri": "https://hub.example/" + "a" * 2000},
    ],
)
async def test_an_unknown_application_or_address_is_told_to_the_person_only(sandbox, params):
    shown = await sandbox.ask(**params)
    assert shown.status_code == 400
    assert "location" not in shown.headers
    assert "<form" not in shown.text
    decided = await sandbox.send(
        "POST",
        "https://login.acme.example/authorize",
        params=sandbox.asked(**params),
        data={"decision": "allow"},
    )
    assert decided.status_code == 400


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "v" * 44}, "invalid_request"),
        ({"scope": "orders.read everything"}, "invalid_scope"),
    ],
)
async def test_a_wrong_request_goes_back_to_the_application_as_an_error(sandbox, params, error):
    refused = await sandbox.ask(**params)
    assert refused.status_code == 303
    returned = parse_qs(urlsplit(refused.headers["location"]).query)
    assert returned["error"] == [error]
    assert returned["state"] == ["st 1&é"]


async def test_the_sandbox_is_no_open_redirector(sandbox):
    refused = await sandbox.ask(redirect_uri="https://elsewhere.example/return", scope="everything")
    assert refused.status_code == 400
    assert "location" not in refused.headers
    link = re.search(r'href="([^"]+)"', refused.text).group(1)
    assert link.startswith("https://elsewhere.example/return?error=invalid_scope")
    home = await sandbox.ask(redirect_uri="https://sandbox.test/return", scope="everything")
    assert home.status_code == 303


async def test_without_scopes_the_page_says_so(sandbox):
    shown = await sandbox.ask(scope=None)
    assert "no particular permission" in shown.text


async def test_a_form_without_a_decision_shows_the_page_again(sandbox):
    shown = await sandbox.send("POST", "https://login.acme.example/authorize", params=sandbox.asked())
    assert shown.status_code == 200
    assert "<form" in shown.text


async def test_scopes_that_were_not_asked_for_are_not_granted(sandbox):
    url = "https://login.acme.example/authorize"
    form = {"decision": "allow", "scope": ["orders.write", "admin"], "account": "99"}
    decided = await sandbox.send(
        "POST", url, params=sandbox.asked(scope="orders.read orders.write"), data=form
    )
    code = parse_qs(urlsplit(decided.headers["location"]).query)["code"][0]
    body = (await sandbox.exchange(code)).json()
    assert body["scope"] == "orders.write"
    assert body["org"]["id"] == "org-77"


@pytest.mark.parametrize("verb", ["PUT", "DELETE", "PATCH"])
async def test_the_authorization_endpoint_takes_get_and_post(sandbox, verb):
    refused = await sandbox.send(verb, "https://login.acme.example/authorize", params=sandbox.asked())
    assert refused.status_code == 405


async def test_the_query_of_the_redirect_uri_is_kept(sandbox):
    returned = await sandbox.consent(redirect_uri="https://hub.example/return?tenant=7")
    assert returned["tenant"] == "7"
    assert returned["code"]


async def test_what_the_definition_expects_on_the_return_is_there(sandbox_of):
    oauth = {
        "authorizeUrl": "https://{config.shop}.acme.example/authorize",
        "issuer": "https://login.acme.example",
        "callback": {
            "realmId": {"pattern": "^[0-9]{10,19}$"},
            "shop": {"pattern": r"^[a-z0-9-]+\.acme\.example$"},
            "odd": {"pattern": "^(?:x{7}y)$", "required": False},
        },
        "callbackHmac": "hmac",
    }
    driver = sandbox_of(acme_oauth(oauth))
    returned = await driver.consent("https://my-shop.acme.example/authorize")
    assert returned["iss"] == "https://login.acme.example"
    assert returned["realmId"].isdecimal()
    assert returned["shop"] == "my-shop.acme.example"
    assert "odd" not in returned
    given = returned.pop("hmac")
    message = "&".join(f"{name}={value}" for name, value in sorted(returned.items()))
    assert given == hmac.new(b"sandbox-secret", message.encode(), hashlib.sha256).hexdigest()
    assert (await driver.exchange(returned["code"])).status_code == 200


async def test_of_two_sign_ins_at_one_address_the_one_whose_scopes_are_asked_for_is_meant(sandbox_of):
    person = {
        **OAUTH,
        "id": "person",
        "scopeParam": "user_scope",
        "scopes": [{"name": "me", "label": "Be you"}],
    }
    driver = sandbox_of(acme(auth=[OAUTH, person]))
    shown = await driver.ask(scope=None, user_scope="me")
    assert "Be you" in shown.text
    body = await driver.signed_in(scope=None, user_scope="me")
    assert body["scope"] == "me"


async def test_scopes_in_a_parameter_of_their_own_are_asked_for_too(sandbox_of):
    scopes = [{"name": "a", "label": "A"}, {"name": "b", "label": "B", "param": "user_scope"}]
    driver = sandbox_of(acme_oauth({"scopes": scopes, "scopeSeparator": ","}))
    shown = await driver.ask(scope="a", user_scope="b")
    assert ticked_scopes(shown.text) == ["a", "b"]


async def test_configured_scopes_can_be_any(sandbox_of):
    driver = sandbox_of(acme_oauth({"scopesFromConfig": "scopes"}))
    body = await driver.signed_in(scope='whatever "quoted" <b>')
    assert body["scope"] == 'whatever "quoted" <b>'
