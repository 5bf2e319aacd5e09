"""The TLS contexts of outbound calls: whom the hub trusts, and the certificate that it shows."""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from typing import Final

import httpx

from app.foundation.certificates import TlsMaterial, show, trust
from app.foundation.errors import outside_error
from app.foundation.problems import ProblemCode, problem

MAX_CONTEXTS: Final = 64
_UNUSABLE: Final = "the connection's own certificates or their key cannot be used"


class TlsContexts:
    """A context for all calls, and one for each material, of which the least used are dropped.

    ``authorities`` (PEM) are trusted for every call, beside those of ``verify`` (True: the public ones).
    """

    def __init__(self, verify: ssl.SSLContext | bool, authorities: str | None) -> None:
        self.common = httpx.create_ssl_context(verify, trust_env=False)
        self._authorities = authorities
        self._made: OrderedDict[bytes, ssl.SSLContext] = OrderedDict()
        self._prepare(self.common)

    async def of(self, material: TlsMaterial | None) -> ssl.SSLContext:
        """Return the context for a material.

        Raises:
            RefusedOutsideError: UPSTREAM_TLS, because the material cannot be used.
        """
        if material is None or material == TlsMaterial():
            return self.common
        digest = material.digest
        made = self._made.get(digest)
        if made is None:
            made = self._made[digest] = await asyncio.to_thread(self._make, material)
        self._made.move_to_end(digest)
        while len(self._made) > MAX_CONTEXTS:
            self._made.popitem(last=False)
        return made

    def _make(self, material: TlsMaterial) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cadata=b"".join(self.common.get_ca_certs(binary_form=True)))
            self._prepare(context)
            if material.authorities:
                trust(context, material.authorities)
            if material.certificate and material.private_key:
                show(context, material.certificate, material.private_key)
        except (OSError, ValueError):
            raise outside_error(problem(ProblemCode.UPSTREAM_TLS, reason=_UNUSABLE)) from None
        return context

    def _prepare(self, context: ssl.SSLContext) -> None:
        context.set_alpn_protocols(["http/1.1"])
        if self._authorities:
            trust(context, self._authorities)
