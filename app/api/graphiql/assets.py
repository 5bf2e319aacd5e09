"""The files the GraphiQL page may load: an exact list, each with its media type, digest and gzip form."""

import asyncio
import gzip
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from app.api.graphiql.examples import example_tabs

HERE: Final = files("app.api.graphiql")
VENDORED: Final = (
    "graphiql.min.css",
    "graphiql.min.js",
    "graphql-ws.min.js",
    "react-dom.production.min.js",
    "react.production.min.js",
)
OWN: Final = ("boot.js", "fetcher.js", "page.css", "seen-ids.js", "storage.js")
EXAMPLES: Final = "examples.json"

_MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
}
_WORTH_COMPRESSING: Final = 1_400  # bytes: what fits one network packet gains nothing


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent: its bytes, also gzipped where that pays, its media type and digest."""

    body: bytes
    gzipped: bytes | None
    media_type: str
    digest: str


class Assets:
    """Looks files up by exact name; reads and compresses each once, off the event loop, on first use."""

    def __init__(self) -> None:
        self._sources: dict[str, Callable[[], bytes]] = {
            **{name: (HERE / "vendor" / name).read_bytes for name in VENDORED},
            **{name: (HERE / "web" / name).read_bytes for name in OWN},
            EXAMPLES: lambda: json.dumps(example_tabs()).encode(),
        }
        self._loaded: dict[str, Asset] = {}

    @property
    def names(self) -> frozenset[str]:
        """Every name that can be asked for."""
        return frozenset(self._sources)

    async def find(self, name: str) -> Asset | None:
        """Return the file of that exact name, or None."""
        if name not in self._sources:
            return None
        if name not in self._loaded:
            self._loaded[name] = await asyncio.to_thread(_load, name, self._sources[name])
        return self._loaded[name]


def page_html(*, signed_in: bool, style_nonce: str) -> str:
    """Return the page; who is not signed in gets a line that says how to."""
    notice = "" if signed_in else _text("sign-in.html")
    page = _text("index.html").replace("<!-- sign-in -->", notice.strip())
    return page.replace("{{style-nonce}}", style_nonce)


def _text(name: str) -> str:
    return (HERE / "web" / name).read_text(encoding="utf-8")


def _load(name: str, read: Callable[[], bytes]) -> Asset:
    body = read()
    gzipped = gzip.compress(body, compresslevel=6, mtime=0) if len(body) > _WORTH_COMPRESSING else None
    media_type = _MEDIA_TYPES[name[name.rindex(".") :]]
    return Asset(body, gzipped, media_type, hashlib.sha256(body).hexdigest()[:32])
