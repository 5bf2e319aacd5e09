"""Where the hub's keys come from: a file, a variable or a key service; what the settings may say of it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from app.foundation.clock import Clock
from app.foundation.database import Database
from app.foundation.secret import Secret
from app.vault import aws_kms, gcp_kms, vault_transit
from app.vault.errors import KeyFileError
from app.vault.google_token import METADATA, GoogleToken
from app.vault.key_file import env_ring
from app.vault.keys import KeyProvider, KeyRing
from app.vault.rotation import KeyHome
from app.vault.service_client import ServiceClient, service_outbound
from app.vault.start_up import prepare_key_file
from app.vault.watched_ring import WatchedKeyRing

Provider = Literal["file", "env", "aws-kms", "gcp-kms", "vault-transit"]
_NAMES: Final = {
    "aws-kms": (aws_kms.ARN, "arn:aws:kms:<region>:<account>:key/<id>"),
    "gcp-kms": (gcp_kms.NAME, "projects/<p>/locations/<l>/keyRings/<r>/cryptoKeys/<k>"),
    "vault-transit": (vault_transit.NAME, "<mount>/<name>"),
}
_NEEDED_BY_VAULT: Final = {
    "key_endpoint": "is missing: with vault-transit it is Vault's address",
    "key_credentials": "is missing: with vault-transit it is the file with the token",
}
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class KeySource:
    """What the settings say of keys. ``others`` are keys of key services that only open, ``<provider>:<id>``."""

    provider: Provider
    file: Path
    data_folder: Path
    may_create: bool
    variable: Secret | None = None
    key_id: str | None = None
    endpoint: str | None = None
    credentials: Path | None = None
    ca_file: Path | None = None
    others: tuple[str, ...] = ()


def source_faults(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Say everything that is wrong with the settings of keys: which one, and why.

    ``values`` are the settings as they were given, by their names in lower case.
    """
    provider = str(values.get("key_provider") or "file")
    others = _split(values.get("key_others"))
    services = [name for name, _ in (*_main(provider, values.get("key_id")), *others)]
    for name, key in others:
        yield from _name_faults("key_others", name, key)
    if provider in _NAMES:
        yield from _name_faults("key_id", provider, str(values.get("key_id") or ""))
    elif values.get("key_id"):
        yield (
            "key_id",
            "is for key services; set PATCHBAY_KEY_PROVIDER to aws-kms, gcp-kms or vault-transit",
        )
    if provider == "env" and not values.get("key"):
        yield "key", "is missing: with PATCHBAY_KEY_PROVIDER=env it holds the key"
    if "aws-kms" in services and find_spec("boto3") is None:
        yield "key_provider", "aws-kms needs the extra aws: pip install 'patchbay[aws]'"
    needed = _NEEDED_BY_VAULT.items() if "vault-transit" in services else ()
    yield from ((name, why) for name, why in needed if not values.get(name))
    yield from _endpoint_faults(str(values.get("key_endpoint") or ""))
    for name in ("key_credentials", "key_ca_file"):
        if values.get(name) and not Path(str(values[name])).is_file():
            yield name, "there is no such file"


@asynccontextmanager
async def open_keys(source: KeySource, database: Database) -> AsyncIterator[tuple[KeyRing, KeyHome]]:
    """Yield the ring of all keys and where they can be changed; only a new embedded hub makes its own key file.

    Raises:
        VaultStartError: a key or a file that is needed is missing or not acceptable (exit code 78).
    """
    async with AsyncExitStack() as stack:
        services = await _services(source, database.clock, stack)
        has_service = source.provider in _NAMES
        if source.variable is not None:
            keys = env_ring(source.variable).keys
            ring = KeyRing(*services, *keys) if has_service else KeyRing(*keys, *services)
            yield ring, KeyHome(kept_in="PATCHBAY_KEY", has_service=has_service)
            return
        if not has_service:
            await prepare_key_file(database, source.file, create=source.may_create)
        elif not source.file.exists():
            yield KeyRing(*services), KeyHome(has_service=True)
            return
        # Beside a service that wraps, what the file's keys wrapped before goes on opening.
        ring = WatchedKeyRing(
            source.file,
            database.clock,
            data_folder=source.data_folder,
            services=services,
            service_wraps=has_service,
        )
        yield ring, KeyHome(source.file, source.data_folder, has_service=has_service)


async def _services(source: KeySource, clock: Clock, stack: AsyncExitStack) -> list[KeyProvider]:
    """Make the key that wraps, if a service has it, and those that only open."""
    wanted = [*_main(source.provider, source.key_id), *_split(source.others)]
    if not wanted:
        return []
    try:
        outbound = service_outbound(clock, source.ca_file)
    except (OSError, ssl.SSLError):
        raise KeyFileError(
            f"The file {source.ca_file} (PATCHBAY_KEY_CA_FILE) holds no certificates."
        ) from None
    stack.push_async_callback(outbound.aclose)
    # The address and the credentials belong to Vault where it is asked: it has none of its own.
    owner = "vault-transit" if any(name == "vault-transit" for name, _ in wanted) else source.provider

    def make(name: str, key: str) -> KeyProvider:
        endpoint = source.endpoint if name == owner else None
        credentials = source.credentials if name == owner else None
        if name == "aws-kms":
            service = aws_kms.AwsKmsKey(key, endpoint=endpoint)
            stack.callback(service.close)
            return service
        if name == "gcp-kms":
            token = GoogleToken(clock, ServiceClient(outbound, clock, METADATA), credentials)
            return gcp_kms.GcpKmsKey(key, ServiceClient(outbound, clock, endpoint or gcp_kms.ENDPOINT), token)
        return vault_transit.VaultTransitKey(
            key, ServiceClient(outbound, clock, str(endpoint)), Path(str(credentials))
        )

    return [make(name, key) for name, key in wanted]


def _main(provider: str, key_id: str | None) -> list[tuple[str, str]]:
    return [(provider, key_id or "")] if provider in _NAMES else []


def _split(others: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - a setting as it was given
    words = others.replace(",", " ").split() if isinstance(others, str) else list(others or ())
    return [(name, key) for name, _, key in (word.partition(":") for word in words)]


def _name_faults(setting: str, provider: str, key: str) -> Iterator[tuple[str, str]]:
    if provider not in _NAMES:
        yield setting, "an entry is <aws-kms|gcp-kms|vault-transit>:<id>"
        return
    pattern, form = _NAMES[provider]
    if not pattern.fullmatch(key):
        yield setting, f"with {provider} a key is named {form}"


def _endpoint_faults(endpoint: str) -> Iterator[tuple[str, str]]:
    if not endpoint:
        return
    try:
        parts = urlsplit(endpoint)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        yield "key_endpoint", "must be an origin such as https://vault.example.com:8200, without a path"
    elif parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        yield "key_endpoint", "must be https: what goes there opens every credential"
