"""What every authenticator promises, what it is given, and what it returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeAlias, TypeVar

from app.authenticators.steps import Step
from app.catalog.definition import AuthKind, AuthMethod, Definition
from app.foundation.errors import NotAllowedNowError, OutsideError, outside_error
from app.foundation.messages import InResponse, OutRequest
from app.foundation.plain_data import from_data, to_data
from app.foundation.problems import Problem, ProblemCode, problem
from app.foundation.secret import Secret
from app.foundation.shapes import secret_paths

T = TypeVar("T")
Flow: TypeAlias = Generator[OutRequest, InResponse, T]
NOTHING: Mapping[str, Any] = MappingProxyType({})


def _nothing() -> Mapping[str, Any]:
    return NOTHING


@dataclass(frozen=True, slots=True)
class ApplicationFacts:
    """What is registered with the provider; ``fields`` are those that the auth method adds.

    Its secrets go to the ``origins`` alone; where there are none, to the hosts that the definition vouches for.
    """

    client_id: str
    client_secret: Secret | None = None
    fields: Mapping[str, Any] = field(default_factory=_nothing)
    name: str = ""
    origins: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every secret of it."""
        found = (self.client_secret, *self.fields.values())
        return tuple(value for value in found if isinstance(value, Secret))


@dataclass(frozen=True, slots=True)
class Facts:
    """All that an authenticator may know: the method, and the world; it has no clock and no randomness of its own.

    ``config`` and ``application.fields`` may hold :class:`Secret` leaves. ``account`` is what earlier answers
    kept. ``random`` makes a fresh text of 43 URL-safe characters (256 bits) at each call.
    """

    definition: Definition
    method: AuthMethod
    now: datetime
    random: Callable[[], str]
    config: Mapping[str, Any] = field(default_factory=_nothing)
    application: ApplicationFacts | None = None
    account: Mapping[str, str] = field(default_factory=_nothing)
    redirect_uri: str | None = None

    @property
    def provider(self) -> str:
        """The provider's name, as messages use it."""
        return self.definition.name

    def knowing(self, account: Mapping[str, str]) -> Facts:
        """Return the facts with what an answer said of the account."""
        return replace(self, account={**self.account, **account})

    def error(self, code: ProblemCode, **details: Any) -> OutsideError:  # noqa: ANN401 - JSON values
        """Return the error of the outside that ``code`` is, said of this provider."""
        return outside_error(problem(code, provider=self.provider, details=details))

    def not_ready(self, code: ProblemCode, *path: str) -> NotAllowedNowError:
        """Return the error of something that has to be there first."""
        return NotAllowedNowError(problem(code, *path, provider=self.provider))


@dataclass(frozen=True, slots=True)
class AccountFound:
    """Which account was connected, as far as it was stated.

    ``kept`` is what templates use as ``{account.x}``.
    """

    id: str | None = None
    label: str | None = None
    kept: Mapping[str, str] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class Grant:
    """Usable credentials: tokens, or the fields that a person entered.

    ``values`` are named as placements name them (``accessToken``, ``refreshToken``, or the entered fields).
    Lifetimes count from the answer that made the grant; None is unknown, never endless. ``granted_scopes`` is
    None where the provider did not state it.
    """

    values: Mapping[str, Secret]
    expires_in_s: int | None = field(default=None, metadata={"key": "expiresIn"})
    refresh_expires_in_s: int | None = field(default=None, metadata={"key": "refreshExpiresIn"})
    granted_scopes: tuple[str, ...] | None = field(default=None, metadata={"key": "granted"})
    requested_scopes: tuple[str, ...] = field(default=(), metadata={"key": "requested"})
    account: AccountFound = field(default_factory=AccountFound)


NO_GRANT: Final = Grant(values=NOTHING)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One authorization as far as it went.

    ``state`` is the text that travels through the browser. ``kept`` is what the last :class:`Waiting`
    asked to seal. ``prefill`` puts example values into credential forms (sandbox only).
    """

    state: Secret
    scopes: tuple[str, ...] = ()
    kept: Mapping[str, Any] = field(default_factory=_nothing)
    prefill: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """The authorization goes on with ``step``.

    ``kept`` must be sealed with the authorization and handed back in the next :class:`Attempt`. Where
    ``poll_after_s`` is set, nobody needs to act here: :class:`Proceed` after that many seconds, not earlier.
    """

    step: Step
    kept: Mapping[str, Any] = field(default_factory=_nothing)
    poll_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """The parameters of the return address, decoded, in their order, duplicates included."""

    params: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Entered:
    """What a person entered into the credential form; strings may come as :class:`Secret`."""

    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The id of the option that a person chose."""

    option_id: str


@dataclass(frozen=True, slots=True)
class Proceed:
    """Nobody answered anything: go on by itself (NoStep), or ask the provider again (DeviceCodeStep)."""


Answer: TypeAlias = Callback | Entered | Chosen | Proceed


@dataclass(frozen=True, slots=True)
class RevocationReport:
    """What became of the credentials at the provider, by the names of ``Grant.values``.

    ``revoked`` no longer work there; ``alive`` may still work there, because the provider offers no
    revocation or refused it: ``problem`` says what it answered.
    """

    revoked: tuple[str, ...] = ()
    alive: tuple[str, ...] = ()
    problem: Problem | None = None


class Authenticator(ABC):
    """One kind of auth method. All is pure: what is yielded is sent by the caller, without redirects.

    Flows raise ``InvalidInputError`` (paths begin with ``credentials``), ``NotAllowedNowError``
    (configuration or application missing) and the subclasses of ``OutsideError``; the caller's own
    ``OutsideError`` of a failed send ends a flow. Without their own words for it, kinds cannot renew or revoke.
    """

    kind: ClassVar[AuthKind]

    @abstractmethod
    def begin(self, facts: Facts, attempt: Attempt) -> Flow[Waiting]:
        """Start an authorization: say what the person has to do first."""

    @abstractmethod
    def complete(self, facts: Facts, attempt: Attempt, answer: Answer) -> Flow[Grant | Waiting]:
        """Take the answer to the last step: the grant, or one more step."""

    def can_renew(self, method: AuthMethod, grant: Grant) -> bool:  # noqa: ARG002 - what other kinds need
        """Return whether :meth:`renew` can be tried without a person."""
        return False

    def renew(self, facts: Facts, grant: Grant) -> Flow[Grant]:  # noqa: ARG002 - what other kinds need
        """Renew the grant; the old one may be dead from the moment the request is sent."""
        yield from ()
        raise facts.error(ProblemCode.REAUTHENTICATION_REQUIRED, cause="NO_REFRESH_TOKEN")

    def revoke(self, facts: Facts, grant: Grant) -> Flow[RevocationReport]:
        """Take the grant back at the provider, where that can be done; report what may still work there."""
        yield from ()
        return RevocationReport(alive=secret_values(facts.method, grant.values))

    @abstractmethod
    def apply(self, facts: Facts, grant: Grant, request: OutRequest) -> OutRequest:
        """Place the credentials on a request and mark where they stand."""


def grant_to_stored(grant: Grant) -> dict[str, Any]:
    """Return the mapping that the vault seals: JSON with :class:`Secret` leaves."""
    stored: dict[str, Any] = to_data(grant)
    return stored


def grant_from_stored(stored: Mapping[str, Any]) -> Grant:
    """Read what :func:`grant_to_stored` wrote."""
    return from_data(Grant, stored)


def secret_fields(method: AuthMethod) -> frozenset[str]:
    """The names of the entered fields that the form's schema marks as secret."""
    return frozenset(path[0] for path in secret_paths(method.credentials or {}))


def entered_fields(method: AuthMethod) -> tuple[str, ...]:
    """The names of all fields of the credential form, in its order."""
    return tuple((method.credentials or {}).get("properties", {}))


def secret_values(method: AuthMethod, values: Iterable[str]) -> tuple[str, ...]:
    """The names among those of a grant's ``values`` that may not be shown: all but the form's plain fields."""
    shown = frozenset(entered_fields(method)) - secret_fields(method)
    return tuple(name for name in values if name not in shown)


def required(part: T | None) -> T:
    """Return a part of a definition that its kind of auth method or grant always has: the loader lets no other in."""
    if part is None:
        raise ValueError("the definition lacks a part that its kind must have")
    return part
