"""The connection's state machine: one pure function over state and trigger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.foundation.errors import PERSON_NEEDED, NotAllowedNowError
from app.foundation.problems import Problem, ProblemCode, problem


class ConnectionState(StrEnum):
    """The states of a connection."""

    DRAFT = "DRAFT"
    """Being set up."""
    PENDING_AUTHENTICATION = "PENDING_AUTHENTICATION"
    """Configured, no usable credentials."""
    AUTHENTICATED = "AUTHENTICATED"
    """Credentials sealed, not yet activated."""
    CONNECTED = "CONNECTED"
    """Usable."""
    DEGRADED = "DEGRADED"
    """Usable; the last check failed for a passing reason."""
    AUTHENTICATION_ERROR = "AUTHENTICATION_ERROR"
    """Credentials refused, expired or revoked: needs a person."""
    PAUSED = "PAUSED"
    """Paused by a person."""
    DISCONNECTED = "DISCONNECTED"
    """Credentials destroyed."""


class StateTrigger(StrEnum):
    """What can happen to a connection."""

    CONFIGURATION_COMPLETED = "CONFIGURATION_COMPLETED"
    CONFIGURATION_BROKE_AUTHENTICATION = "CONFIGURATION_BROKE_AUTHENTICATION"
    CONFIGURATION_CHANGED = "CONFIGURATION_CHANGED"
    AUTHORIZATION_BEGUN = "AUTHORIZATION_BEGUN"
    AUTHORIZATION_FAILED = "AUTHORIZATION_FAILED"
    CREDENTIALS_SEALED = "CREDENTIALS_SEALED"
    ACTIVATED = "ACTIVATED"
    CREDENTIALS_REJECTED = "CREDENTIALS_REJECTED"
    UNAVAILABLE = "UNAVAILABLE"
    GOOD_ANSWER = "GOOD_ANSWER"
    APPLICATION_REJECTED = "APPLICATION_REJECTED"
    PAUSED = "PAUSED"
    RESUMED = "RESUMED"
    DISCONNECTED = "DISCONNECTED"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the connection's own rows say, for the triggers whose target depends on it."""

    ever_connected: bool
    has_credentials: bool
    problem: Problem | None = None


_S = ConnectionState
_T = StateTrigger
_EVERY: Final = frozenset(ConnectionState)
IN_WORDS: Final[Mapping[_S, str]] = {
    _S.DRAFT: "still being set up",
    _S.PENDING_AUTHENTICATION: "not signed in",
    _S.AUTHENTICATED: "not activated yet",
    _S.CONNECTED: "connected",
    _S.DEGRADED: "connected but failing",
    _S.AUTHENTICATION_ERROR: "in need of a new sign-in",
    _S.PAUSED: "paused",
    _S.DISCONNECTED: "disconnected",
}
"""How a sentence calls a state: "this is not possible while the connection is ..."."""
USABLE: Final = frozenset({_S.CONNECTED, _S.DEGRADED})
"""States in which others may call through the connection."""
_TRANSITIONS: Final[Mapping[StateTrigger, Mapping[ConnectionState, ConnectionState]]] = {
    _T.CONFIGURATION_COMPLETED: {_S.DRAFT: _S.PENDING_AUTHENTICATION},
    _T.CONFIGURATION_BROKE_AUTHENTICATION: dict.fromkeys(
        {_S.AUTHENTICATED, *USABLE}, _S.PENDING_AUTHENTICATION
    ),
    _T.AUTHORIZATION_BEGUN: {_S.DISCONNECTED: _S.PENDING_AUTHENTICATION},
    _T.ACTIVATED: {_S.AUTHENTICATED: _S.CONNECTED},
    _T.CREDENTIALS_REJECTED: dict.fromkeys({_S.AUTHENTICATED, *USABLE}, _S.AUTHENTICATION_ERROR),
    _T.UNAVAILABLE: {_S.CONNECTED: _S.DEGRADED},
    _T.PAUSED: dict.fromkeys({*USABLE, _S.AUTHENTICATION_ERROR}, _S.PAUSED),
    _T.DISCONNECTED: dict.fromkeys(_EVERY - {_S.DRAFT, _S.DISCONNECTED}, _S.DISCONNECTED),
}

_FORBIDDEN: Final[Mapping[StateTrigger, frozenset[ConnectionState]]] = {
    _T.CONFIGURATION_COMPLETED: _EVERY - {_S.DRAFT},
    _T.AUTHORIZATION_BEGUN: frozenset({_S.DRAFT}),
    _T.CREDENTIALS_SEALED: frozenset({_S.DRAFT, _S.DISCONNECTED}),
    _T.ACTIVATED: _EVERY - {_S.AUTHENTICATED},
    _T.PAUSED: _EVERY - {*USABLE, _S.AUTHENTICATION_ERROR},
    _T.RESUMED: _EVERY - {_S.PAUSED},
    _T.DISCONNECTED: frozenset({_S.DRAFT, _S.DISCONNECTED}),
}


def permits(state: ConnectionState, trigger: StateTrigger) -> bool:
    """Return whether the trigger may happen in the state at all."""
    return state not in _FORBIDDEN.get(trigger, frozenset())


def next_state(state: ConnectionState, trigger: StateTrigger, evidence: Evidence) -> ConnectionState:
    """Return the state that follows; the same state where the trigger changes nothing.

    Raises:
        NotAllowedNowError: a person asked for what this state does not permit.
    """
    if not permits(state, trigger):
        raise NotAllowedNowError(problem(ProblemCode.NOT_ALLOWED_NOW, state=IN_WORDS[state]))
    if trigger is _T.CREDENTIALS_SEALED:
        return _after_sealing(state, evidence)
    if trigger is _T.RESUMED:
        return _after_pause(evidence)
    if trigger is _T.GOOD_ANSWER:
        return _after_good_answer(state, evidence)
    return _TRANSITIONS.get(trigger, {}).get(state, state)


def _after_sealing(state: ConnectionState, evidence: Evidence) -> ConnectionState:
    if state is _S.PAUSED:
        return state
    return _S.CONNECTED if evidence.ever_connected else _S.AUTHENTICATED


def _after_pause(evidence: Evidence) -> ConnectionState:
    if not evidence.has_credentials:
        return _S.PENDING_AUTHENTICATION
    if evidence.problem is None:
        return _S.CONNECTED
    if evidence.problem.code in PERSON_NEEDED:
        return _S.AUTHENTICATION_ERROR
    return _S.DEGRADED if evidence.problem.retryable else _S.CONNECTED


def _after_good_answer(state: ConnectionState, evidence: Evidence) -> ConnectionState:
    # An answer that these very credentials obtained also refutes an earlier refusal (a password put back, an account
    # unlocked): waiting for a person would then be waiting for nothing.
    if state in {_S.DEGRADED, _S.AUTHENTICATION_ERROR}:
        return _S.CONNECTED if evidence.ever_connected else _S.AUTHENTICATED
    return state
