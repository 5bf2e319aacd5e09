import pytest

from app.catalog.definition import AuthKind
from app.catalog.loader import load_text
from tests.catalog.quirks import QUIRKS, document_of


@pytest.mark.parametrize("quirk", QUIRKS.values(), ids=QUIRKS)
def test_the_habits_of_providers_are_data(quirk):
    loaded = load_text(document_of(quirk).encode(), "acme/1.0.0.yaml")

    assert [str(fault) for fault in loaded.faults] == []
    assert loaded.definition.auth[0].kind in AuthKind


def built(name):
    return load_text(document_of(QUIRKS[name]).encode(), "a").definition.auth[0]


def test_what_is_said_reaches_the_authenticators():
    facebook = built("facebook: exchange instead of renewal, errors as objects").oauth2
    shopify = built("shopify: a host per shop, a signed return, an own header")
    zoho = built("zoho: the return names the data centre").oauth2
    slack = built("slack: bot and person in one consent")
    login = built("two steps: a login gives a session that is renewed by another login").login
    service = built("google: a service account signs its own assertion").oauth2

    assert facebook.renewal.at_once is True
    assert facebook.revoke_method == "DELETE"
    assert shopify.oauth2.callback_hmac == "hmac"
    assert shopify.place[0].name == "X-Shopify-Access-Token"
    assert zoho.callback["accounts-server"].keep == "accounts"
    assert [scope.param for scope in slack.scopes] == [None, "user_scope"]
    assert dict(slack.oauth2.token.secrets) == {
        "userToken": "authed_user.access_token",
        "userRefreshToken": "authed_user.refresh_token",
    }
    assert login.token.access_token == "session.id"
    assert login.renewal.by == "login"
    assert service.assertion.lifetime_s == 3600
    assert service.renewal.by == "grant"
    assert built("aws: each request is signed").sign["scheme"] == "aws4"
    assert built("tumblr: oauth 1.0a").oauth1.signature == "HMAC-SHA1"
