"""Content-Encoding as servers really write it (RFC 9110 8.4)."""

from __future__ import annotations

import gzip
import json

import pytest
from starlette.responses import Response

from app.connections.snapshot import AuthorizationStateName as State
from tests.field.provider import token_answer

WORDS = ["UTF-8", "utf8", "iso-8859-1", "binary", "none", "application/json", ""]


def coded(response: Response, coding: str, body: bytes | None = None) -> Response:
    return Response(response.body if body is None else body, headers={"content-encoding": coding})


@pytest.mark.parametrize("word", WORDS, ids=[f"B2 {word}" for word in WORDS])
async def test_b2_a_word_that_is_no_coding_leaves_the_answer_as_it_is(live, word):
    """B2: a charset where a coding belongs (httpx issue 195)."""
    live.provider.will("/token", coded(token_answer(), word))
    live.provider.will("/me", coded(Response(json.dumps({"sub": "1"})), word))
    connection = await live.live()
    assert (await live.sign_in(connection)).state is State.AUTHENTICATED
    assert (await live.tested(connection)).verdict == "PASSED"


async def test_b2_a_coding_that_was_asked_for_is_undone_whatever_stands_beside_it(live):
    answer = token_answer()
    live.provider.will("/token", coded(answer, "UTF-8, x-gzip", gzip.compress(answer.body)))
    assert (await live.sign_in(await live.live())).state is State.AUTHENTICATED


@pytest.mark.parametrize(
    "coding", ["br", "zstd", "compress", "gzip, gzip"], ids=lambda coding: f"B2 {coding}"
)
async def test_b2_a_real_coding_that_the_hub_does_not_read_is_named(live, coding):
    live.provider.will("/token", *(coded(token_answer(), coding) for _ in range(5)))
    problem = (await live.sign_in(await live.live())).problem
    assert (problem.code, problem.details["cause"]) == ("UPSTREAM_BAD_RESPONSE", "ENCODING")
    assert f'"{coding}"' in problem.details["providerDetail"]
