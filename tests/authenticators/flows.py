"""Drives authenticator flows by hand: what they yield is recorded, what they are sent is given."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from app.authenticators.base import ApplicationFacts, Attempt, Callback, Facts, Flow
from app.catalog.definition import AuthMethod
from app.foundation.errors import PatchbayError
from app.foundation.messages import InResponse, OutRequest
from app.foundation.secret import Secret
from tests.factories.definitions import make_api_key, make_definition

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
REDIRECT_URI = "https://hub.example/oauth/return/app_1"
STATE = "CANARY-state-0123456789abcdefghijklmnopqrs"
CANARY = "CANARY"


@dataclass
class Ran:
    """What a flow did: its result or its error, and the requests it yielded."""

    result: Any = None
    error: PatchbayError | None = None
    requests: list[OutRequest] = field(default_factory=list)

    @property
    def codes(self) -> list[str]:
        assert self.error is not None, f"no error, but {self.result!r}"
        return [problem.code.value for problem in self.error.problems]


def run_flow(flow: Flow[Any], *answers: InResponse | Exception) -> Ran:
    """Run a flow to its end; an exception among the answers is thrown in, as a failed send is.

    The last answer is given to later tries too: an outage lasts.
    """
    ran, waiting = Ran(), iter(answers)
    answer: InResponse | Exception | None = None
    try:
        request = next(flow)
        while True:
            ran.requests.append(request)
            answer = next(waiting, answer if request.wait_s else None)
            assert answer is not None, f"no answer is left for {request!r}"
            request = flow.throw(answer) if isinstance(answer, Exception) else flow.send(answer)
    except StopIteration as end:
        ran.result = end.value
    except PatchbayError as error:
        assert_safe(error)
        ran.error = error
    return ran


def assert_safe(error: BaseException) -> None:
    """No secret of a test stands in anything that an error shows."""
    while error is not None:
        assert CANARY not in f"{error}{error!r}{error.args}"
        if isinstance(error, PatchbayError):
            assert CANARY not in json.dumps([problem.to_json() for problem in error.problems])
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def make_facts(method: AuthMethod | None = None, **changes: Any) -> Facts:
    """Facts with an application, a redirect URI and a random source that counts."""
    counter = itertools.count()
    given = {
        "definition": make_definition(*([method] if method else [])),
        "method": method or make_api_key(),
        "now": NOW,
        "random": lambda: f"CANARY-random-{next(counter):029}",
        "application": ApplicationFacts("client-1", Secret("CANARY-client-secret")),
        "redirect_uri": REDIRECT_URI,
        **changes,
    }
    return Facts(**given)


def make_attempt(**changes: Any) -> Attempt:
    given = {"state": Secret(STATE), "scopes": ("read", "write"), **changes}
    return Attempt(**given)


def begun(**changes: Any) -> Attempt:
    """An attempt whose code verifier was kept."""
    return make_attempt(
        kept={"codeVerifier": Secret("CANARY-verifier-0123456789abcdefghijklmnopq")}, **changes
    )


def callback(*pairs: tuple[str, str], **params: str) -> Callback:
    """The return with this attempt's state, unless stated otherwise; None leaves a parameter out."""
    merged = {"state": STATE, **params}
    return Callback((*((name, value) for name, value in merged.items() if value is not None), *pairs))


def answer(body: Any = None, status: int = 200, **headers: str) -> InResponse:
    """An answer with a JSON body."""
    given = {
        "content-type": "application/json",
        **{key.replace("_", "-"): text for key, text in headers.items()},
    }
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return InResponse(status, tuple(given.items()), data)


def form_answer(body: Mapping[str, str], status: int = 200, media_type: str = "") -> InResponse:
    """An answer with a form body."""
    given = media_type or "application/x-www-form-urlencoded; charset=utf-8"
    return InResponse(status, (("Content-Type", given),), urlencode(body).encode())


def token_body(**changes: Any) -> dict[str, Any]:
    """A good token answer's body."""
    body = {
        "access_token": "CANARY-access-1",
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": "CANARY-refresh-1",
        "scope": "read write",
        "account": {"id": "acc_1", "name": "Acme Ltd"},
        "team_id": "T1",
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not ...}


def form_of(request: OutRequest) -> dict[str, str]:
    """The request's form body, each name once."""
    pairs = parse_qs(request.body.decode(), keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in pairs.values())
    return {name: values[0] for name, values in pairs.items()}


def query_of(url: str) -> dict[str, str]:
    """The URL's query, each name once."""
    pairs = parse_qs(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in pairs.values())
    return {name: values[0] for name, values in pairs.items()}


def header_of(request: OutRequest, name: str) -> str | None:
    return next((value for key, value in request.headers if key.lower() == name.lower()), None)
