"""Works GraphiQL in a browser page as a person does: opens tabs, writes, presses play and stop, reads the answer."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.browser import Page

QUERY: Final = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror"
VARIABLES: Final = "document.querySelectorAll('.graphiql-editor-tool .CodeMirror')[0].CodeMirror"
HEADERS: Final = "document.querySelectorAll('.graphiql-editor-tool .CodeMirror')[1].CodeMirror"
ANSWER: Final = "document.querySelector('.result-window .CodeMirror').CodeMirror.getValue()"
TABS: Final = "[...document.querySelectorAll('.graphiql-tab-button')]"


class Explorer:
    """GraphiQL on a page that has been opened."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def ready(self) -> None:
        """Wait until the editor is there and has the schema."""
        await self.page.until(f"{QUERY}.getValue() && !!{QUERY}.options.lint.schema")

    async def tabs(self) -> list[str]:
        return await self.page.evaluate(f"{TABS}.map((tab) => tab.textContent.trim())")

    async def document(self) -> str:
        return await self.page.evaluate(f"{QUERY}.getValue()")

    async def variables(self) -> str:
        return await self.page.evaluate(f"{VARIABLES}.getValue()")

    async def open_tab(self, number: int) -> None:
        """Open the tab of that number, from 0, and wait until its document is in the editor."""
        await self.page.evaluate(f"{TABS}[{number}].click()")
        await self.page.until(
            f"{TABS}[{number}].closest('[role=tab]').ariaSelected == 'true' && {QUERY}.getValue()"
        )
        await self.parsed()

    async def write(
        self,
        document: str,
        variables: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Fill the three editors of the open tab."""
        for editor, text in (
            (VARIABLES, json.dumps(variables or {})),
            (HEADERS, json.dumps(headers or {})),
            (QUERY, document),
        ):
            await self.page.evaluate(f"{editor}.setValue({json.dumps(text)})")
        await self.parsed()

    async def parsed(self) -> None:
        """Wait until GraphiQL has read the document, which it does a moment after the last stroke."""
        await self.page.until(f"{QUERY}.documentAST.loc.source.body === {QUERY}.getValue()")

    async def play(self) -> None:
        await self.page.click(".graphiql-execute-button[aria-label^=Execute]")

    async def stop(self) -> None:
        await self.page.click(".graphiql-execute-button[aria-label^=Stop]")

    async def ended(self) -> None:
        """Wait until nothing runs."""
        await self.page.until("document.querySelector('.graphiql-execute-button[aria-label^=Execute]')")

    async def run(self, document: str, part: str, **more: dict[str, Any]) -> dict[str, Any]:
        """Write, press play, and return the answer once it has ``part`` in its text."""
        await self.write(document, **more)
        await self.play()
        return await self.answer(part)

    async def answer(self, part: str) -> dict[str, Any]:
        """Return the answer shown, once it has ``part`` in its text."""
        return json.loads(await self.page.until(f"{ANSWER}.includes({json.dumps(part)}) && {ANSWER}"))
