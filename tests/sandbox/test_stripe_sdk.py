"""Stripe's official client, pointed at the sandbox, works as it does against Stripe."""

from __future__ import annotations

import asyncio

import pytest
from stripe import AuthenticationError, InvalidRequestError, RateLimitError, RequestsClient, StripeClient

from app.foundation.clock import SystemClock
from app.sandbox.application import sandbox_credentials
from app.sandbox.state import MemoryState
from app.sandbox.switches import Switchboard, Switches
from tests.sandbox.outside import mounted
from tests.sandbox.server import serving
from tests.sandbox.shipped import CATALOG

KEY = sandbox_credentials(CATALOG.definition("stripe").auth[0])["key"]


@pytest.fixture
def state():
    return MemoryState(SystemClock())


@pytest.fixture
async def client_of(state):
    made = []

    async with serving(mounted(CATALOG, SystemClock(), state)) as origin:

        def make(key):
            http = RequestsClient(timeout=10)
            made.append(http)
            base = {"api": f"{origin}/sandbox/stripe@1.0.0/api.stripe.com"}
            return StripeClient(key, http_client=http, base_addresses=base, max_network_retries=0)

        yield make
        for http in made:
            await asyncio.to_thread(http.close)


async def test_the_client_reads_with_the_right_key(client_of):
    client = client_of(KEY)
    balance = await asyncio.to_thread(client.v1.balance.retrieve)
    assert balance.object == "balance"
    customers = await asyncio.to_thread(client.v1.customers.list, {"limit": 3, "email": "ada@example.com"})
    assert customers.data[0].object == "customer"


async def test_the_client_writes_nested_forms(client_of):
    params = {"email": "ada@example.com", "name": "Ada & Co", "metadata": {"order": "1001"}}
    customer = await asyncio.to_thread(client_of(KEY).v1.customers.create, params)
    assert customer.id.startswith("cus_")
    assert customer.email == "ada@example.com"
    assert customer.name == "Ada & Co"


async def test_a_wrong_key_is_stripes_own_error(client_of):
    with pytest.raises(AuthenticationError) as refused:
        await asyncio.to_thread(client_of("sk_test_wrong0000").v1.balance.retrieve)
    assert refused.value.http_status == 401


async def test_a_missing_object_is_stripes_own_error(client_of):
    definition = CATALOG.definition("stripe").methods["customers.retrieve"]
    missing = next(example for example in definition.examples if example.outcome == "UPSTREAM_NOT_FOUND")
    with pytest.raises(InvalidRequestError) as refused:
        await asyncio.to_thread(client_of(KEY).v1.customers.retrieve, missing.params["customer"])
    assert refused.value.code == "resource_missing"


async def test_a_rate_limit_is_stripes_own_error(client_of, state):
    await Switchboard(state).set("stripe", Switches(retry_after_s=1))
    with pytest.raises(RateLimitError):
        await asyncio.to_thread(client_of(KEY).v1.balance.retrieve)
