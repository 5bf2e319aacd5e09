"""Drives Debian's Chromium, headless, over the DevTools protocol: `async with chromium() as browser`."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from tests.browser.page import Page
from tests.browser.wire import BrowserError, Wire
from tests.databases import require

__all__ = ["Browser", "BrowserError", "Page", "Session", "chromium", "chromium_path"]

FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",  # a page behind another one waits no longer than one in front
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--hide-scrollbars",
    "--window-size=1400,900",
    "--remote-debugging-port=0",
    # Whatever a page asks for by name fails at once; its attempt is still in `Page.requests`.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


def chromium_path() -> str:
    """Return Chromium's path; without one skip the test, or fail it under PATCHBAY_TEST_REQUIRE=all."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    require(found is not None, "no Chromium here (Debian: apt install chromium)")
    assert found
    return found


@asynccontextmanager
async def chromium() -> AsyncIterator["Browser"]:
    """Start a Chromium with an empty profile; everything it opened is gone at the end."""
    path = chromium_path()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            path,
            *FLAGS,
            f"--user-data-dir={profile}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            address = await _devtools_address(process)
            async with _drained(process), Wire.to(address) as wire:
                yield Browser(wire)
        finally:
            await _end(process)


class Browser:
    """A running Chromium. Each session has its own cookies and storage, like a browser of another person."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    @asynccontextmanager
    async def session(self) -> AsyncIterator["Session"]:
        context = (await self._wire.send("Target.createBrowserContext"))["browserContextId"]
        yield Session(self._wire, context)
        await self._wire.send("Target.disposeBrowserContext", browserContextId=context)


class Session:
    """Pages that share cookies and storage."""

    def __init__(self, wire: Wire, context: str) -> None:
        self._wire = wire
        self._context = context

    async def open(self, url: str) -> "Page":
        """Open a new page and wait until it has loaded."""
        target = await self._wire.send(
            "Target.createTarget", url="about:blank", browserContextId=self._context
        )
        attached = await self._wire.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self._wire, attached["sessionId"])
        await page.start()
        await page.goto(url)
        return page

    async def popup(self, address_part: str) -> "Page":
        """Return the window that a page of this session opened, once its address holds ``address_part``."""
        while True:
            every = (await self._wire.send("Target.getTargets"))["targetInfos"]
            for target in every:
                is_ours = target["browserContextId"] == self._context and target["type"] == "page"
                if is_ours and address_part in target["url"] and target.get("openerId"):
                    attached = await self._wire.send(
                        "Target.attachToTarget", targetId=target["targetId"], flatten=True
                    )
                    page = Page(self._wire, attached["sessionId"])
                    await page.start()
                    return page
            await asyncio.sleep(0.025)

    async def cookies(self) -> list[dict[str, Any]]:
        """Return all cookies of this session as DevTools describes them (name, value, secure, ...)."""
        return (await self._wire.send("Storage.getCookies", browserContextId=self._context))["cookies"]


async def _devtools_address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    said: list[str] = []
    async with asyncio.timeout(30):
        while line := (await process.stderr.readline()).decode(errors="replace"):
            said.append(line)
            if found := re.search(r"DevTools listening on (ws://\S+)", line):
                return found[1]
    raise BrowserError("Chromium did not start:\n" + "".join(said))


@asynccontextmanager
async def _drained(process: asyncio.subprocess.Process) -> AsyncIterator[None]:
    """Keep reading what the browser complains about: a full pipe would stop it."""
    assert process.stderr is not None
    reading = asyncio.create_task(process.stderr.read())
    try:
        yield
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.communicate(), 10)
    except TimeoutError:
        process.kill()
        await process.communicate()
