"""A person's browser: cookies, redirects, buttons of forms; it can stop before an address."""

from __future__ import annotations

from typing import Self
from urllib.parse import urljoin

import httpx

from app.demo.person import press

_MAX_HOPS = 12


class Browser:
    """One browser with its own cookies; ``visited`` are the addresses it was sent to, in order.

    ``network`` stands in for sockets, where hub and provider live in the test's own process.
    """

    def __init__(self, network: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(transport=network, trust_env=False, follow_redirects=False, timeout=20)
        self.visited: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *fault: object) -> None:
        await self._http.aclose()

    @property
    def cookies(self) -> httpx.Cookies:
        return self._http.cookies

    async def open(self, url: str, *, stop_before: str | None = None) -> httpx.Response:
        """Open ``url``, follow redirects to a page, or up to the one that leads to ``stop_before``."""
        return await self._follow(await self._get(url), stop_before)

    async def post(self, url: str, content: bytes, content_type: str) -> httpx.Response:
        """Send a form or whatever else a page could make a browser send, with this browser's cookies."""
        return await self._http.post(url, content=content, headers={"Content-Type": content_type})

    async def request(self, method: str, url: str) -> httpx.Response:
        """Ask for an address by any method, and follow nothing."""
        return await self._http.request(method, url)

    async def press(
        self, page: httpx.Response, choice: str, *, stop_before: str | None = None
    ) -> httpx.Response:
        """Press the button whose value is ``choice``, with what the page's form holds."""
        pressed = press(page, choice)
        assert pressed is not None, f"{page.url} has no button {choice!r}: {page.text[:500]}"
        address, body = pressed
        return await self._follow(await self._http.post(address, data=body), stop_before)

    async def _follow(self, answer: httpx.Response, stop_before: str | None) -> httpx.Response:
        for _ in range(_MAX_HOPS):
            if not answer.is_redirect:
                return answer
            target = urljoin(str(answer.url), answer.headers["location"])
            if stop_before is not None and stop_before in target:
                self.visited.append(target)
                return answer
            answer = await self._get(target)
        raise AssertionError(f"redirected too often: {self.visited}")

    async def _get(self, url: str) -> httpx.Response:
        self.visited.append(url)
        return await self._http.get(url)
