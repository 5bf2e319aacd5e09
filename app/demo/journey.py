"""The demo's story: three connections from catalog to CONNECTED, live, and one that fails and says what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from app.demo import documents
from app.demo.client import DemoClient
from app.demo.person import consent
from app.demo.processes import DemoError, running_hub

_MARKS: Final = {"PASSED": "[green]✓[/]", "FAILED": "[red]✗[/]", "SKIPPED": "[dim]·[/]"}
_LIMIT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Chapter:
    """One connection of the story."""

    title: str
    integration: str
    name: str
    config: Mapping[str, Any]
    auth_method: str
    credentials: Mapping[str, str] | None = None


CHAPTERS: Final = (
    Chapter("OAuth2 with a consent page", "slack", "Team Slack", {}, "oauth"),
    Chapter("An API key", "stripe", "Shop payments", {}, "api-key"),
    Chapter(
        "User name and password",
        "generic-http",
        "Warehouse",
        {"baseUrl": "https://warehouse.example.com", "testPath": "/api/ping"},
        "basic",
    ),
)
FAILURE: Final = replace(
    CHAPTERS[-1],
    title="A wrong password, and what to do about it",
    name="Warehouse (wrong password)",
    credentials={"username": "ada", "password": "not-the-password"},
)


def run_demo() -> int:
    """Run the demo; return the exit code."""
    console = Console(highlight=False)
    try:
        asyncio.run(_describe(console))
    except DemoError as fault:
        Console(stderr=True).print(f"The demo could not finish: {fault}", style="red", markup=False)
        return 1
    return 0


async def _describe(console: Console) -> None:
    console.print(
        Panel("[bold]Patchbay[/]: from catalog to CONNECTED, against the sandbox. No account anywhere.")
    )
    async with asyncio.timeout(_LIMIT_S), running_hub() as (address, token, arrangement):
        console.print(
            f"A hub runs at [bold]{address}[/] ({arrangement}). Everything below goes through its doors.\n"
        )
        client = DemoClient(address, token)
        story = _Story(console, client)
        try:
            await story.choose()
            for chapter in CHAPTERS:
                await story.connect(chapter)
            await story.fail(FAILURE)
            await story.overview()
        finally:
            await story.clean_up()
            await client.close()


class _Story:
    def __init__(self, console: Console, client: DemoClient) -> None:
        self._console = console
        self._client = client
        self._made: list[str] = []

    async def choose(self) -> None:
        data = await self._client.run(documents.CATALOG)
        table = Table("Integration", "What for", title="The catalog", title_justify="left")
        for node in data["integrations"]["nodes"]:
            table.add_row(node["name"], node["useCases"][0])
        self._console.print(table)

    async def connect(self, chapter: Chapter) -> None:
        connection_id, run = await self._tested(chapter)
        if run["verdict"] != "PASSED":
            raise DemoError(f"the default test of {chapter.name} did not pass: {_said(run['problem'])}")
        await self._activate(connection_id, chapter)

    async def fail(self, chapter: Chapter) -> None:
        _, run = await self._tested(chapter)
        if run["verdict"] != "FAILED":
            raise DemoError("the wrong password was accepted")
        problem = run["problem"]
        lines = [f"[bold]{problem['code']}[/]  {problem['message']}"]
        lines += [f"  → {step['text']} [dim]({step['actor']})[/]" for step in problem["remediation"]]
        self._console.print(
            Panel("\n".join(lines), title="What went wrong, and what to do", border_style="red")
        )

    async def _tested(self, chapter: Chapter) -> tuple[str, dict[str, Any]]:
        """Create, authorize and test the connection; return its id and the test run."""
        self._console.rule(f"[bold]{chapter.title}[/]")
        created = await self._mutate(
            documents.CREATE,
            name=chapter.name,
            integration=chapter.integration,
            config=dict(chapter.config),
            mode="SANDBOX",
        )
        connection_id: str = created["connection"]["id"]
        self._made.append(connection_id)
        self._console.print(f"  {chapter.name}: [cyan]{created['connection']['status']['state']}[/]")
        await self._authorize(connection_id, chapter)
        return connection_id, await self._test(connection_id)

    async def _mutate(self, document: str, **values: object) -> dict[str, Any]:
        """Run a mutation with ``values`` as its input; return its payload."""
        (payload,) = (await self._client.run(document, {"input": values})).values()
        if payload["userErrors"]:
            raise DemoError(_said(payload["userErrors"][0]))
        return dict(payload)

    async def _authorize(self, connection_id: str, chapter: Chapter) -> None:
        async with self._client.follow(documents.AUTH_STATE, {"connectionId": connection_id}) as states:
            begun = await self._mutate(
                documents.BEGIN, connectionId=connection_id, authMethod=chapter.auth_method
            )
            answer = asyncio.create_task(self._answer(begun["authorization"], chapter))
            async for message in states:
                state = message["authState"]
                self._console.print(f"  authState {state['seq']}: [cyan]{state['state']}[/]")
                if state["state"] in {"AUTHENTICATED", "FAILED", "EXPIRED", "CANCELLED"}:
                    break
            await answer
            if state["state"] != "AUTHENTICATED":
                raise DemoError(f"{chapter.name} was not authorized: {_said(state['problem'])}")

    async def _answer(self, authorization: Mapping[str, Any], chapter: Chapter) -> None:
        step = authorization["step"]
        if step["__typename"] == "RedirectStep":
            self._console.print("  a person opens the consent page and presses [bold]Allow[/]")
            await consent(step["launchUrl"])
            return
        credentials = dict(chapter.credentials or step["prefilled"])
        self._console.print(f"  the form asks for {', '.join(credentials)}; the hub seals it")
        await self._mutate(documents.SUBMIT, authorizationId=authorization["id"], credentials=credentials)

    async def _test(self, connection_id: str) -> dict[str, Any]:
        run: dict[str, Any] = (await self._mutate(documents.TEST, connectionId=connection_id))["testRun"]
        async with self._client.follow(documents.PROGRESS, {"runId": run["id"]}) as messages:
            async for message in messages:
                progress = message["testProgress"]
                if progress["step"] is not None:
                    self._show(progress["step"])
                run = progress["testRun"]
        self._console.print(f"  test: [bold]{run['verdict']}[/] in {run['durationMs']} ms")
        return run

    def _show(self, step: Mapping[str, Any]) -> None:
        took = f" [dim]{step['durationMs']} ms[/]" if step["durationMs"] is not None else ""
        self._console.print(f"    {_MARKS[step['state']]} {step['title']}{took} [dim]{step['message']}[/]")

    async def _activate(self, connection_id: str, chapter: Chapter) -> None:
        activated = await self._mutate(documents.ACTIVATE, connectionId=connection_id)
        state = activated["connection"]["status"]["state"]
        if state != "CONNECTED":
            raise DemoError(f"{chapter.name} is {state}")
        self._console.print(f"  {chapter.name}: [bold green]{state}[/]\n")

    async def overview(self) -> None:
        data = await self._client.run(documents.LIST)
        table = Table(
            "Connection", "Integration", "State", "Problem", title="All connections", title_justify="left"
        )
        for node in data["connections"]["nodes"]:
            problem = node["status"]["problem"]
            table.add_row(
                node["name"],
                node["integration"]["name"],
                node["status"]["state"],
                problem["code"] if problem else "",
            )
        self._console.print(table)

    async def clean_up(self) -> None:
        """Delete what the demo made: on a shared database nothing of it stays."""
        for connection_id in self._made:
            await self._client.run(documents.DELETE, {"input": {"connectionId": connection_id}})


def _said(problem: Mapping[str, Any] | None) -> str:
    return f"{problem['code']}: {problem['message']}" if problem else "no reason given"
