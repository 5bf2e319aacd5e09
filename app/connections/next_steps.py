"""The server-driven wizard, decided without I/O: which steps are left before a connection is usable."""

from __future__ import annotations

from app.authenticators.endpoints import needs_application
from app.catalog.definition import Definition
from app.connections.lifecycle import USABLE, ConnectionState
from app.connections.snapshot import ConnectionSnapshot, SetupStep, SetupStepKey, SetupStepState
from app.credentials.snapshot import Mode, are_usable
from app.foundation.problems import Problem, ProblemCode, problem

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
    return SetupStep(SetupStepKey.CONFIGURE, "Configure", text, state, problems, "updateConnectionConfig")


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
        return SetupStep(
            SetupStepKey.APPLICATION,
            "Register the application",
            text,
            SetupStepState.DONE,
            (),
            "saveApplication",
        )
    missing = (problem(ProblemCode.APPLICATION_MISSING, provider=definition.name),)
    return SetupStep(
        SetupStepKey.APPLICATION,
        "Register the application",
        text,
        SetupStepState.READY,
        missing,
        "saveApplication",
    )


def _authenticate(connection: ConnectionSnapshot, definition: Definition, *, blocked: bool) -> SetupStep:
    ways = " or ".join(method.title for method in definition.auth)
    text = f"Prove to {definition.name} who you are: {ways}. The hub seals what it gets and never shows it again."
    if blocked:
        reason = (problem(ProblemCode.CONFIG_INCOMPLETE),)
        return SetupStep(
            SetupStepKey.AUTHENTICATE,
            "Authenticate",
            text,
            SetupStepState.BLOCKED,
            reason,
            "beginAuthorization",
        )
    if connection.state in _AUTHENTICATED:
        return SetupStep(
            SetupStepKey.AUTHENTICATE, "Authenticate", text, SetupStepState.DONE, (), "beginAuthorization"
        )
    faults = (connection.problem,) if connection.problem else ()
    return SetupStep(
        SetupStepKey.AUTHENTICATE, "Authenticate", text, SetupStepState.READY, faults, "beginAuthorization"
    )


def _test(connection: ConnectionSnapshot, definition: Definition) -> SetupStep:
    text = definition.test.verifies
    if not are_usable(connection.auth):
        reason = (problem(ProblemCode.NOT_AUTHENTICATED),)
        return SetupStep(SetupStepKey.TEST, "Test", text, SetupStepState.BLOCKED, reason, "testConnection")
    state = SetupStepState.DONE if connection.tested else SetupStepState.READY
    return SetupStep(SetupStepKey.TEST, "Test", text, state, (), "testConnection")


def _activate(connection: ConnectionSnapshot) -> SetupStep:
    text = "Make the connection usable. From then on it is renewed, watched and audited."
    done = connection.state in USABLE
    if done:
        return SetupStep(
            SetupStepKey.ACTIVATE, "Activate", text, SetupStepState.DONE, (), "activateConnection"
        )
    blockers = activation_blockers(connection)
    state = SetupStepState.BLOCKED if blockers else SetupStepState.READY
    return SetupStep(SetupStepKey.ACTIVATE, "Activate", text, state, blockers, "activateConnection")


def activation_blockers(connection: ConnectionSnapshot) -> tuple[Problem, ...]:
    """Return what blocks the connection's activation; an accepted reason can lift TEST_NOT_PASSED."""
    if connection.state is ConnectionState.DRAFT:
        return (problem(ProblemCode.CONFIG_INCOMPLETE),)
    if not are_usable(connection.auth):
        return (problem(ProblemCode.NOT_AUTHENTICATED),)
    if connection.state is not ConnectionState.AUTHENTICATED:
        return (problem(ProblemCode.NOT_ALLOWED_NOW, state=connection.state.value),)
    return () if connection.tested else (problem(ProblemCode.TEST_NOT_PASSED),)
