"""What every authenticator promises, what it is given, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar

from app.authenticators.steps import Step
from app.catalog.definition import AuthKind, AuthMethod, Definition
from app.foundation.messages import InResponse, OutRequest
from app.foundation.plain_data import from_data, to_data
from app.foundation.secret import Secret

T = TypeVar("T")
Flow: TypeAlias = Generator[OutRequest, InResponse, T]
NOTHING: Mapping[str, Any] = MappingProxyType({})


def _nothing() -> Mapping[str, Any]:
    return NOTHING


@dataclass(frozen=True, slots=True)
class ApplicationFacts:
    """What is registered with the provider; ``fields`` are those that the auth method adds."""

    client_id: str
    client_secret: Secret | None = None
    fields: Mapping[str, Any] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that an authenticator may know of the world; it reads no clock and makes no randomness of its own.

    ``config`` and ``application.fields`` may hold :class:`Secret` leaves. ``account`` is what earlier answers
    kept. ``random`` makes a fresh text of 43 URL-safe characters (256 bits) at each call.
    """

    definition: Definition
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
    revocation or refused it.
    """

    revoked: tuple[str, ...] = ()
    alive: tuple[str, ...] = ()


class Authenticator(Protocol):
    """One kind of auth method. All is pure: what is yielded is sent by the caller, without redirects.

    Flows raise ``InvalidInputError`` (paths begin with ``credentials``), ``NotAllowedNowError``
    (configuration or application missing) and the subclasses of ``OutsideError``; the caller's own
    ``OutsideError`` of a failed send ends a flow.
    """

    kind: ClassVar[AuthKind]

    def begin(self, method: AuthMethod, facts: Facts, attempt: Attempt) -> Flow[Waiting]:
        """Start an authorization: say what the person has to do first."""
        ...

    def complete(
        self, method: AuthMethod, facts: Facts, attempt: Attempt, answer: Answer
    ) -> Flow[Grant | Waiting]:
        """Take the answer to the last step: the grant, or one more step."""
        ...

    def can_renew(self, method: AuthMethod, grant: Grant) -> bool:
        """Return whether :meth:`renew` can be tried without a person."""
        ...

    def renew(self, method: AuthMethod, facts: Facts, grant: Grant) -> Flow[Grant]:
        """Renew the grant; the old one may be dead from the moment the request is sent."""
        ...

    def revoke(self, method: AuthMethod, facts: Facts, grant: Grant) -> Flow[RevocationReport]:
        """Take the grant back at the provider, where that can be done."""
        ...

    def apply(self, method: AuthMethod, facts: Facts, grant: Grant, request: OutRequest) -> OutRequest:
        """Place the credentials on a request and mark where they stand."""
        ...


def grant_to_stored(grant: Grant) -> dict[str, Any]:
    """Return the mapping that the vault seals: JSON with :class:`Secret` leaves."""
    stored: dict[str, Any] = to_data(grant)
    return stored


def grant_from_stored(stored: Mapping[str, Any]) -> Grant:
    """Read what :func:`grant_to_stored` wrote."""
    return from_data(Grant, stored)
