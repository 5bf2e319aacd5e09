"""Starts the hub's processes for the demo, on free ports, and ends them again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

_READY_S: Final = 60.0
_END_S: Final = 25.0
_COMMAND: Final = (sys.executable, "-m", "app.cli")


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


@asynccontextmanager
async def running_hub() -> AsyncIterator[tuple[str, str, str]]:
    """Run a hub and yield its address, an access token, and the arrangement it runs in.

    With ``PATCHBAY_DATABASE_URL`` and ``PATCHBAY_REDIS_URL`` set, ``serve`` and ``worker`` run as two processes on
    them; otherwise one process with a database and a key of its own in a folder that goes with the demo.
    """
    with TemporaryDirectory(prefix="patchbay-demo-") as folder:
        port = _free_port()
        address = f"http://127.0.0.1:{port}"
        is_scaled = bool(os.environ.get("PATCHBAY_REDIS_URL"))
        environment = _environment(Path(folder), port, is_scaled=is_scaled)
        token = await _token(environment)
        async with contextlib.AsyncExitStack() as stack:
            log = stack.enter_context((Path(folder) / "hub.log").open("wb"))
            await stack.enter_async_context(_process("serve", environment, log.fileno()))
            if is_scaled:
                await stack.enter_async_context(_process("worker", environment, log.fileno()))
            try:
                await _ready(address)
            except DemoError as fault:
                said = (Path(folder) / "hub.log").read_text(errors="replace").splitlines()[-5:]
                raise DemoError("\n".join([str(fault), *said])) from None
            arrangement = "PostgreSQL and Redis, serve and worker" if is_scaled else "SQLite, one process"
            yield address, token, arrangement


def _environment(folder: Path, port: int, *, is_scaled: bool) -> dict[str, str]:
    own = {
        "PATCHBAY_HOST": "127.0.0.1",
        "PATCHBAY_PORT": str(port),
        "PATCHBAY_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PATCHBAY_SANDBOX": "1",
        "PATCHBAY_EGRESS_ALLOW": "",
    }
    if not is_scaled:
        own["PATCHBAY_DATA_DIR"] = str(folder / "data")
        own["XDG_CONFIG_HOME"] = str(folder / "config")
    inherited = {
        name: value for name, value in os.environ.items() if is_scaled or not name.startswith("PATCHBAY_")
    }
    return {**inherited, **own}


async def _token(environment: Mapping[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *_COMMAND, "token", "create", "--name", "demo",
        env=dict(environment), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    if process.returncode != 0:
        raise DemoError(err.decode(errors="replace").strip() or "the hub did not make a token")
    return out.decode().strip()


@asynccontextmanager
async def _process(command: str, environment: Mapping[str, str], log: int) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *_COMMAND, command, env=dict(environment), stdout=log, stderr=log
    )
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _END_S)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _ready(address: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(int(_READY_S * 10)):
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(f"{address}/readyz")).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(0.1)
    raise DemoError("the hub did not become ready")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
