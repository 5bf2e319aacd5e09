"""Plays the person at the consent page: opens the launch address, reads the form, presses a button."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urljoin

import httpx

from app.demo.processes import DemoError

_MAX_HOPS: Final = 8


class Forms(HTMLParser):
    """Collects the forms of a page with their fields and buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of a form, a field or a button."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({"action": given.get("action", ""), "fields": [], "buttons": []})
        elif self.forms and tag == "input" and "name" in given:
            is_box = given.get("type") in {"checkbox", "radio"}
            if not is_box or "checked" in given:
                self.forms[-1]["fields"].append((given["name"], given.get("value", "on")))
        elif self.forms and tag == "button" and "name" in given:
            self.forms[-1]["buttons"].append((given["name"], given.get("value", "")))


async def consent(launch_url: str) -> None:
    """Open ``launch_url`` in a browser of its own and press Allow.

    Raises:
        DemoError: there was no page with such a button, or it redirected for ever.
    """
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False) as browser:
        page = await _follow(browser, await browser.get(launch_url))
        pressed = press(page, "allow")
        if pressed is None:
            raise DemoError("the consent page has no such button")
        address, body = pressed
        await _follow(browser, await browser.post(address, data=body))


def press(page: httpx.Response, choice: str) -> tuple[str, dict[str, list[str]]] | None:
    """Return where the form posts to and what, whose button has the value ``choice``; None where there is none."""
    forms = Forms()
    forms.feed(page.text)
    for form in forms.forms:
        for name, value in form["buttons"]:
            if value.lower() == choice:
                body: dict[str, list[str]] = {}
                for key, item in [*form["fields"], (name, value)]:
                    body.setdefault(key, []).append(item)
                return urljoin(str(page.url), form["action"] or str(page.url)), body
    return None


async def _follow(browser: httpx.AsyncClient, answer: httpx.Response) -> httpx.Response:
    for _ in range(_MAX_HOPS):
        if not answer.is_redirect:
            return answer
        answer = await browser.get(urljoin(str(answer.url), answer.headers["location"]))
    raise DemoError("the provider redirected too often")
