"""Writes requests to an authorization server's endpoints, with every secret in them marked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal
from urllib.parse import quote, urlencode

from app.authenticators.base import Facts
from app.authenticators.oauth2_client_auth import NO_PROOF, ClientProof, client_proof
from app.authenticators.values import Param, Values
from app.catalog.definition import OAuth2
from app.foundation.messages import OutRequest
from app.foundation.secret import Secret

_SECRET_PARAMS: Final = frozenset({
    "code", "client_secret", "refresh_token", "code_verifier", "assertion", "client_assertion", "password",
    "token", "device_code",
})  # fmt: skip
_ANSWERED: Final = ("access_token", "refresh_token", "id_token")


def token_request(
    oauth: OAuth2,
    facts: Facts,
    values: Values,
    params: Mapping[str, str],
    own: Sequence[Param] = (),
    *,
    url: str | None = None,
    is_anonymous: bool = False,
) -> OutRequest:
    """Return a request to the token endpoint: ``params``, the definition's ``own``, and the client's proof.

    ``url`` is used in place of the token endpoint where a renewal goes elsewhere. ``is_anonymous`` leaves the
    client out, where an assertion says all (RFC 7521 4.1).
    """
    endpoint = values.url(url or oauth.token_url)
    own = [*own, *values.params(oauth.token_params)]
    proof = NO_PROOF if is_anonymous else client_proof(oauth, facts, values, endpoint)
    return endpoint_request(oauth, values, endpoint, params, own, proof=proof)


def endpoint_request(
    oauth: OAuth2,
    values: Values,
    url: str,
    params: Mapping[str, str],
    own: Iterable[Param] = (),
    *,
    proof: ClientProof = NO_PROOF,
    http_method: str = "POST",
    body: Literal["form", "json"] | None = None,
) -> OutRequest:
    """Return a request to ``url`` with protocol parameters and the definition's ``own``, renamed as it says.

    Parameters of a GET stand in the query, else in a form or a JSON object. Later parameters of a name win.
    """
    given = [Param(name, value) for name, value in (*proof.params.items(), *params.items())]
    renamed = [
        Param(oauth.names.get(name, name), param.value, param.is_secret or name in _SECRET_PARAMS)
        for name, param in {param.name: param for param in (*given, *own)}.items()
    ]
    headers = {"Accept": "application/json", **{p.name: p.value for p in values.params(oauth.token_headers)}}
    if proof.authorization:
        headers["Authorization"] = proof.authorization
    return write_request(http_method, url, renamed, headers, body or oauth.body, proof.secrets)


def write_request(
    http_method: str,
    url: str,
    params: Iterable[Param],
    headers: Mapping[str, str],
    body: Literal["form", "json", "none"],
    secrets: tuple[Secret, ...] = (),
) -> OutRequest:
    """Return the request as bytes, with the positions and values of its secrets."""
    params = list(params)
    hidden = tuple(param.name for param in params if param.is_secret)
    found = tuple(Secret(param.value) for param in params if param.is_secret)
    in_query = http_method == "GET" and bool(params)
    content, media_type = (None, None) if in_query else _written(params, body)
    if media_type:
        headers = {**headers, "Content-Type": media_type}
    is_proven = any(name.lower() == "authorization" for name in headers)
    return OutRequest(
        http_method,
        _with_query(url, params) if in_query else url,
        tuple(headers.items()),
        content,
        secret_headers=("authorization",) if is_proven else (),
        secret_query=hidden if in_query else (),
        secret_fields=(*hidden, *_ANSWERED),
        secrets=(*secrets, *found),
    )


def _written(params: list[Param], body: str) -> tuple[bytes | None, str | None]:
    pairs = [(param.name, param.value) for param in params]
    if body == "none":
        return None, None
    if body == "json":
        return json.dumps(dict(pairs)).encode(), "application/json"
    return urlencode(pairs).encode(), "application/x-www-form-urlencoded"


def _with_query(url: str, params: list[Param]) -> str:
    query = urlencode([(param.name, param.value) for param in params], quote_via=quote, safe="*")
    return f"{url}{'&' if '?' in url else '?'}{query}"
