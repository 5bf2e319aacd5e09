"""npm packages for tests, pinned by a lock file in the tree and installed outside of it.

``npm ci`` runs once per lock file, into ``$XDG_CACHE_HOME/patchbay-tests/node/<hash of the lock>``. Sessions
that run at the same time do not meet, because a finished folder appears by one rename.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import mkdtemp

from tests.databases import require

_INSTALL_S = 110


def node_packages(folder: Path) -> Path:
    """Return a folder with the packages that ``folder`` locks; skip the test where that cannot be."""
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    require(not missing, f"{' and '.join(missing)} not installed")
    lock = (folder / "package-lock.json").read_bytes()
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "patchbay-tests" / "node"
    target = root / hashlib.sha256(lock).hexdigest()[:20]
    if not target.exists():
        root.mkdir(parents=True, exist_ok=True)
        _install(folder, target)
    return target


def _install(folder: Path, target: Path) -> None:
    building = Path(mkdtemp(prefix="building-", dir=target.parent))
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(folder / name, building / name)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        result = subprocess.run(
            command, cwd=building, capture_output=True, text=True, timeout=_INSTALL_S, check=False
        )
        said = result.stderr.strip().splitlines()
        require(result.returncode == 0, f"npm ci failed: {said[-1] if said else result.returncode}")
        if not target.exists():
            building.rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
