"""EXPERIMENTAL: secrets in the key-value engine, version 2, of HashiCorp Vault or OpenBao, by their paths.

No server of theirs could be run beside the tests: requests and answers are held against the documented API by a small
stand-in (https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2), and never met the real one.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from app.foundation.errors import NotAllowedNowError
from app.foundation.problems import ProblemCode, problem
from app.foundation.secret import Secret
from app.vault.errors import KeyFileError
from app.vault.private_file import read_private
from app.vault.service_client import ServiceClient, ServiceFaultError

EVERY_WORKSPACE: Final = "*"
_SEGMENT: Final = r"(?!\.{1,2}(?:[/#]|$))[A-Za-z0-9_.-]{1,128}"
_PATH: Final = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT}){{1,15}}")
REFERENCE: Final = re.compile(rf"vault:({_PATH.pattern})#([A-Za-z0-9_.-]{{1,128}})")
_GRANT: Final = re.compile(rf"(\*|wks_[A-Za-z0-9_]{{1,64}})=({_PATH.pattern})/?")
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_MISSING: Final = frozenset({403, 404})
Grants = Mapping[str, tuple[str, ...]]


class VaultPaths:
    """Reads ``vault:<mount>/data/<path>#<field>`` for workspaces that were granted a prefix of the path.

    Each use asks anew: what was changed there is used from then on. The token is read from its file each time, as an
    agent renews it there.
    """

    def __init__(self, service: ServiceClient, token_file: Path, grants: Grants) -> None:
        self._service = service
        self._token_file = token_file
        self._grants = grants

    async def find(self, workspace_id: str, reference: str) -> Secret | None:
        """Return the secret, or None where it is not granted, not there or not a text.

        Raises:
            NotAllowedNowError: KEY_UNAVAILABLE, the server cannot be asked now.
        """
        match = REFERENCE.fullmatch(reference)
        if match is None or not self._is_granted(workspace_id, match[1]):
            return None
        try:
            token = Secret(read_private(self._token_file).strip())
            answer = await self._service.request("GET", f"/v1/{match[1]}", headers={"x-vault-token": token})
        except (KeyFileError, ServiceFaultError):
            raise NotAllowedNowError(problem(ProblemCode.KEY_UNAVAILABLE)) from None
        if answer.status in _MISSING:
            return None
        if not answer.is_ok:
            raise NotAllowedNowError(problem(ProblemCode.KEY_UNAVAILABLE))
        # A version that was deleted has null for its data.
        value = _mapping(_mapping(answer.data.get("data")).get("data")).get(match[2])
        return Secret(value) if isinstance(value, str) and value else None

    def _is_granted(self, workspace_id: str, path: str) -> bool:
        prefixes = (*self._grants.get(workspace_id, ()), *self._grants.get(EVERY_WORKSPACE, ()))
        return any(path.startswith(f"{prefix}/") for prefix in prefixes)


def grants_of(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read ``<workspace id or *>=<mount>/data/<prefix>`` words.

    Raises:
        ValueError: one is not of that form.
    """
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        match = _GRANT.fullmatch(word)
        if match is None:
            raise ValueError(
                "an entry is <workspace id or *>=<mount>/data/<path>, such as *=secret/data/patchbay"
            )
        found[match[1]] = (*found.get(match[1], ()), match[2])
    return found


def vault_faults(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Say everything that is wrong with the settings of Vault paths: which one, and why.

    ``values`` are the settings as they were given, by their names in lower case.
    """
    given = {name for name in ("vault_address", "vault_token_file", "vault_allowed") if values.get(name)}
    if not given:
        return []
    faults = [
        (name, "is missing: PATCHBAY_VAULT_ADDRESS, _TOKEN_FILE and _ALLOWED go together")
        for name in ("vault_address", "vault_token_file", "vault_allowed")
        if name not in given
    ]
    if "vault_address" in given and (fault := _address_fault(str(values["vault_address"]))):
        faults.append(("vault_address", fault))
    faults += [
        (name, "there is no such file")
        for name in ("vault_token_file", "vault_ca_file")
        if values.get(name) and not Path(str(values[name])).is_file()
    ]
    return faults or _authorities_faults(values.get("vault_ca_file"))


def _address_fault(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        _ = parts.port  # read here, so that a wrong one is reported here
    except ValueError:
        parts = urlsplit("")
    has_more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in {"http", "https"} or not parts.hostname or has_more:
        return "must be an origin such as https://vault.example.com:8200, without a path"
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        return "must be https: secrets come from there"
    return None


def _authorities_faults(file: object) -> list[tuple[str, str]]:
    try:
        ssl.create_default_context(cafile=str(file) if file else None)
    except (OSError, ssl.SSLError):
        return [("vault_ca_file", "holds no certificates")]
    return []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
