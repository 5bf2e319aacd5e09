"""The pytest plugin of the watch: a test in which a secret was seen fails, and so does a run at whose end one is."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from tests.canary.forms import LEAST_CHARS
from tests.canary.taps import LogTap, RedisTap, look_into_sqlite, quiet_third_parties, tap_clients
from tests.canary.watch import OUTSIDE_OF_TESTS, Leak, watch

_DATABASES = (".db", ".sqlite3", ".sqlite")
_WITHHELD = "(withheld: a secret stands in it)"
_PLUGIN = "patchbay-canary"


@pytest.fixture
def canary():
    """Return a maker of secrets that must not be seen anywhere: ``canary("sk_live_")``."""
    return watch.secret


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Begin to look."""
    if not hasattr(config, "workerinput") and config.getoption("numprocesses", None):
        config.pluginmanager.register(_Controller(), _PLUGIN)
        return
    config.pluginmanager.register(_Scan(config), _PLUGIN)


class _Scan:
    """Looks at each test's output and files, and at the end at what is left."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._log = LogTap()
        self._root = logging.getLogger()
        self._root_level = self._root.level
        self._looked_at: set[Path] = set()
        self._redis: RedisTap | None = None
        self._template = b""
        self._left: list[Leak] = []
        tap_clients()
        quiet_third_parties()
        _keep_reports_as_they_are(config, self._root_level)

    # -- one test

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        watch.during = item.nodeid
        self._root.addHandler(self._log)
        self._root.setLevel(logging.DEBUG)
        try:
            return (yield)
        finally:
            self._root.removeHandler(self._log)
            watch.during = OUTSIDE_OF_TESTS

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        report: pytest.TestReport = yield
        self._look_at_output(item, report)
        if call.when == "teardown":
            self._look_at_files(getattr(item, "funcargs", {}).get("tmp_path"))
        leaks = watch.take()
        if leaks:
            report.outcome = "failed"
            report.longrepr = _told(leaks)
        return report

    def _look_at_output(self, item: pytest.Item, report: pytest.TestReport) -> None:
        for index, (name, text) in enumerate(report.sections):
            if watch.look(text, f"the test's output ({name.lower()})"):
                report.sections[index] = (name, _WITHHELD)
                item._report_sections[:] = [
                    (*kept[:2], _WITHHELD) if kept[2] == text else kept for kept in item._report_sections
                ]

    # -- the whole run

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        modules = {item.module for item in session.items if isinstance(item, pytest.Function)}
        constants = {getattr(module, "CANARY", "") for module in modules}
        watch.register(
            *(value for value in constants if isinstance(value, str) and len(value) >= LEAST_CHARS)
        )
        if any(item.get_closest_marker("scaled") for item in session.items):
            self._redis = RedisTap(_redis_url())
            self._redis.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        value = yield
        if fixturedef.argname == "sqlite_template":
            self._template = Path(value).read_bytes()
        return value

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._redis is not None:
            self._redis.stop()
        factory = getattr(self._config, "_tmp_path_factory", None)
        self._look_at_files(getattr(factory, "_basetemp", None))
        self._root.setLevel(self._root_level)
        self._left = watch.take()
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput[_PLUGIN] = [astuple(leak) for leak in self._left]
        elif self._left:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        _tell(terminalreporter, self._left)

    def _look_at_files(self, folder: Path | None) -> None:
        if folder is None or not folder.exists():
            return
        for file in sorted(folder.rglob("*")):
            if file in self._looked_at or file.is_symlink() or not file.is_file():
                continue
            self._looked_at.add(file)
            if file.suffix in _DATABASES:
                look_into_sqlite(file, self._template)
            elif file.suffix == ".log":
                watch.look(file.read_bytes(), f"the log file {file.name}", hub_tokens=True)


class _Controller:
    """Hears of what the workers of pytest-xdist found at their end."""

    def __init__(self) -> None:
        self._left: list[Leak] = []

    def pytest_testnodedown(self, node: Any) -> None:
        self._left += [Leak(*found) for found in getattr(node, "workeroutput", {}).get(_PLUGIN, ())]

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        result = yield
        if self._left:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return result

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        _tell(terminalreporter, self._left)


def _keep_reports_as_they_are(config: pytest.Config, root_level: int) -> None:
    """Keep the DEBUG lines that the watch asks for out of failing tests' reports, unless a test wants them."""
    logging_plugin = config.pluginmanager.get_plugin("logging-plugin")
    if logging_plugin is not None:
        logging_plugin.caplog_handler.setLevel(root_level)
        logging_plugin.report_handler.setLevel(root_level)


def _redis_url() -> str:
    return os.environ.get("PATCHBAY_TEST_REDIS", "redis://127.0.0.1:6379/0")


def _told(leaks: list[Leak]) -> str:
    return "\n".join(["A secret left the hub:", *(f"  {leak}" for leak in leaks)])


def _tell(terminalreporter: Any, leaks: list[Leak]) -> None:
    if leaks:
        terminalreporter.section("canary", red=True, bold=True)
        terminalreporter.write_line(_told(leaks), red=True)
