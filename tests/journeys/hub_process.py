"""A real hub as operating-system processes on free ports, in both arrangements; tests start, stop and kill it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx

from app.vault.key_file import create_key_file
from tests import databases
from tests.canary import watch

ROOT = Path(__file__).parents[2]
EMBEDDED, SCALED = "embedded", "scaled"
_COMMAND = (sys.executable, "-X", "faulthandler", "-m", "app.cli")
_READY_S = 60.0
_END_S = 30.0
_POLL_S = 0.05
_WORKER_IS_READY = "worker is ready"
_LOUD = ('"level": "error"', '"level": "critical"', "Traceback (most recent call last)")


class HubProcess:
    """One hub: ``serve`` and any number of ``worker`` processes that share an environment.

    Processes write to files below ``folder``; nothing of this machine's own settings reaches them.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str], *, workers: int = 0) -> None:
        self.folder = folder
        self.port = int(settings.get("PATCHBAY_PORT") or free_port())
        host = settings.get("PATCHBAY_HOST", "127.0.0.1")
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        self.settings = {"PATCHBAY_PUBLIC_URL": self.address, **settings, "PATCHBAY_PORT": str(self.port)}
        self._workers = workers
        self._running: list[tuple[subprocess.Popen[bytes], Path]] = []
        self._started = 0
        self._token: str | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a process of this hub finds in its environment."""
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "PATCHBAY_LOG_FORMAT": "json",
            "PATCHBAY_LOG_LEVEL": "DEBUG",  # the watch over secrets reads what a hub says at its most talkative
        }
        return own | self.settings

    def command_line(self, *words: str) -> list[str]:
        """Return what starts a process of this hub."""
        return [*_COMMAND, *words]

    @property
    def token(self) -> str:
        """An access token with every permission, made once by the command line."""
        if self._token is None:
            made = self.command("token", "create", "--name", "journeys")
            assert made.returncode == 0, made.stderr
            self._token = made.stdout.strip()
        return self._token

    @property
    def pids(self) -> list[int]:
        """The processes that were started last, whether or not they live."""
        return [process.pid for process, _ in self._running]

    @property
    def log(self) -> str:
        """All that its processes have said so far."""
        return "\n".join(file.read_text(errors="replace") for file in sorted(self.folder.glob("*.log")))

    @property
    def faults_logged(self) -> list[str]:
        """The lines in which a process said that something went wrong."""
        return [line for line in self.log.splitlines() if any(sign in line for sign in _LOUD)]

    def command(self, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run one command of the command line to its end; one that hangs shows where in the failure."""
        with subprocess.Popen(
            self.command_line(*words),
            env=self.environment | changes,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                out, err = process.communicate(timeout=_READY_S)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGABRT)
                raise AssertionError(f"{words} did not end:\n{process.communicate()[1][-6000:]}") from None
        watch.look(out + err, f"what the command {words[0]} printed")
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def start(self) -> None:
        """Start all processes and return once they can work."""
        self.spawn()
        self.wait_until_ready()

    def spawn(self) -> None:
        """Start all processes and wait for nothing."""
        assert not self._running, "it runs already"
        self._running = [self._spawned(name) for name in ("serve", *["worker"] * self._workers)]

    async def has_said(self, words: str, count: int = 1) -> None:
        """Wait until its processes have logged ``words`` so often."""
        deadline = time.monotonic() + _READY_S
        while self.log.count(words) < count:
            assert time.monotonic() < deadline, f"it never said {words!r}:\n{self.log[-4000:]}"
            await asyncio.sleep(_POLL_S)

    def wait_until_ready(self) -> None:
        """Return once the web process answers ``/readyz`` and every worker has said that it is ready."""
        deadline = time.monotonic() + _READY_S
        with httpx.Client(trust_env=False, timeout=5) as http:
            while not (self._answers(http) and self._workers_said_so()):
                ended = [process.returncode for process, _ in self._running if process.poll() is not None]
                assert not ended, f"a process ended with {ended}:\n{self.log[-4000:]}"
                assert time.monotonic() < deadline, f"the hub did not become ready:\n{self.log[-4000:]}"
                time.sleep(_POLL_S)

    def kill(self) -> None:
        """Kill all processes (SIGKILL): they can do nothing about it."""
        self._end(signal.SIGKILL)

    def terminate(self) -> list[int]:
        """Ask all processes to end (SIGTERM), wait, and return their exit codes, the web process's first."""
        return self._end(signal.SIGTERM)

    def signal(self, signum: signal.Signals) -> None:
        """Send a signal and return at once; :meth:`wait` waits for the end."""
        for process, _ in self._running:
            process.send_signal(signum)

    def wait(self) -> list[int]:
        """Wait for the end of all processes and return their exit codes, the web process's first."""
        codes = [process.wait(_END_S) for process, _ in self._running]
        self._running = []
        return codes

    def kill_server(self) -> None:
        """Kill the web process alone (SIGKILL); workers go on."""
        process, _ = self._running.pop(0)
        process.kill()
        process.wait(_END_S)

    def start_server(self) -> None:
        """Start the web process again, beside workers that go on, and return once it can work."""
        self._running.insert(0, self._spawned("serve"))
        self.wait_until_ready()

    def _end(self, signum: signal.Signals) -> list[int]:
        self.signal(signum)
        return self.wait()

    def _spawned(self, command: str) -> tuple[subprocess.Popen[bytes], Path]:
        self._started += 1
        file = self.folder / f"{self._started:03}-{command}.log"
        with file.open("wb") as log:
            process = subprocess.Popen(
                self.command_line(command),
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return process, file

    def _answers(self, http: httpx.Client) -> bool:
        with suppress(httpx.TransportError):
            return http.get(f"{self.address}/readyz").status_code == httpx.codes.OK
        return False

    def _workers_said_so(self) -> bool:
        return all(_WORKER_IS_READY in file.read_text() for _, file in self._running if "worker" in file.name)


@contextmanager
def settings_of(arrangement: str, folder: Path, *, redis: str = databases.REDIS) -> Iterator[dict[str, str]]:
    """Yield the settings of a fresh hub: own data folder and key, own SQLite file or own PostgreSQL database.

    The sandbox is on, and the loopback may be called by plain http.
    """
    settings = {
        "PATCHBAY_HOST": "127.0.0.1",
        "PATCHBAY_DATA_DIR": str(folder / "data"),
        "PATCHBAY_EGRESS_ALLOW": "127.0.0.0/8",
        "PATCHBAY_SANDBOX": "1",
    }
    if arrangement == EMBEDDED:
        yield settings
        return
    databases.require(databases.postgres_is_there(), f"no PostgreSQL answers at {databases.POSTGRES}")
    databases.require(databases.redis_is_there(), f"no Redis answers at {databases.REDIS}")
    key_file = folder / "config" / "key"
    create_key_file(key_file)
    with databases.postgres_clone(None) as database:
        yield settings | {
            "PATCHBAY_DATABASE_URL": database,
            "PATCHBAY_REDIS_URL": redis,
            "PATCHBAY_KEY_FILE": str(key_file),
        }


@contextmanager
def fresh_hub(arrangement: str, folder: Path, **changes: str) -> Iterator[HubProcess]:
    """Yield a hub that has not been started; it is killed at the end if a test leaves it running."""
    with ExitStack() as stack:
        settings = stack.enter_context(settings_of(arrangement, folder))
        hub = HubProcess(folder, settings | changes, workers=1 if arrangement == SCALED else 0)
        stack.callback(hub.kill)
        yield hub


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
