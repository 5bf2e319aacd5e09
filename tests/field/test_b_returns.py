"""Returns from the provider as browsers really bring them, through the hub's own door."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from app.connections.snapshot import AuthorizationStateName as State
from tests.canary import secret
from tests.connections.conftest import BROWSER
from tests.field.conftest import door


async def begun(live):
    """Return an authorization that waits for its person, the path of its return, and the state that it sent."""
    authorization = await live.begin(await live.live())
    started = await live.hub.browser.start(authorization.id, BROWSER)
    path = urlsplit(authorization.step.redirect_uri).path
    return authorization.id, path, parse_qs(urlsplit(started.url).query)["state"][0]


async def come_back(live, path, query: str, *, posted: bool = False):
    """Bring the browser back with exactly this query, or this body of a form."""
    async with door(live) as client:
        if not posted:
            return await client.get(f"{path}?{query}")
        return await client.post(
            path, content=query, headers={"content-type": "application/x-www-form-urlencoded"}
        )


WORDS = {
    "in Latin-1, posted": ("Acc%E8s+refus%E9", "Acc\u00e8s refus\u00e9"),
    "in Latin-1": ("Acc%E8s", "Acc\u00e8s"),
    "in UTF-8": ("Acc%C3%A8s", "Acc\u00e8s"),
    "in Windows-1252": ("%93No%94", "\u201cNo\u201d"),
    "cut within a character": ("Acc%C3", "Acc\u00c3"),
    "that are no text": ("%00%81%FE+x", "\u00fe x"),
    "that are long": ("no+" * 3_000, ("no " * 100).strip()),
}


@pytest.mark.parametrize(("sent", "shown"), WORDS.values(), ids=[f"B3 words {name}" for name in WORDS])
async def test_b3_a_denial_ends_the_attempt_in_whatever_words_it_comes(live, sent, shown):
    id_, path, state = await begun(live)
    query = f"error=access_denied&error_description={sent}&state={state}"
    page = await come_back(live, path, query, posted=shown == "Acc\u00e8s refus\u00e9")
    authorization = await live.authorization(id_)
    assert (page.status_code, authorization.state) == (400, State.FAILED)
    assert authorization.problem.code == "CONSENT_DENIED"
    assert authorization.problem.details["providerDetail"].strip() == shown
    assert live.provider.count("/token") == 0


async def test_b3_a_code_without_a_value_beside_an_error_is_none(live):
    """B3, the neighbour: parameters without a value are as good as left out (RFC 6749 3.1)."""
    id_, path, state = await begun(live)
    await come_back(live, path, f"code=&error=access_denied&state={state}")
    assert (await live.authorization(id_)).problem.code == "CONSENT_DENIED"


RETURNS = {
    "a code of 9,000 characters": {"code": secret("code-") + "c" * 9_000},
    "a code of 30,000 characters": {"code": secret("code-") + "c" * 30_000},
    "60 parameters": {"code": secret("code-"), **{f"p{number}": "x" for number in range(60)}},
    "900 parameters, posted": {"code": secret("code-"), **{f"p{number}": "x" for number in range(900)}},
    "a parameter of 20,000 characters": {"code": secret("code-"), "session_state": "s" * 20_000},
    "a name of 1,000 characters": {"code": secret("code-"), "n" * 1_000: "1"},
    "every character that a code may have": {"code": "".join(map(chr, range(0x20, 0x7F))) + secret("code-")},
}


@pytest.mark.parametrize("params", RETURNS.values(), ids=[f"B4 {name}" for name in RETURNS])
async def test_b4_a_return_is_bounded_by_the_length_of_an_address(live, params):
    id_, path, state = await begun(live)
    page = await come_back(live, path, urlencode({**params, "state": state}), posted="p899" in params)
    assert page.status_code == 200
    assert (await live.authorization(id_)).state is State.AUTHENTICATED
    assert live.provider.asked[-1][1]["code"] == params["code"]
