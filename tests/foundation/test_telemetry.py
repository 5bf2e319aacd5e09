"""Logs: what hubs say is scrubbed, and what libraries say of statements, headers and frames is not said at all."""

from __future__ import annotations

import logging

import pytest
import structlog

from app.foundation.redaction import SecretRegistry
from app.foundation.secret import Secret
from app.foundation.telemetry import configure_logs

LIBRARIES = (
    "uvicorn.error",
    "websockets.server",
    "httpx",
    "httpcore.http11",
    "tortoise.db_client",
    "aiosqlite",
)


@pytest.fixture
def logs():
    """Let a test configure logs, and put everything back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def fail_and_tell(reason: str, data_key: bytes = b"") -> None:
    try:
        reason.index(reason, len(data_key) + 1)
    except ValueError as fault:
        fault.args = (reason,)
        structlog.get_logger("patchbay").exception("failed")


@pytest.mark.parametrize("library", LIBRARIES)
def test_libraries_never_log_at_debug(logs, library):
    configure_logs("DEBUG", "json", str)

    assert not logging.getLogger(library).isEnabledFor(logging.DEBUG)
    assert logging.getLogger(library).isEnabledFor(logging.INFO)


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_line_is_scrubbed_whoever_wrote_it(logs, capsys, canary, form):
    value, registry = canary("sk_live_"), SecretRegistry()
    registry.remember(Secret(value))
    configure_logs("DEBUG", form, registry.redact)

    structlog.get_logger("patchbay").debug("refused", key=value, nested={"token": [value]})
    logging.getLogger("anybody").warning("refused %s", value.encode().hex())
    fail_and_tell(f"bad key {value}")

    printed = capsys.readouterr().err
    assert printed.count("refused") >= 2
    assert "bad key ********" in printed
    assert value not in printed


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_shows_no_values_of_variables(logs, capsys, form):
    configure_logs("DEBUG", form, str)
    fail_and_tell("it", b"value of a variable")

    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert printed.count("value of a variable") == 0


def test_the_level_is_the_least_that_is_said(logs, capsys):
    configure_logs("WARNING", "json", str)

    structlog.get_logger("patchbay").info("too little")
    logging.getLogger("uvicorn.error").info("too little")
    structlog.get_logger("patchbay").warning("enough")

    assert [line for line in capsys.readouterr().err.splitlines() if "too little" in line] == []
