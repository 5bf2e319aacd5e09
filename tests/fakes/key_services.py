"""Key services on loopback: moto plays AWS KMS; small stand-ins of ours play Google Cloud KMS and Vault's transit.

The stand-ins hold real keys and follow the documented requests and answers to the letter; what is not documented they
refuse.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

AWS_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
}
_ADDRESS = re.compile(r"Running on (http://127\.0\.0\.1:\d+)")


@contextmanager
def running_moto() -> Iterator[str]:
    """Run moto's server as a process of its own; yield its address."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    try:
        for line in process.stderr:
            if found := _ADDRESS.search(line):
                yield found[1]
                return
        raise RuntimeError("moto's server ended before it answered")
    finally:
        process.kill()
        process.communicate()


class VersionedKey:
    """A key with versions; the newest encrypts, all decrypt."""

    def __init__(self) -> None:
        self.versions = [os.urandom(32)]

    def rotate(self) -> None:
        self.versions.append(os.urandom(32))

    def encrypt(self, plaintext: bytes, associated: bytes) -> tuple[int, bytes]:
        nonce = os.urandom(12)
        return len(self.versions), nonce + AESGCM(self.versions[-1]).encrypt(nonce, plaintext, associated)

    def decrypt(self, version: int, data: bytes, associated: bytes) -> bytes:
        return AESGCM(self.versions[version - 1]).decrypt(data[:12], data[12:], associated)


class GoogleKms:
    """Cloud KMS v1, cryptoKeys.encrypt and .decrypt, and the metadata server's token."""

    def __init__(self) -> None:
        self.keys: dict[str, VersionedKey] = {}
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.instead: list[Response] = []
        self.tokens_given = 0
        self.app = Starlette(
            routes=[
                Route("/v1/{name:path}:{verb}", self._crypto, methods=["POST"]),
                Route("/computeMetadata/v1/instance/service-accounts/default/token", self._token),
            ]
        )

    async def _token(self, request: Request) -> Response:
        if request.headers.get("metadata-flavor") != "Google":
            return Response("missing Metadata-Flavor", 403)
        self.tokens_given += 1
        token = f"machine-token-{self.tokens_given}"
        return JSONResponse({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    async def _crypto(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append((request.path_params["verb"], dict(request.headers), dict(body)))
        if self.instead:
            return self.instead.pop(0)
        if not request.headers.get("authorization", "").startswith("Bearer "):
            return _google_fault(401, "UNAUTHENTICATED")
        name, verb = request.path_params["name"], request.path_params["verb"]
        if name not in self.keys:
            return _google_fault(404, "NOT_FOUND")
        key, associated = self.keys[name], b64decode(body.pop("additionalAuthenticatedData"))
        if verb == "encrypt":
            version, data = key.encrypt(b64decode(body.pop("plaintext")), associated)
            answer = {
                "name": f"{name}/cryptoKeyVersions/{version}",
                "ciphertext": b64encode(bytes([version]) + data).decode(),
                "ciphertextCrc32c": "0",
                "protectionLevel": "SOFTWARE",
            }
        else:
            data = b64decode(body.pop("ciphertext"))
            try:
                plaintext = key.decrypt(data[0], data[1:], associated)
            except (InvalidTag, IndexError):
                return _google_fault(400, "INVALID_ARGUMENT")
            answer = {"plaintext": b64encode(plaintext).decode(), "plaintextCrc32c": "0", "usedPrimary": True}
        return JSONResponse(answer) if not body else _google_fault(400, "INVALID_ARGUMENT")


def _google_fault(code: int, status: str) -> Response:
    return JSONResponse(
        {"error": {"code": code, "message": f"words with a {CANARY}", "status": status}}, code
    )


CANARY = "canary-of-a-service"


class Transit:
    """Vault's transit engine at ``transit``: encrypt and decrypt with associated data."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.keys: dict[str, VersionedKey] = {}
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.instead: list[Response] = []
        self.fault_status = 400
        self.app = Starlette(routes=[Route("/v1/{mount:path}/{verb}/{name}", self._crypto, methods=["POST"])])

    async def _crypto(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append((request.path_params["verb"], dict(request.headers), dict(body)))
        if self.instead:
            return self.instead.pop(0)
        if request.headers.get("x-vault-token") != self.token:
            return _vault_fault(403, "permission denied")
        place = f"{request.path_params['mount']}/{request.path_params['name']}"
        if place not in self.keys:
            return _vault_fault(400, "encryption key not found")
        key, associated = self.keys[place], b64decode(body.pop("associated_data"))
        if request.path_params["verb"] == "encrypt":
            version, data = key.encrypt(b64decode(body.pop("plaintext")), associated)
            found: dict[str, Any] = {
                "ciphertext": f"vault:v{version}:{b64encode(data).decode()}",
                "key_version": version,
            }
        else:
            _, version_text, encoded = body.pop("ciphertext").split(":")
            try:
                plaintext = key.decrypt(int(version_text[1:]), b64decode(encoded), associated)
            except (InvalidTag, IndexError):
                return _vault_fault(self.fault_status, "cipher: message authentication failed")
            found = {"plaintext": b64encode(plaintext).decode()}
        if body:
            return _vault_fault(400, "unknown field")
        return JSONResponse(
            {"request_id": "r", "lease_id": "", "renewable": False, "data": found, "warnings": None}
        )


def _vault_fault(status: int, words: str) -> Response:
    return JSONResponse({"errors": [words]}, status)
