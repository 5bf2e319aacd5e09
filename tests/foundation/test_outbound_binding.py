"""Secrets that are bound to places are sent nowhere else, wherever the address came from."""

from __future__ import annotations

import httpx
import pytest

from app.foundation.clock import FrozenClock
from app.foundation.egress import EgressPolicy
from app.foundation.errors import ApplicationRejectedError
from app.foundation.messages import Binding, Destination, OutRequest
from app.foundation.outbound import Outbound
from app.foundation.problems import ProblemCode
from app.foundation.secret import Secret

SECRET = Secret("the-client-secret-of-acme")
HOSTS = ("login.acme.example", "*.shops.example", "evil.example")
TO_ORIGINS = Binding("Acme", (SECRET,), ("https://login.acme.example", "https://a.shops.example:8443"), ())
TO_HOSTS = Binding("Acme", (SECRET,), (), ("login.acme.example", "*.shops.example"))
GOOD = "https://login.acme.example/token"


async def sent(url, binding, *secrets):
    """Send a request with these secrets; return the addresses that it reached, and the problem."""
    reached = []

    def answer(request):
        reached.append(str(request.url))
        return httpx.Response(200)

    outbound, problem = (
        Outbound(EgressPolicy(), transport=httpx.MockTransport(answer), clock=FrozenClock()),
        None,
    )
    try:
        await outbound.send(OutRequest("POST", url, secrets=secrets), Destination(HOSTS, binding=binding))
    except ApplicationRejectedError as refused:
        problem = refused.problem
    await outbound.aclose()
    return reached, problem


@pytest.mark.parametrize(
    ("url", "binding", "goes"),
    [
        (GOOD, TO_ORIGINS, True),
        ("https://LOGIN.acme.example:443/token", TO_ORIGINS, True),
        ("https://a.shops.example:8443/token", TO_ORIGINS, True),
        ("https://a.shops.example/token", TO_ORIGINS, False),
        ("https://login.acme.example:8443/token", TO_ORIGINS, False),
        ("https://evil.example/token", TO_ORIGINS, False),
        (GOOD, TO_HOSTS, True),
        ("https://b.shops.example/token", TO_HOSTS, True),
        ("https://evil.example/login.acme.example", TO_HOSTS, False),
    ],
)
async def test_a_bound_secret_goes_to_its_places_alone(url, binding, goes):
    reached, problem = await sent(url, binding, Secret("another"), SECRET)
    assert len(reached) == goes
    assert (problem is None) is goes
    assert problem is None or (problem.code, "Acme" in problem.message) == (
        ProblemCode.APPLICATION_NOT_FOR_ADDRESS,
        True,
    )


async def test_a_request_without_the_secret_goes_wherever_the_destination_lets_it():
    url = "https://evil.example/x"
    assert await sent(url, TO_ORIGINS, Secret("another")) == ([url], None)
