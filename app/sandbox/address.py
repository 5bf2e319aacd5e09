"""The address scheme: ``/{integration}[@{version}]/{host[:port]}/{path}`` simulates ``https://{host}/{path}``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote

from semver import Version

from app.foundation.patterns import matches

_INTEGRATION: Final = r"^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$"
_HOST: Final = r"^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$"
_KEPT: Final = "-._~:@!$&'()*+,;="
MAX_PATH_CHARS: Final = 8_192


@dataclass(frozen=True, slots=True)
class Address:
    """The address that a request would have outside; ``path`` is canonical and starts with ``/``.

    ``sent_path`` is the path letter by letter as it was sent, which is what signatures cover.
    """

    integration: str
    version: str | None
    host: str
    path: str
    sent_path: str = field(default="", compare=False)

    @property
    def url(self) -> str:
        """The simulated address, without a query."""
        return f"https://{self.host}{self.path}"


def parse_address(raw_path: str) -> Address | None:
    """Parse a percent-encoded path below the sandbox's mount; None where it is not of the scheme."""
    if len(raw_path) > MAX_PATH_CHARS:
        return None
    first, _, rest = raw_path.removeprefix("/").partition("/")
    key, at, version = unquote(first).partition("@")
    raw_host, _, path = rest.partition("/")
    host = unquote(raw_host).lower().removesuffix(":443")
    if not matches(_INTEGRATION, key) or not matches(_HOST, host):
        return None
    if at and not Version.is_valid(version):
        return None
    return Address(key, version if at else None, host, canonical_path("/" + path), "/" + path)


def canonical_path(path: str) -> str:
    """Return ``path`` with each segment percent-encoded in one way, so that equal paths compare equal."""
    return "/".join(quote(unquote(segment), safe=_KEPT) for segment in path.split("/"))
