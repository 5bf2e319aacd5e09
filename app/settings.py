"""The only reader of the environment: every ``PATCHBAY_`` variable, checked at start, all faults in one message."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from app.credentials.vault_paths import grants_of, vault_faults
from app.foundation.certificates import certificates_fault
from app.foundation.database import dialect_of
from app.foundation.secret import Secret
from app.foundation.service_variables import is_service_variable
from app.vault.key_source import KeySource, Provider, source_faults

_PREFIX: Final = "PATCHBAY_"
_APPLICATION_PREFIX: Final = "PATCHBAY_APP_"
_SECRET_PREFIX: Final = "PATCHBAY_SECRET_"  # noqa: S105 - the beginning of a name
_FREE: Final = (_APPLICATION_PREFIX, _SECRET_PREFIX, "PATCHBAY_TEST_", "PATCHBAY_PROOFS")
_DEFAULT_PORT: Final = 8000
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_PATH: Final = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*")
MAX_PORT: Final = 65_535
_NO_HOME: Final = Path("/nonexistent")  # as the users of services have it (Debian policy 9.2.3)


class SettingsError(Exception):
    """The environment does not make a working hub; ``faults`` says everything that is wrong, one line each."""

    exit_code: Final = 78

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("The settings are not right:\n" + "\n".join(f"  - {fault}" for fault in faults))


def _words(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever the environment holds
    return [part for part in re.split(r"[,\s]+", value) if part] if isinstance(value, str) else value


def _networks(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever the environment holds
    try:
        return tuple(ip_network(part, strict=False) for part in _words(value))
    except ValueError:
        raise ValueError("must be networks such as 10.0.0.0/8 or fd00::/8, separated by commas") from None


def _parts(value: str) -> SplitResult:
    """Split an address; what is wrong with it is said without a word of it: it may hold a password."""
    try:
        parts = urlsplit(value)
        _ = parts.port  # read here, so that a wrong one is reported here
    except ValueError:
        raise ValueError(
            "cannot be read as an address (in a password, characters such as [ ] @ : / are written %5B %5D %40 %3A %2F)"
        ) from None
    return parts


def _address(value: str) -> str:
    """Return an address in its one form: lower case but for the path, no final slash, no port that is the scheme's."""
    parts = _parts(value)
    path = parts.path.rstrip("/")
    has_more = parts.query or parts.fragment or "@" in parts.netloc or not _PATH.fullmatch(path)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or has_more:
        raise ValueError(
            "must be an address such as https://hub.example.com or https://example.com/hub, "
            "without a user name or a query"
        )
    netloc = parts.netloc.lower().removesuffix(":")
    if parts.port == _DEFAULT_PORTS[parts.scheme]:
        netloc = netloc.rpartition(":")[0]
    return f"{parts.scheme}://{netloc}{path}"


def _origin(value: str) -> str:
    try:
        address = _address(value)
    except ValueError:
        address = None
    if address is None or urlsplit(address).path:
        raise ValueError("must be an origin such as https://app.example.com, without a path or a user name")
    return address


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(_networks)]
Address = Annotated[str, AfterValidator(_address)]
Origin = Annotated[str, AfterValidator(_origin)]
Origins = Annotated[tuple[Origin, ...], BeforeValidator(_words)]


class Settings(BaseModel):
    """The hub's settings. The arrangement is scaled where PostgreSQL and Redis are set, else embedded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database_url: SecretStr | None = Field(
        None, description="sqlite://path or postgres://user:password@host:port/name"
    )
    redis_url: SecretStr | None = Field(None, description="redis://host:port/number")
    data_dir: Path = Field(
        default_factory=lambda: _home("XDG_DATA_HOME", ".local/share"), description="data folder"
    )
    key_file: Path | None = Field(None, description="file with the key that wraps all data keys")
    key: SecretStr | None = Field(None, description="the key itself, base64 of 32 bytes; a file is better")
    key_provider: Provider = Field("file", description="who keeps the key that wraps all data keys")
    key_id: str | None = Field(None, description="the key's name at its key service")
    key_endpoint: str | None = Field(
        None, description="the key service's address, where it has none of its own"
    )
    key_credentials: Path | None = Field(
        None, description="file with the token or account for the key service"
    )
    key_ca_file: Path | None = Field(None, description="authorities that sign the key service's certificate")
    key_others: Words = Field((), description="keys of key services that only open: <provider>:<id>")
    key_retention_days: int = Field(30, ge=1, le=3650, description="how long a replaced data key is kept")
    public_url: Address | None = Field(None, description="the address under which browsers reach the hub")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(_DEFAULT_PORT, ge=0, le=MAX_PORT, description="port to listen on; 0 takes a free one")
    egress_allow: Networks = Field((), description="private networks that may be called, also by plain http")
    ca_file: Path | None = Field(
        None, description="file with the company's own authorities, trusted beside the public ones"
    )
    allowed_origins: Origins = Field((), description="other web origins that may use the API from a browser")
    sandbox: bool | None = Field(None, description="simulate integrations; on by default only when embedded")
    graphiql: bool | None = Field(None, description="serve GraphiQL; on by default only when embedded")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least severe log line"
    )
    log_format: Literal["auto", "json", "text"] = Field("auto", description="auto writes text to a terminal")
    streams_per_workspace: int = Field(
        200,
        ge=1,
        le=10_000,
        description="how many subscriptions a workspace may have open at one web process",
    )
    event_retention_days: int = Field(7, ge=1, le=365, description="how long events can be replayed")
    secrets_allowed: Words = Field(
        (), description="workspace ids that may refer to PATCHBAY_SECRET_*; * is all"
    )
    vault_address: str | None = Field(
        None, description="Vault or OpenBao, for vault:<mount>/data/<path>#<field>"
    )
    vault_token_file: Path | None = Field(None, description="file with the token for Vault")
    vault_ca_file: Path | None = Field(None, description="authorities that sign Vault's certificate")
    vault_allowed: Words = Field(
        (), description="prefixes that workspaces may refer to: <workspace id or *>=<mount>/data/<path>"
    )
    outside_secrets: Mapping[str, SecretStr] = Field(
        default_factory=dict, description="PATCHBAY_SECRET_<NAME>"
    )
    applications: Mapping[str, SecretStr] = Field(
        default_factory=dict, description="PATCHBAY_APP_<INTEGRATION>_<FIELD>"
    )
    passed_over: tuple[str, ...] = Field(
        (), description="variables of Kubernetes Services that are named like settings"
    )

    @field_validator("host")
    @classmethod
    def _plain_host(cls, value: str) -> str:
        return value.removeprefix("[").removesuffix("]")

    @field_validator("vault_allowed")
    @classmethod
    def _known_grants(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        grants_of(value)
        return value

    @field_validator("ca_file")
    @classmethod
    def _readable_authorities(cls, value: Path | None) -> Path | None:
        try:
            fault = certificates_fault(value.read_text(encoding="utf-8")) if value else None
        except (OSError, UnicodeDecodeError):
            fault = "there is no such file that can be read"
        if fault:
            raise ValueError(fault)
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            url = value.get_secret_value()
            parts = _parts(url) if dialect_of(url) == "postgres" else None
            if parts is None and not url.removeprefix("sqlite://").split("?", 1)[0].strip("/"):
                raise ValueError("must name a file, such as sqlite:///var/lib/patchbay/hub.sqlite3")
            if parts is not None and not parts.path.strip("/"):
                raise ValueError("must name a database, such as postgres://user:password@host:5432/patchbay")
        return value

    @field_validator("redis_url")
    @classmethod
    def _known_broker(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and _parts(value.get_secret_value()).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("a Redis URL starts with redis:// or rediss://")
        return value

    @model_validator(mode="after")
    def _whole_arrangement(self) -> Self:
        postgres = dialect_of(self.database) == "postgres"
        if postgres and self.redis_url is None:
            raise ValueError("PATCHBAY_REDIS_URL is missing: PostgreSQL and Redis are used together")
        if self.redis_url is not None and not postgres:
            raise ValueError("PATCHBAY_DATABASE_URL must name PostgreSQL when PATCHBAY_REDIS_URL is set")
        if self.key is not None and self.key_file is not None:
            raise ValueError("set PATCHBAY_KEY_FILE or PATCHBAY_KEY, not both")
        is_keyless = self.key is None and self.key_file is None and self.key_provider == "file"
        if self.is_scaled and is_keyless:
            raise ValueError(
                "PATCHBAY_KEY_FILE is missing: with PostgreSQL the operator sets the key, on every host "
                "(patchbay keys init FILE makes one)"
            )
        homeless = [
            f"{_PREFIX}{name}"
            for name, path, is_needed in (
                ("DATA_DIR", self.data_dir, not self.is_scaled),
                ("KEY_FILE", self.key_path, is_keyless),
            )
            if is_needed and path.is_relative_to(_NO_HOME)
        ]
        if homeless:
            raise ValueError(
                f"there is no home folder (HOME is not set, and no user {os.getuid()} is known here): "
                f"set {' and '.join(homeless)}"
            )
        return self

    @property
    def is_scaled(self) -> bool:
        """Whether the hub runs on PostgreSQL and Redis."""
        return self.redis_url is not None

    @property
    def public_path(self) -> str:
        """The path below which browsers reach the hub: empty, or with a slash at its beginning and none at its end."""
        return urlsplit(self.public_url or "").path

    @property
    def database(self) -> str:
        """The database's URL."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite://{self.data_dir / 'patchbay.sqlite3'}"

    @property
    def redis(self) -> str | None:
        """The broker's URL, or None in the embedded arrangement."""
        return self.redis_url.get_secret_value() if self.redis_url else None

    @property
    def authorities(self) -> str | None:
        """The company's own authorities, in PEM."""
        return self.ca_file.read_text(encoding="utf-8") if self.ca_file else None

    @property
    def key_path(self) -> Path:
        """The key file; by default in the user's configuration folder, away from the data."""
        return self.key_file or _home("XDG_CONFIG_HOME", ".config") / "key"

    @property
    def key_source(self) -> KeySource:
        """Where the keys come from; an embedded hub makes its own where nothing that is stored needs an older one."""
        return KeySource(
            provider=self.key_provider,
            file=self.key_path,
            data_folder=self.data_dir,
            may_create=not self.is_scaled,
            variable=Secret(self.key.get_secret_value()) if self.key is not None else None,
            key_id=self.key_id,
            endpoint=self.key_endpoint,
            credentials=self.key_credentials,
            ca_file=self.key_ca_file,
            others=self.key_others,
        )

    @property
    def sandbox_on(self) -> bool:
        """Whether integrations are simulated."""
        return not self.is_scaled if self.sandbox is None else self.sandbox

    @property
    def graphiql_on(self) -> bool:
        """Whether GraphiQL is served."""
        return not self.is_scaled if self.graphiql is None else self.graphiql

    def make_data_dir(self) -> None:
        """Make the data folder, for this user alone.

        Raises:
            SettingsError: it cannot be made.
        """
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as fault:
            reason = f"PATCHBAY_DATA_DIR: {self.data_dir} cannot be made ({fault.strerror})"
            raise SettingsError([reason]) from None

    def local_url(self, port: int | None = None) -> str:
        """Return the address under which this machine reaches the hub."""
        return f"http://{_reached_at(self.host)}:{port or self.port}"

    def operator_secrets(self) -> dict[str, Secret]:
        """Return the secrets that connections may refer to as ``env:PATCHBAY_SECRET_<NAME>``, by name."""
        return {name: Secret(value.get_secret_value()) for name, value in self.outside_secrets.items()}

    def operator_applications(self, integrations: Iterable[str]) -> dict[str, dict[str, Secret]]:
        """Return the operator's default applications: integration key to field name (``client_id``) to value.

        Raises:
            SettingsError: a ``PATCHBAY_APP_`` variable names no integration of the catalog.
        """
        # The longest key wins, so that an integration whose name begins with another's keeps its own variables.
        keys = {key.upper().replace("-", "_"): key for key in sorted(integrations, key=len)}
        found: dict[str, dict[str, Secret]] = {}
        faults = []
        for name, value in self.applications.items():
            owner = next(
                (k for k in reversed(keys) if name.startswith(f"{k}_") and len(name) > len(k) + 1), None
            )
            if owner is None:
                faults.append(f"{_APPLICATION_PREFIX}{name} names no integration of the catalog")
            else:
                field = name.removeprefix(f"{owner}_").lower()
                found.setdefault(keys[owner], {})[field] = Secret(value.get_secret_value())
        if faults:
            raise SettingsError(faults)
        return found


def read_settings(environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:  # noqa: ANN401 - pydantic hands over whatever the environment holds
    """Read the settings from ``environment`` (the process's own by default); ``overrides`` come from the command line.

    Raises:
        SettingsError: with every fault, each naming its variable.
    """
    source = dict(os.environ if environment is None else environment)
    mine = {name: value for name, value in source.items() if name.startswith(_PREFIX) and value != ""}
    passed_over = sorted(name for name, value in mine.items() if is_service_variable(name, value))
    for name in passed_over:
        del mine[name]
    values: dict[str, Any] = {
        name.removeprefix(_PREFIX).lower(): value
        for name, value in mine.items()
        if not name.startswith(_FREE)
    }
    values |= {name: value for name, value in overrides.items() if value is not None}
    known = {name: value for name, value in values.items() if name in _SETTABLE}
    faults = _unknown(values)
    said = (*source_faults(values), *vault_faults(values))
    faults += [f"{_PREFIX}{name.upper()}: {reason}" for name, reason in said]
    try:
        settings = Settings(
            **known,
            applications=_named(mine, _APPLICATION_PREFIX),
            outside_secrets=_named(mine, _SECRET_PREFIX),
            passed_over=tuple(passed_over),
        )
    except ValidationError as fault:
        raise SettingsError(faults + [_line(error) for error in fault.errors()]) from None
    if faults:
        raise SettingsError(faults)
    return settings


def _unknown(values: Mapping[str, Any]) -> list[str]:
    faults = []
    for name in sorted(set(values) - _SETTABLE):
        near = get_close_matches(name, sorted(_SETTABLE), n=1)
        hint = f"; did you mean {_PREFIX}{near[0].upper()}?" if near else ""
        faults.append(f"{_PREFIX}{name.upper()} is not a setting{hint}")
    return faults


def _named(mine: Mapping[str, str], prefix: str) -> dict[str, SecretStr]:
    return {
        name.removeprefix(prefix): SecretStr(value) for name, value in mine.items() if name.startswith(prefix)
    }


def _line(error: Any) -> str:  # noqa: ANN401 - pydantic hands over whatever the environment holds
    reason = str(error["msg"]).removeprefix("Value error, ")
    where = [str(part) for part in error["loc"]]
    return f"{_PREFIX}{where[0].upper()}: {reason}" if where else reason


def _reached_at(host: str) -> str:
    """Return the host of a URL that reaches who listens on ``host`` (RFC 3986 3.2.2; a zone as in RFC 6874)."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "[::1]" if isinstance(address, IPv6Address) else "127.0.0.1"
    return f"[{str(address).replace('%', '%25')}]" if isinstance(address, IPv6Address) else str(address)


def _home(variable: str, fallback: str) -> Path:
    base = os.environ.get(variable)
    return (Path(base) if base else _home_folder() / fallback) / "patchbay"


def _home_folder() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # no HOME, and a user that this machine does not know
        return _NO_HOME


_SETTABLE: Final = frozenset(Settings.model_fields) - {"applications", "outside_secrets", "passed_over"}
