"""The server-driven wizard, decided without I/O: which steps are left before a connection is usable."""

from __future__ import annotations

from typing import Final

from app.authenticators.endpoints import needs_application
from app.catalog.definition import Definition
from app.connections.lifecycle import IN_WORDS, USABLE, ConnectionState
from app.connections.snapshot import ConnectionSnapshot, SetupStep, SetupStepKey, SetupStepState
from app.credentials.snapshot import Mode, are_usable
from app.foundation.problems import Problem, ProblemCode, problem

_TITLES_AND_MUTATIONS: Final = {
    SetupStepKey.CONFIGURE: ("Configure", "updateConnectionConfig"),
    SetupStepKey.APPLICATION: ("Register the application", "saveApplication"),
    SetupStepKey.AUTHENTICATE: ("Authenticate", "beginAuthorization"),
    SetupStepKey.TEST: ("Test", "testConnection"),
    SetupStepKey.ACTIVATE: ("Activate", "activateConnection"),
}
_AUTHENTICATED = frozenset({ConnectionState.AUTHENTICATED, *USABLE})


def next_steps(
    connection: ConnectionSnapshot,
    definition: Definition,
    config_problems: tuple[Problem, ...],
    *,
    has_application: bool,
) -> tuple[SetupStep, ...]:
    """Return every step in order, each with its state, what blocks it and the mutation that does it."""
    steps = [_configure(connection, definition, config_problems)]
    if _needs_application(connection, definition):
        steps.append(_application(definition, has_application=has_application))
    blocked = bool(config_problems) or connection.state is ConnectionState.DRAFT
    steps.append(_authenticate(connection, definition, blocked=blocked))
    steps.append(_test(connection, definition))
    steps.append(_activate(connection))
    return tuple(steps)


def _step(
    key: SetupStepKey, text: str, state: SetupStepState, problems: tuple[Problem, ...] = ()
) -> SetupStep:
    title, mutation = _TITLES_AND_MUTATIONS[key]
    return SetupStep(key, title, text, state, problems, mutation)


def _configure(
    connection: ConnectionSnapshot, definition: Definition, problems: tuple[Problem, ...]
) -> SetupStep:
    done = not problems and connection.state is not ConnectionState.DRAFT
    fields = definition.config.get("properties") or {}
    text = (
        f"Tell the hub how to reach your {definition.name}: {len(fields)} field(s), each with its own help."
        if fields
        else f"{definition.name} needs no configuration."
    )
    state = SetupStepState.DONE if done else SetupStepState.READY
    return _step(SetupStepKey.CONFIGURE, text, state, problems)


def _needs_application(connection: ConnectionSnapshot, definition: Definition) -> bool:
    if connection.mode is Mode.SANDBOX:
        return False
    if connection.auth is not None:
        chosen = definition.auth_method(connection.auth.auth_method)
        return chosen is not None and needs_application(chosen)
    return bool(definition.auth) and all(needs_application(method) for method in definition.auth)


def _application(definition: Definition, *, has_application: bool) -> SetupStep:
    text = (
        f"The client id and secret under which this hub is known to {definition.name}. They are registered once per "
        "workspace, or by the operator."
    )
    if has_application:
        return _step(SetupStepKey.APPLICATION, text, SetupStepState.DONE)
    missing = problem(ProblemCode.APPLICATION_MISSING, provider=definition.name)
    return _step(SetupStepKey.APPLICATION, text, SetupStepState.READY, (missing,))


def _authenticate(connection: ConnectionSnapshot, definition: Definition, *, blocked: bool) -> SetupStep:
    ways = " or ".join(method.title for method in definition.auth)
    text = f"Prove to {definition.name} who you are: {ways}. The hub seals what it gets and never shows it again."
    if blocked:
        reason = problem(ProblemCode.CONFIG_INCOMPLETE)
        return _step(SetupStepKey.AUTHENTICATE, text, SetupStepState.BLOCKED, (reason,))
    if connection.state in _AUTHENTICATED:
        return _step(SetupStepKey.AUTHENTICATE, text, SetupStepState.DONE)
    faults = (connection.problem,) if connection.problem else ()
    return _step(SetupStepKey.AUTHENTICATE, text, SetupStepState.READY, faults)


def _test(connection: ConnectionSnapshot, definition: Definition) -> SetupStep:
    text = definition.test.verifies
    if not are_usable(connection.auth):
        reason = problem(ProblemCode.NOT_AUTHENTICATED)
        return _step(SetupStepKey.TEST, text, SetupStepState.BLOCKED, (reason,))
    return _step(SetupStepKey.TEST, text, SetupStepState.DONE if connection.tested else SetupStepState.READY)


def _activate(connection: ConnectionSnapshot) -> SetupStep:
    text = "Make the connection usable. From then on it is renewed, watched and audited."
    if connection.state in USABLE:
        return _step(SetupStepKey.ACTIVATE, text, SetupStepState.DONE)
    blockers = activation_blockers(connection)
    state = SetupStepState.BLOCKED if blockers else SetupStepState.READY
    return _step(SetupStepKey.ACTIVATE, text, state, blockers)


def activation_blockers(connection: ConnectionSnapshot) -> tuple[Problem, ...]:
    """Return what blocks the connection's activation; an accepted reason can lift TEST_NOT_PASSED."""
    if connection.state is ConnectionState.DRAFT:
        return (problem(ProblemCode.CONFIG_INCOMPLETE),)
    if not are_usable(connection.auth):
        return (problem(ProblemCode.NOT_AUTHENTICATED),)
    if connection.state is not ConnectionState.AUTHENTICATED:
        return (problem(ProblemCode.NOT_ALLOWED_NOW, state=IN_WORDS[connection.state]),)
    return () if connection.tested else (problem(ProblemCode.TEST_NOT_PASSED),)
