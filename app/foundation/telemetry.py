"""Structured logs and metrics. No log line holds a secret: the redactor is the last processor."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from structlog.stdlib import ProcessorFormatter

# Their debug lines hold statements with values, headers, and websocket frames cut in the middle of a secret, which the
# redactor cannot know then: they are not ours to print.
_NOISY: Final = (
    "httpcore", "httpx", "tortoise", "aiosqlite", "asyncio", "uvicorn", "uvicorn.error", "websockets",
)  # fmt: skip
LogFormat = Literal["auto", "json", "text"]
Scrub = Callable[[str], str]


def configure_logs(level: str, form: LogFormat, scrub: Scrub) -> None:
    """Send structlog and standard logging to stderr; ``scrub`` sees every text that leaves."""
    rendering: list[Any] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    if form == "text" or (form == "auto" and sys.stderr.isatty()):
        # The console's own way to show an exception prints the values of local variables: plain text and keys.
        rendering = [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    last: list[Any] = [ProcessorFormatter.remove_processors_meta, *rendering, lambda _, __, text: scrub(text)]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(max(logging.INFO, logging.getLevelName(level)))


class Metrics:
    """The hub's figures for ``/metrics``; one registry per hub. Labels hold no ids and no names that tenants chose."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        counter = partial(Counter, registry=self.registry)
        self.requests = counter(
            "patchbay_http_requests_total", "HTTP requests by door and status", ["door", "status"]
        )
        self.request_seconds = Histogram(
            "patchbay_http_request_seconds",
            "Time to answer an HTTP request",
            ["door"],
            registry=self.registry,
        )
        self.calls = counter(
            "patchbay_outbound_calls_total",
            "Outbound calls by integration and outcome",
            ["integration", "outcome"],
        )
        self.test_runs = counter("patchbay_test_runs_total", "Finished test runs by verdict", ["verdict"])
        self.work = counter(
            "patchbay_background_work_total",
            "Tries of background work by kind and outcome",
            ["kind", "outcome"],
        )
        self.subscriptions = Gauge(
            "patchbay_subscriptions", "Subscriptions open in this process", registry=self.registry
        )

    def render(self) -> bytes:
        """Return the figures in Prometheus' text format."""
        return generate_latest(self.registry)
