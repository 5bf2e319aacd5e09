"""What is sent to the outside and what comes back, as plain values; nothing here touches the network."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.foundation.bounded_json import JsonRefusedError, parse_json
from app.foundation.certificates import TlsMaterial
from app.foundation.charsets import as_utf8, decoded
from app.foundation.egress import EgressRefusedError, EgressTarget, host_matches, parse_target
from app.foundation.errors import RefusedOutsideError
from app.foundation.problems import ProblemCode, problem
from app.foundation.redaction import Redactor
from app.foundation.redirect import Redirect
from app.foundation.secret import Secret

Headers = tuple[tuple[str, str], ...]
TraceStage = Literal["resolve", "connect", "tls", "request", "response", "redirect"]
StageState = Literal["started", "done", "failed"]
_DOT_SEGMENTS: Final = {".": 0, "..": 1}


class ResponseNotJsonError(RefusedOutsideError):
    """The body is not JSON that the hub reads."""

    def __init__(self) -> None:
        super().__init__(problem(ProblemCode.UPSTREAM_BAD_RESPONSE, details={"cause": "NOT_JSON"}))


@dataclass(frozen=True, repr=False)
class OutRequest:
    """One request to the outside, and where its secrets stand.

    ``shown_url`` is the URL for records and ``repr``: where it is not given it is made from ``url``. Names
    in ``secret_headers``, ``secret_query`` (parameters) and ``secret_fields`` (of a form or of JSON, at any
    depth) are hidden whatever the case; ``secrets`` are hidden by value wherever they stand. Who sends it waits
    ``wait_s`` seconds before. ``base_url`` is what all calls of the connection have in common, where there is such an
    address.
    """

    method: str
    url: str
    headers: Headers = ()
    body: bytes | None = None
    shown_url: str = ""
    secret_headers: Collection[str] = ()
    secret_query: Collection[str] = ()
    secret_fields: Collection[str] = ()
    secrets: tuple[Secret, ...] = ()
    base_url: str = ""
    wait_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.shown_url:
            object.__setattr__(self, "shown_url", self.redactor().loose_text(self.url))

    def __repr__(self) -> str:
        return f"OutRequest({self.method} {self.shown_url})"

    def redactor(self, base: Redactor | None = None) -> Redactor:
        """Return a redactor that knows this request's secrets and positions, besides what ``base`` knows."""
        return (base or Redactor()).with_names(
            self.secrets, headers=self.secret_headers, names=(*self.secret_query, *self.secret_fields)
        )


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds of the last hop's stages, and of all together; None for a stage that did not happen.

    A connection that was kept alive has no ``resolve_ms``, ``connect_ms`` and ``tls_ms``. ``first_byte_ms``
    counts from the moment the hop began.
    """

    resolve_ms: int | None = None
    connect_ms: int | None = None
    tls_ms: int | None = None
    first_byte_ms: int | None = None
    total_ms: int | None = None


@dataclass(frozen=True, repr=False)
class InResponse:
    """One answer: its body whole and decoded, its headers as they came, its URL in the shown form.

    ``redirects`` led to it, in their order; the last one was not followed where the answer itself is the redirect.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    timings: Timings = Timings()
    url: str = ""
    redirects: tuple[Redirect, ...] = ()

    def __repr__(self) -> str:
        return f"InResponse({self.status}, {len(self.body)} bytes)"

    def header(self, name: str) -> str | None:
        """Return the first value of a header, or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def json(self) -> Any:  # noqa: ANN401 - JSON edge
        """Return the body as plain JSON: at most 64 deep, integers of 64 bits, finite numbers, in UTF-8 or as declared.

        Raises:
            ResponseNotJsonError: it is not that.
        """
        try:
            return parse_json(as_utf8(self.body, self.header("content-type")))
        except JsonRefusedError:
            raise ResponseNotJsonError from None

    def text(self, limit: int) -> str:
        """Return the first ``limit`` characters of the body; what cannot be read becomes U+FFFD."""
        data = self.body[: limit * 4]
        text = decoded(data, self.header("content-type"), is_cut=len(data) < len(self.body))
        return (data.decode("utf-8", "replace") if text is None else text)[:limit]


@dataclass(frozen=True, slots=True)
class SandboxRoute:
    """The way to the simulated outside: every host becomes a folder below one address of the hub itself."""

    origin: str  # "http://127.0.0.1:8000", or the hub's own address with its path
    prefix: str  # "/sandbox/slack@1.1.0"
    public_origin: str = ""  # where people reach the same, where that is not ``origin``

    def shown(self, url: str) -> str:
        """Return the address of the sandbox for a shown URL, as a person can call it; it need not be a strict one."""
        return f"{(self.public_origin or self.origin).rstrip('/')}/{self.prefix.strip('/')}/{url.partition('://')[2]}"

    def rewrite(self, url: str) -> str:
        """Return where the sandbox plays ``url``: ``https://slack.com/x`` becomes ``.../slack.com/x``.

        A port that is not the scheme's own stays with the host. Dot segments are resolved first, so that no
        path climbs out of its host's folder.

        Raises:
            EgressRefusedError: it is not an absolute http or https URL of the strict form.
        """
        target = parse_target(url)
        return f"{self._base}{target.authority}{_without_dot_segments(target.path)}"

    def original(self, url: str) -> str | None:
        """Return which URL the sandbox plays at ``url``, or None where it is outside the sandbox's folder."""
        try:
            path = parse_target(url).url.removeprefix(self._base)
            played = parse_target(f"https://{path}").url
            return played if self.rewrite(played) == parse_target(url).url else None
        except EgressRefusedError:
            return None

    @property
    def _base(self) -> str:
        origin = parse_target(self.origin)
        return f"{origin.scheme}://{origin.authority}{origin.path.rstrip('/')}/{self.prefix.strip('/')}/"


@dataclass(frozen=True, slots=True)
class Binding:
    """Secrets that go to these places alone: to the ``origins``, or, where there are none, to the ``hosts``.

    ``owner`` is the name of what they belong to, for the problem of a request that would take one elsewhere.
    """

    owner: str
    secrets: tuple[Secret, ...]
    origins: tuple[str, ...]
    hosts: tuple[str, ...]

    def admits(self, target: EgressTarget) -> bool:
        """Return whether a request with one of the secrets may go there."""
        if self.origins:
            return target.origin_text in self.origins
        return any(host_matches(target.host, pattern) for pattern in self.hosts)

    def holds_back(self, request: OutRequest, target: EgressTarget) -> bool:
        """Return whether the request bears one of the secrets and would go elsewhere."""
        return not self.admits(target) and any(secret in request.secrets for secret in self.secrets)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request may go: hosts and ``*.`` patterns, or the sandbox and nothing else; ``tls`` goes along.

    ``binding`` narrows that for requests that bear certain secrets.
    """

    hosts: tuple[str, ...]
    sandbox: SandboxRoute | None = None
    tls: TlsMaterial | None = None
    binding: Binding | None = None


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One stage of a request beginning or ending, reported as it happens; ``at_ms`` counts from the call.

    Evidence of ``resolve``: ``host``, ``addresses`` (how many) and ``publicAddresses``; of ``tls``:
    ``version``, ``cipher``, ``subject``, ``issuer``, ``notAfter``; of ``request``: ``method``, ``host``; of
    ``response``: ``status``, ``bytes``; of ``redirect``, which is done at once: ``status``, ``to``. A failed stage
    has ``code``, the problem's.
    """

    stage: TraceStage
    state: StageState
    at_ms: int
    evidence: dict[str, Any]


def _without_dot_segments(path_and_query: str) -> str:
    """Resolve ``.`` and ``..`` (RFC 3986 5.2.4), also where a dot is written ``%2e`` as browsers read it."""
    path, mark, query = path_and_query.partition("?")
    segments = path.split("/")[1:]
    kept: list[str] = []
    for index, segment in enumerate(segments):
        plain = segment.lower().replace("%2e", ".")
        if plain not in _DOT_SEGMENTS:
            kept.append(segment)
            continue
        del kept[len(kept) - min(_DOT_SEGMENTS[plain], len(kept)) :]
        if index == len(segments) - 1:
            kept.append("")
    return f"/{'/'.join(kept)}{mark}{query}"
