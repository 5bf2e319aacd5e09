"""One page of the browser: navigation, real input, waiting, and a record of what the page tried to load."""

import asyncio
import base64
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

from tests.browser.wire import BrowserError, Wire

KEYS: Final = {"Enter": (13, "\r"), "Tab": (9, ""), "Escape": (27, ""), "Backspace": (8, "")}
MODIFIERS: Final = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}


class Page:
    """One page. Over all its navigations, `requests` has every address it asked for (sockets too),
    `violations` every breach of its content policy, `faults` every script error and console error.
    """

    def __init__(self, wire: Wire, session: str) -> None:
        self._wire = wire
        self._session = session
        self._events: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.requests: list[str] = []
        self.violations: list[str] = []
        self.faults: list[str] = []
        wire.listen(session, self._take)

    async def start(self) -> None:
        for domain in ("Page", "Runtime", "Network", "Log", "Audits"):
            await self._send(f"{domain}.enable")
        await self._send("Emulation.setFocusEmulationEnabled", enabled=True)

    async def goto(self, url: str) -> None:
        """Go to an address and wait until it has loaded; the answer's status is not judged."""
        loaded = self._events["Page.loadEventFired"]
        loaded.clear()
        answer = await self._send("Page.navigate", url=url)
        if "errorText" in answer:
            raise BrowserError(f"{url}: {answer['errorText']}")
        await asyncio.wait_for(loaded.wait(), 30)

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, awaited where it is a promise."""
        answer = await self._send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            detail = answer["exceptionDetails"]
            raise BrowserError(detail.get("exception", {}).get("description") or detail["text"])
        return answer.get("result", {}).get("value")

    async def until(self, expression: str, timeout_s: float = 20) -> Any:
        """Wait until a JavaScript expression is truthy (an exception counts as not yet), over navigations.

        Returns its value, or True for an element.
        """
        look = f"""new Promise((done) => {{ const look = () => {{
            let value; try {{ value = ({expression}); }} catch {{ value = null; }}
            if (value) done(value instanceof Node || value); else setTimeout(look, 25); }}; look(); }})"""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._over_navigations(look)
        except TimeoutError:
            shown = await self.evaluate("location.href + '\\n' + document.body.innerText.slice(0, 2000)")
            raise AssertionError(f"not within {timeout_s} s: {expression}\n{shown}") from None

    async def click(self, selector: str) -> None:
        """Wait for the element to be visible and click its middle with the mouse."""
        x, y = await self.until(
            f"""(() => {{ const found = document.querySelector({json.dumps(selector)});
            found.scrollIntoView({{block: "center"}});
            const box = found.getBoundingClientRect();
            return box.width && box.height && [box.x + box.width / 2, box.y + box.height / 2]; }})()"""
        )
        await self._send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            await self._send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def fill(self, selector: str, text: str) -> None:
        """Click into a field and replace what it holds by typing."""
        await self.click(selector)
        await self.press("a", "Control")
        await self._send("Input.insertText", text=text)

    async def press(self, key: str, *modifiers: str) -> None:
        """Press `Enter`, `Tab`, `Escape`, `Backspace` or a letter, with `Control`, `Shift`, `Alt`, `Meta`."""
        code, text = KEYS.get(key) or (ord(key.upper()), key)
        held = sum(MODIFIERS[each] for each in modifiers)
        typed = {} if held else {"text": text}
        pressed = {"key": key, "windowsVirtualKeyCode": code, "modifiers": held}
        select_all = {"commands": ["selectAll"]} if (key, modifiers) == ("a", ("Control",)) else {}
        await self._send("Input.dispatchKeyEvent", type="keyDown", **pressed, **typed, **select_all)
        await self._send("Input.dispatchKeyEvent", type="keyUp", **pressed)

    async def hover(self, x: float, y: float) -> None:
        """Move the mouse to a point of the viewport, in CSS pixels."""
        await self._send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    async def screenshot(self, path: Path) -> None:
        """Write what the viewport shows as PNG."""
        await self._send(
            "Page.bringToFront"
        )  # a page behind another one is not painted, and the call would wait
        path.write_bytes(base64.b64decode((await self._send("Page.captureScreenshot"))["data"]))

    def requests_outside(self, origin: str) -> list[str]:
        """Return every address asked for outside that origin (`http://127.0.0.1:8080`); data: is inside."""
        ours = (f"{origin}/", f"{origin.replace('http', 'ws', 1)}/", "data:", f"blob:{origin}/", "about:")
        return [url for url in self.requests if not f"{url}/".startswith(ours)]

    async def _over_navigations(self, expression: str) -> Any:
        while True:
            ready = self._events["Runtime.executionContextCreated"]
            ready.clear()
            try:
                return await self.evaluate(expression)
            except BrowserError as error:
                if not re.search(r"context|navigated", str(error)):
                    raise
                await ready.wait()

    async def _send(self, method: str, **params: Any) -> dict[str, Any]:
        return await self._wire.send(method, self._session, **params)

    def _take(self, method: str, params: dict[str, Any]) -> None:
        self._events[method].set()
        match method:
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"][:300])  # data: addresses are long
            case "Network.webSocketCreated":
                self.requests.append(params["url"])
            case "Audits.issueAdded" if params["issue"]["code"] == "ContentSecurityPolicyIssue":
                self.violations.append(
                    json.dumps(params["issue"]["details"]["contentSecurityPolicyIssueDetails"])
                )
            case "Runtime.exceptionThrown":
                self.faults.append(json.dumps(params["exceptionDetails"]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.faults.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            case "Runtime.consoleAPICalled" if params["type"] == "error":
                self.faults.append(json.dumps(params["args"]))
