"""Every state met by every trigger."""

from __future__ import annotations

import pytest

from app.connections.lifecycle import USABLE, ConnectionState, Evidence, StateTrigger, next_state, permits
from app.foundation.errors import NotAllowedNowError
from app.foundation.problems import ProblemCode, problem

S, T = ConnectionState, StateTrigger
NEW = Evidence(ever_connected=False, has_credentials=False)
SEALED = Evidence(ever_connected=False, has_credentials=True)
LIVED = Evidence(ever_connected=True, has_credentials=True)

# state -> trigger -> (what follows for one never connected, for one that was); None: refused.
STAYS = object()
TABLE: dict[StateTrigger, dict[ConnectionState, object]] = {
    T.CONFIGURATION_COMPLETED: {S.DRAFT: S.PENDING_AUTHENTICATION, **dict.fromkeys(set(S) - {S.DRAFT})},
    T.CONFIGURATION_BROKE_AUTHENTICATION: {
        **dict.fromkeys(S, STAYS),
        S.AUTHENTICATED: S.PENDING_AUTHENTICATION,
        S.CONNECTED: S.PENDING_AUTHENTICATION,
        S.DEGRADED: S.PENDING_AUTHENTICATION,
    },
    T.CONFIGURATION_CHANGED: dict.fromkeys(S, STAYS),
    T.AUTHORIZATION_BEGUN: {
        **dict.fromkeys(S, STAYS),
        S.DRAFT: None,
        S.DISCONNECTED: S.PENDING_AUTHENTICATION,
    },
    T.AUTHORIZATION_FAILED: dict.fromkeys(S, STAYS),
    T.CREDENTIALS_SEALED: {
        S.DRAFT: None,
        S.PENDING_AUTHENTICATION: (S.AUTHENTICATED, S.CONNECTED),
        S.AUTHENTICATED: (S.AUTHENTICATED, S.CONNECTED),
        S.CONNECTED: (S.AUTHENTICATED, S.CONNECTED),
        S.DEGRADED: (S.AUTHENTICATED, S.CONNECTED),
        S.AUTHENTICATION_ERROR: (S.AUTHENTICATED, S.CONNECTED),
        S.PAUSED: STAYS,
        S.DISCONNECTED: None,
    },
    T.ACTIVATED: {**dict.fromkeys(S), S.AUTHENTICATED: S.CONNECTED},
    T.CREDENTIALS_REJECTED: {
        **dict.fromkeys(S, STAYS),
        S.AUTHENTICATED: S.AUTHENTICATION_ERROR,
        S.CONNECTED: S.AUTHENTICATION_ERROR,
        S.DEGRADED: S.AUTHENTICATION_ERROR,
    },
    T.UNAVAILABLE: {**dict.fromkeys(S, STAYS), S.CONNECTED: S.DEGRADED},
    T.GOOD_ANSWER: {
        **dict.fromkeys(S, STAYS),
        S.DEGRADED: (S.AUTHENTICATED, S.CONNECTED),
        S.AUTHENTICATION_ERROR: (S.AUTHENTICATED, S.CONNECTED),
    },
    T.APPLICATION_REJECTED: dict.fromkeys(S, STAYS),
    T.PAUSED: {
        **dict.fromkeys(S),
        S.CONNECTED: S.PAUSED,
        S.DEGRADED: S.PAUSED,
        S.AUTHENTICATION_ERROR: S.PAUSED,
    },
    T.RESUMED: {**dict.fromkeys(S), S.PAUSED: (S.CONNECTED, S.CONNECTED)},
    T.DISCONNECTED: {**dict.fromkeys(S, S.DISCONNECTED), S.DRAFT: None, S.DISCONNECTED: None},
}


def test_the_table_covers_every_pair():
    assert set(TABLE) == set(StateTrigger)
    assert all(set(row) == set(ConnectionState) for row in TABLE.values())


@pytest.mark.parametrize("trigger", list(StateTrigger))
@pytest.mark.parametrize("state", list(ConnectionState))
@pytest.mark.parametrize("was_connected", [False, True])
def test_every_state_meets_every_trigger(state, trigger, was_connected):
    expected = TABLE[trigger][state]
    evidence = LIVED if was_connected else SEALED
    if expected is None:
        assert not permits(state, trigger)
        with pytest.raises(NotAllowedNowError) as caught:
            next_state(state, trigger, evidence)
        assert caught.value.problem.code is ProblemCode.NOT_ALLOWED_NOW
        return
    if expected is STAYS:
        expected = state
    if isinstance(expected, tuple):
        expected = expected[was_connected]
    assert next_state(state, trigger, evidence) is expected


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (NEW, S.PENDING_AUTHENTICATION),
        (LIVED, S.CONNECTED),
        (Evidence(True, True, problem(ProblemCode.CREDENTIALS_REJECTED)), S.AUTHENTICATION_ERROR),
        (Evidence(True, True, problem(ProblemCode.REAUTHENTICATION_REQUIRED)), S.AUTHENTICATION_ERROR),
        (Evidence(True, True, problem(ProblemCode.REFRESH_OUTCOME_UNKNOWN)), S.AUTHENTICATION_ERROR),
        (Evidence(True, True, problem(ProblemCode.CREDENTIAL_UNREADABLE)), S.AUTHENTICATION_ERROR),
        (Evidence(True, True, problem(ProblemCode.UPSTREAM_UNAVAILABLE)), S.DEGRADED),
        (Evidence(True, True, problem(ProblemCode.PARTIAL_SCOPES)), S.CONNECTED),
    ],
)
def test_a_resumed_connection_goes_where_the_evidence_says(evidence, expected):
    assert next_state(S.PAUSED, T.RESUMED, evidence) is expected


def test_only_connected_and_degraded_are_usable():
    assert {S.CONNECTED, S.DEGRADED} == USABLE


def test_a_rejected_application_never_moves_a_connection():
    assert all(next_state(state, T.APPLICATION_REJECTED, LIVED) is state for state in S)
