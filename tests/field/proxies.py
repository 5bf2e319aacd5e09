"""Real proxies from Debian's packages in front of a hub, configured by the README's own examples."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.databases import require
from tests.foundation.certificates import Authority
from tests.journeys.hub_process import ROOT, free_port

NGINX, CADDY = "nginx", "caddy"
_READY_S = 30.0
_NGINX = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
{example}
}}
"""
_CADDY = """
{{
  admin off
  auto_https off
  storage file_system {folder}/caddy
  default_bind 127.0.0.1
}}
{example}
"""


@dataclass(frozen=True)
class Proxy:
    """A proxy on ``localhost``, which shows a hub below ``/hub``."""

    kind: str
    port: int
    folder: Path
    authority: str
    trust: ssl.SSLContext
    has_tls: bool

    @property
    def origin(self) -> str:
        return f"{'https' if self.has_tls else 'http'}://localhost:{self.port}"

    @property
    def public_url(self) -> str:
        return f"{self.origin}/hub"


def example(kind: str) -> str:
    """Return the README's example of a proxy."""
    found = re.search(
        rf"^<!-- proxy: {kind} -->\n```\w+\n(.*?)^```$",
        (ROOT / "README.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
    assert found is not None, f"the README has no example of {kind}"
    return found[1]


def prepared(kind: str, folder: Path, *, has_tls: bool = True) -> Proxy:
    """Return a proxy that does not run yet: the hub behind it has to know its address first."""
    binary = shutil.which(kind, path=f"{os.environ['PATH']}:/usr/sbin")
    require(binary is not None, f"{kind} is not installed (Debian package {kind})")
    authority = Authority()
    authority.server(folder, "localhost")
    return Proxy(kind, free_port(), folder, authority.pem, authority.trust(), has_tls)


@contextmanager
def running(proxy: Proxy, hub_port: int, *, takes_path: bool) -> Iterator[None]:
    """Run the proxy in front of a hub; with ``takes_path`` it takes ``/hub`` away from what it passes on."""
    (certificate,) = proxy.folder.glob("localhost-*.pem")
    text = _filled(proxy, hub_port, certificate, takes_path=takes_path)
    if not proxy.has_tls:  # for who knows no authority of ours
        text = "\n".join(
            line for line in text.replace(" ssl;", ";").splitlines() if "ssl_certificate" not in line
        )
    file = proxy.folder / f"{proxy.kind}.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    frame = _NGINX if proxy.kind == NGINX else _CADDY
    file.write_text(frame.format(user=user, folder=proxy.folder, example=text))
    binary = shutil.which(proxy.kind, path=f"{os.environ['PATH']}:/usr/sbin")
    words = (
        ["-p", str(proxy.folder), "-e", "stderr", "-c", str(file)]
        if proxy.kind == NGINX
        else ["run", "--adapter", "caddyfile", "--config", str(file)]
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(proxy.folder)}
    log_file = proxy.folder / f"{proxy.kind}.log"
    with (
        log_file.open("wb") as log,
        subprocess.Popen([str(binary), *words], env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_for(proxy, process, log_file)
            yield
        finally:
            process.terminate()


def _filled(proxy: Proxy, hub_port: int, certificate: Path, *, takes_path: bool) -> str:
    """Return the example with this machine's addresses in place of the README's."""
    text = example(proxy.kind).replace("127.0.0.1:8000", f"127.0.0.1:{hub_port}")
    if proxy.kind == NGINX:
        text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{proxy.port} ssl").replace(
            "example.com;", "localhost;"
        )
        text = text.replace("/etc/ssl/example.com.pem", str(certificate))
        return text.replace(f":{hub_port};", f":{hub_port}/;") if takes_path else text
    text = text.replace("example.com {", f"{proxy.origin} {{\n  tls {certificate} {certificate}\n")
    if takes_path:
        passing = f"reverse_proxy @hub 127.0.0.1:{hub_port}"
        text = text.replace(
            passing, f"route @hub {{\n  uri strip_prefix /hub\n  reverse_proxy 127.0.0.1:{hub_port}\n}}"
        )
    return text


def _wait_for(proxy: Proxy, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", proxy.port), timeout=5).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return
