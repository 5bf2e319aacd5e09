"""A stand-in for the key-value engine, version 2, of HashiCorp Vault, at ``/v1/<mount>/data/<path>``."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class KeyValue:
    """Secrets by path (``secret/data/shop``); None is a version that was deleted."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.secrets: dict[str, dict[str, Any] | None] = {}
        self.forbidden: set[str] = set()
        self.asked: list[str] = []
        self.fault_status: int | None = None
        self.app = Starlette(routes=[Route("/v1/{path:path}", self._read)])

    async def _read(self, request: Request) -> Response:
        path = request.path_params["path"]
        self.asked.append(path)
        if self.fault_status is not None:
            return JSONResponse({"errors": ["Vault is sealed"]}, self.fault_status)
        if request.headers.get("x-vault-token") != self.token or path in self.forbidden:
            return JSONResponse({"errors": ["1 error occurred:\n\t* permission denied\n\n"]}, 403)
        if path not in self.secrets:
            return JSONResponse({"errors": []}, 404)
        data = self.secrets[path]
        metadata = {"created_time": "2026-01-01T00:00:00Z", "custom_metadata": None, "version": 1}
        return JSONResponse(
            {
                "request_id": "r",
                "lease_id": "",
                "renewable": False,
                "lease_duration": 0,
                "data": {"data": data, "metadata": {**metadata, "destroyed": False}},
            },
            404 if data is None else 200,
        )
