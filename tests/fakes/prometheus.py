"""Debian's Prometheus behind basic authentication, on loopback; its password can be changed while it runs."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bcrypt
import httpx

from tests.databases import require

USER = "watcher"
_READY_S = 30.0
_POLL_S = 0.05
_CHEAP_ROUNDS = 4


class Prometheus:
    """The running server. It reads its web configuration again on each request."""

    def __init__(self, url: str, web_config: Path, password: str) -> None:
        self.url = url
        self._web_config = web_config
        self.set_password(password)

    def set_password(self, password: str) -> None:
        """Change the password of :data:`USER`; the old one is refused from the next request on."""
        self.password = password
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_CHEAP_ROUNDS)).decode()
        fresh = self._web_config.with_suffix(".new")
        fresh.write_text(f"basic_auth_users:\n  {USER}: {hashed}\n")
        fresh.replace(self._web_config)

    @property
    def config(self) -> dict[str, str]:
        """What a person enters for ``generic-http``."""
        return {"baseUrl": self.url, "testPath": "/api/v1/status/buildinfo"}

    @property
    def credentials(self) -> dict[str, str]:
        """User name and the password that is right now."""
        return {"username": USER, "password": self.password}


@contextmanager
def running_prometheus(folder: Path, password: str) -> Iterator[Prometheus]:
    """Run Prometheus with its data in ``folder``; skip the test where it is not installed."""
    binary = shutil.which("prometheus")
    require(binary is not None, "prometheus is not installed (Debian package prometheus)")
    web_config, config = folder / "web.yml", folder / "prometheus.yml"
    config.write_text("global: {scrape_interval: 1h}\nscrape_configs: []\n")
    server = Prometheus(f"http://127.0.0.1:{_free_port()}", web_config, password)
    command = [
        str(binary),
        f"--config.file={config}",
        f"--web.config.file={web_config}",
        f"--web.listen-address={server.url.removeprefix('http://')}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--log.level=error",
    ]
    with (
        (folder / "prometheus.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_until_ready(server, process)
            yield server
        finally:
            process.kill()  # its data is thrown away


def _wait_until_ready(server: Prometheus, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _READY_S
    with httpx.Client(trust_env=False, auth=(USER, server.password)) as http:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if http.get(f"{server.url}/-/ready").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(_POLL_S)
    raise AssertionError(f"Prometheus did not become ready (exit code {process.poll()})")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
