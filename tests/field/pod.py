"""A hub as a pod has it, made by hand: a user that nobody knows, no HOME, a read-only root, a mounted key."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.journeys.hub_process import ROOT, HubProcess

UID = 54_321
# Folders named before "--" can be written, unless "=ro" stands behind the name; the root cannot. Every right of the
# namespace's root is dropped before the rest is run.
_SCRIPT = """
set -e
while [ "$1" != -- ]; do
  folder=${1%=ro}
  mount --bind "$folder" "$folder"
  if [ "$folder" != "$1" ]; then mount -o remount,bind,ro "$folder"; fi
  shift
done
shift
mount -o remount,bind,ro /
cd /
exec setpriv --no-new-privs --ambient-caps -all --inh-caps -all --bounding-set -all "$@"
"""


def in_pod(*command: str, writable: Path | None = None, mounted: Path | None = None) -> list[str]:
    """Return what runs ``command`` as a user without a name, who owns what we own, on a read-only root."""
    names = [str(writable)] if writable else []
    names += [f"{mounted}=ro"] if mounted else []
    user = ["--user", f"--map-user={UID}", f"--map-group={UID}", "--keep-caps", "--mount"]
    return ["unshare", *user, "sh", "-c", _SCRIPT, "sh", *names, "--", *command]


def pods_can_be_made() -> bool:
    """Return whether this machine lets us make such a namespace."""
    if shutil.which("unshare") is None or shutil.which("setpriv") is None:
        return False
    return subprocess.run(in_pod("true"), capture_output=True, check=False).returncode == 0


def mount_key(folder: Path, content: bytes) -> Path:
    """Lay a key file down as Kubernetes mounts a secret with ``defaultMode: 0440``; return its path."""
    real = folder / "..2026_11_30_10_00_00.123456789"
    real.mkdir(parents=True)
    (real / "key").write_bytes(content)
    (real / "key").chmod(0o440)
    (folder / "..data").symlink_to(real.name)
    (folder / "key").symlink_to("..data/key")
    return folder / "key"


def service_variables(name: str, address: str = "10.96.0.7", port: int = 8000) -> dict[str, str]:
    """Return what the kubelet puts into every container for a Service of this name."""
    host = f"[{address}]" if ":" in address else address
    return {
        f"{name}_SERVICE_HOST": address,
        f"{name}_SERVICE_PORT": str(port),
        f"{name}_SERVICE_PORT_HTTP": str(port),
        f"{name}_PORT": f"tcp://{host}:{port}",
        f"{name}_PORT_{port}_TCP": f"tcp://{host}:{port}",
        f"{name}_PORT_{port}_TCP_PROTO": "tcp",
        f"{name}_PORT_{port}_TCP_PORT": str(port),
        f"{name}_PORT_{port}_TCP_ADDR": address,
    }


class Pod(HubProcess):
    """A hub whose processes run in a pod. It writes below ``state`` alone, and finds its key below ``mounted``.

    ``injected`` are the variables of Services; the port is that of the command line.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str],
        mounted: Path,
        injected: Mapping[str, str],
        *,
        workers: int = 0,
    ) -> None:
        super().__init__(folder, settings, workers=workers)
        self._mounted = mounted
        self._injected = injected
        self.state = folder / "state"
        self.state.mkdir()

    @property
    def environment(self) -> dict[str, str]:
        """What a container finds: neither HOME nor a user's name."""
        own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PATCHBAY_LOG_FORMAT": "json"}
        return own | self.settings | self._injected

    def command_line(self, *words: str) -> list[str]:
        words = (*words, "--port", str(self.port)) if words == ("serve",) else words
        return in_pod(*super().command_line(*words), writable=self.state, mounted=self._mounted)
