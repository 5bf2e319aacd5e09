"""O9: what a return brings besides the code is believed only where it fits what the hub knows."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from tests.journeys.plans import Plan
from tests.threats.provider import CLIENT_ID
from tests.threats.scene import PLAN, changed, param, told

SHOP = Plan("shop", "main", {"shop": "acme"}, mode="LIVE")
BOOKS = Plan("books", "main", mode="LIVE")
TENANTS = Plan("tenants", "main", mode="LIVE")
CENTRES = Plan("centres", "main", mode="LIVE")
INVALID = "CALLBACK_INVALID"


def signed(provider, returned, **more):
    """Return what Shopify adds to a return, signed as its documentation says."""
    extras = {
        "shop": "acme.myshopify.com",
        "timestamp": "1337178173",
        "host": "YWNtZS5teXNob3BpZnkuY29t",
        **more,
    }
    message = "&".join(f"{name}={value}" for name, value in sorted({**returned, **extras}.items()))
    digest = hmac.new(provider.client_secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    return {**extras, "hmac": digest}


def flipped(text, place):
    """Return a text in which one byte is another one of its kind."""
    old = text[place]
    new = "1" if old == "0" else "0" if old.isdigit() else "b" if old == "a" else "a"
    return text[:place] + new + text[place + 1 :]


@pytest.mark.threat("O9")
async def test_o09_a_signed_return_is_let_through(scene):
    scene.provider.extras = lambda returned: signed(scene.provider, returned)
    async with scene.browser() as browser:
        journey = await scene.journey(SHOP)
        page = await browser.open(journey.authorization["step"]["launchUrl"])

    assert page.status_code == 200
    assert [request.url.host for request in scene.provider.asked] == ["acme.myshopify.com"]
    assert scene.provider.token_calls[0]["client_id"] == CLIENT_ID


@pytest.mark.threat("O9")
@pytest.mark.parametrize("name", ["shop", "hmac", "code", "timestamp", "host"])
async def test_o09_one_flipped_byte_of_a_signed_return_is_refused(scene, name):
    scene.provider.extras = lambda returned: signed(scene.provider, returned)
    said = []
    async with scene.browser() as browser:
        for place in (0, 3, -1):
            journey = await scene.journey(SHOP)
            address = await scene.returning(browser, journey)
            page = await browser.open(changed(address, **{name: flipped(param(address, name), place)}))
            said.append(told(page))
            await scene.nothing_happened(journey)

    assert said == [INVALID] * 3


OTHER_SHOPS = [
    "other.myshopify.com", "acme.myshopify.com.evil.example", "evil.example", "acme.myshopify.com/x",
    "acme.evil.example", "acme", "-.myshopify.com", "acme.myshopify.com\n", "acme.myshopify.com:1", "",
    "169.254.169.254", "acme.myshopify.com#.evil.example", "x@acme.myshopify.com",
]  # fmt: skip


@pytest.mark.threat("O9")
async def test_o09_a_signed_shop_other_than_the_one_of_the_start_is_refused(scene):
    said = {}
    async with scene.browser() as browser:
        for shop in OTHER_SHOPS:
            scene.provider.extras = lambda returned, shop=shop: signed(scene.provider, returned, shop=shop)
            journey = await scene.journey(SHOP)
            said[shop] = told(await browser.open(await scene.returning(browser, journey)))
            await scene.nothing_happened(journey)

    assert said == dict.fromkeys(OTHER_SHOPS, INVALID)


@pytest.mark.threat("O9")
@pytest.mark.parametrize("plan", [BOOKS, TENANTS, CENTRES], ids=["realmId", "tenant", "accounts-server"])
async def test_o09_a_company_tenant_or_data_centre_that_does_not_fit_its_pattern_is_refused(scene, plan):
    right, wrong = {
        "books": ({"realmId": "1234567890123"}, {
            "realmId": ["", "x234567890123", "123456789012x", "12345", "1" * 20, "123/../4567890", "1234567890 12",
                        "\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff10", "12345678901\n"],
        }),
        "tenants": ({"tenant": "8eaef023-2b34-4da1-9baa-8bc8c9d6a490", "admin_consent": "True"}, {
            "tenant": ["common", "8eaef023-2b34-4da1-9baa-8bc8c9d6a49g", "8eaef023/2b34/4da1/9baa/8bc8c9d6a490"],
            "admin_consent": ["yes", "true;x", "truee"],
        }),
        "centres": ({"accounts-server": "https://accounts.zoho.eu", "location": "eu"}, {
            "accounts-server": ["https://accounts.zoho.evil", "http://accounts.zoho.eu", "https://accounts.zoho.eu/x",
                                "https://accounts.zoho.eu.evil.example", "https://accountsXzoho.eu",
                                "https://169.254.169.254", ""],
            "location": ["evil", "e/"],
        }),
    }[plan.integration]  # fmt: skip
    scene.provider.extras = lambda returned: right
    scene.provider.told = {"api_domain": "https://www.zohoapis.eu"}
    said = {}
    async with scene.browser() as browser:
        for name, values in wrong.items():
            for value in values:
                journey = await scene.journey(plan)
                page = await browser.open(changed(await scene.returning(browser, journey), **{name: value}))
                said[name, value] = told(page)
                await scene.nothing_happened(journey)
        journey = await scene.journey(plan)
        finished = await browser.open(journey.authorization["step"]["launchUrl"])

    assert set(said.values()) == {INVALID}, said
    assert finished.status_code == 200
    assert len(scene.provider.token_calls) == 1


@pytest.mark.threat("O9")
async def test_o09_no_return_can_name_where_the_code_is_sent(scene):
    evil = {"token_url": "https://evil.example/token", "instance_url": "https://evil.example", "api_domain": "x",
            "accounts-server": "https://evil.example", "location": "evil", "shop": "evil.example"}  # fmt: skip
    async with scene.browser() as browser:
        journey = await scene.journey(PLAN)
        await browser.open(changed(await scene.returning(browser, journey), **evil))

    assert [str(request.url) for request in scene.provider.asked] == ["https://auth.example.com/token"]
    with scene.hub.database.bind():
        connection = await journey.now()
    assert not any(value in str(connection) for value in evil.values() if len(value) > 4)
