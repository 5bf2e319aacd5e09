"""Clients from npm that we did not write: installed once into a cached folder, run with Node.js."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.databases import require

HERE = Path(__file__).parent / "node"
INSTALL_S = 300


def node_folder() -> Path:
    """Return the folder with the scripts and their packages; skip the test where there is no Node.js."""
    require(
        shutil.which("node") is not None and shutil.which("npm") is not None, "node and npm are not installed"
    )
    files = sorted(path for path in HERE.iterdir() if path.is_file())
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"patchbay-node-{os.getuid()}-{digest}"
    if not folder.is_dir():
        _install(files, folder)
    return folder


async def run_node(script: str, *arguments: str, timeout_s: float = 60) -> tuple[int, str, str]:
    """Run a script; return its exit code, output and error output."""
    folder = await asyncio.to_thread(node_folder)
    process = await asyncio.create_subprocess_exec(
        "node",
        str(folder / script),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, out.decode(), err.decode()


def _install(files: list[Path], folder: Path) -> None:
    """Install beside the final place and move it there, so that nobody finds half of it."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        for path in files:
            shutil.copy(path, work)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
        subprocess.run(command, cwd=work, check=True, timeout=INSTALL_S, capture_output=True)
        ready = Path(work) / "ready"
        ready.mkdir()
        for path in Path(work).iterdir():
            if path != ready:
                shutil.move(path, ready)
        try:
            ready.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process was faster
                raise
