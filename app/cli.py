"""The tool entrance: ``patchbay serve | worker | demo | migrate | schema | definitions | token | audit | keys ...``.

Each command imports what it needs when it runs: all of it takes seconds, which nobody should wait for in ``--help``.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from app import VERSION
from app.cli_keys import keys, log_to_stderr, run_with_hub

if TYPE_CHECKING:
    from app.access.policy import Permission
    from app.hub import Hub

CONFIG_FAULT: Final = 78  # EX_CONFIG of sysexits(3)
app = typer.Typer(
    name="patchbay",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
tokens = typer.Typer(help="Access tokens for scripts and agents.", no_args_is_help=True)
definitions = typer.Typer(help="Definitions of outside systems.", no_args_is_help=True)
audit = typer.Typer(help="The audit log.", no_args_is_help=True)
app.add_typer(tokens, name="token")
app.add_typer(definitions, name="definitions")
app.add_typer(audit, name="audit")
app.add_typer(keys, name="keys")


def main() -> None:
    """Run the command line; settings and key faults exit with 78 and one clear message."""
    try:
        app()
    except Exception as fault:
        refusal = _refusal_of(fault)
        if refusal is None:
            raise
        _refuse(*refusal)


def _refusal_of(fault: Exception) -> tuple[str, int] | None:
    """Return the message and the exit code of a fault that an operator can mend, None for any other."""
    from app.catalog.faults import DefinitionsInvalidError
    from app.foundation.errors import PatchbayError
    from app.foundation.reachable import CannotStartError
    from app.settings import SettingsError
    from app.vault.errors import KeyRefusedError, VaultStartError

    if isinstance(fault, SettingsError | VaultStartError | DefinitionsInvalidError):
        return str(fault), CONFIG_FAULT
    if isinstance(fault, KeyRefusedError | CannotStartError):
        return str(fault), 1
    if isinstance(fault, PatchbayError):
        return "\n".join(item.message for item in fault.problems), 1
    return None


def _refuse(message: str, code: int) -> NoReturn:
    typer.secho(message, fg=typer.colors.RED, err=True)
    sys.exit(code)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"patchbay {VERSION}")
        raise typer.Exit


@app.callback()
def patchbay(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Patchbay, the self-hosted integration hub."""


Host = Annotated[str | None, typer.Option(help="Address to listen on (PATCHBAY_HOST).")]
Port = Annotated[int | None, typer.Option(help="Port to listen on, 0 for a free one (PATCHBAY_PORT).")]


@app.command()
def serve(host: Host = None, port: Port = None) -> None:
    """Serve the API; with SQLite the background work runs in the same process."""
    gc.disable()  # nearly all that a start makes stays: looking through it again and again takes a tenth of the start
    from app.server import listening_socket, run, where_things_are
    from app.server import serve as serve_hub
    from app.settings import read_settings

    settings = read_settings(host=host, port=port)
    try:
        sock = listening_socket(settings.host, settings.port)
    except OSError as fault:
        _refuse(f"Cannot listen on {settings.host} port {settings.port}: {fault.strerror}.", 1)

    async def announce(hub: Any, local_url: str) -> None:  # noqa: ANN401 - the hub; importing it here costs start-up
        await hub.members.ensure_owner()
        for name, value in where_things_are(hub, local_url):
            typer.echo(f"  {f'{name}:':<17} {value}" if name else value, err=True)
        if not settings.is_scaled:
            workspaces = await hub.members.workspaces()
            code = await hub.sign_in.make_link(workspaces[0].id)
            typer.echo(f"  {'sign in (once):':<17} {hub.public_url}/sign-in?code={code.reveal()}", err=True)
        gc.freeze()
        gc.enable()

    run(lambda shutdown: serve_hub(settings, sock, announce, shutdown))


@app.command()
def worker(
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether a worker could work here.")
    ] = False,
) -> None:
    """Do the background work alone; any number of workers share it."""
    if check:
        run_with_hub(_ready)
        typer.echo("ready")
        return
    from app.server import run, work
    from app.settings import read_settings

    run(lambda shutdown: work(read_settings(), shutdown))


async def _ready(_: Hub) -> None:
    """Do nothing: a worker that can build its hub could work."""


@app.command()
def demo() -> None:
    """Walk the whole journey in this terminal against the sandbox, over the doors of a server of its own."""
    from app.demo.journey import run_demo

    sys.exit(run_demo())


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from app.foundation.database import migrate as migrate_database
    from app.settings import read_settings

    settings = read_settings()
    if not settings.is_scaled:
        settings.make_data_dir()
    log_to_stderr(settings)
    applied = asyncio.run(migrate_database(settings.database))
    typer.echo("\n".join(applied) if applied else "Nothing to do: the schema is the newest.")


@app.command()
def schema() -> None:
    """Print the GraphQL schema (SDL)."""
    from app.api.graphql.schema import schema_text

    sys.stdout.write(schema_text())


@app.command("sign-in")
def sign_in() -> None:
    """Print a one-time sign-in link for the workspace's owner."""

    async def act(hub: Hub) -> str:
        workspace = await hub.members.ensure_owner()
        code = await hub.sign_in.make_link(workspace.id)
        return f"{hub.public_url}/sign-in?code={code.reveal()}"

    sys.stdout.write(run_with_hub(act) + "\n")


@tokens.command("create")
def token_create(
    name: Annotated[str, typer.Option(help="What the token is for.")] = "command line",
    scope: Annotated[
        list[str] | None,
        typer.Option(help="A role (owner, admin, editor, operator, viewer) or a permission; repeatable."),
    ] = None,
    days: Annotated[int | None, typer.Option(help="Days until it expires; never by default.")] = None,
) -> None:
    """Create an access token and print it once."""
    permissions = _permissions(scope or ["owner"])

    async def act(hub: Hub) -> str:
        from app.access.actor import Actor
        from app.foundation.ids import new_id

        workspace = await hub.members.ensure_owner()
        actor = Actor.operator(workspace.id, new_id("req"))
        expires_in = timedelta(days=days) if days else None
        created = await hub.tokens.create(actor, name=name, scopes=permissions, expires_in=expires_in)
        return created.token.reveal()

    sys.stdout.write(run_with_hub(act) + "\n")


def _permissions(scopes: list[str]) -> list[Permission]:
    from app.access.policy import ROLE_PERMISSIONS, Permission, Role

    chosen: set[Permission] = set()
    for scope in scopes:
        if scope.upper() in Role.__members__:
            chosen |= ROLE_PERMISSIONS[Role(scope.upper())]
        elif scope in {permission.value for permission in Permission}:
            chosen.add(Permission(scope))
        else:
            known = ", ".join(
                [role.value.lower() for role in Role] + [permission.value for permission in Permission]
            )
            _refuse(f"There is no scope {scope!r}. Known: {known}.", 2)
    return sorted(chosen)


@definitions.command("check")
def definitions_check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders; the shipped ones by default.")
    ] = None,
) -> None:
    """Check definitions and name every fault with file, line and rule."""
    from app.catalog.loader import DEFINITIONS, check_definitions

    report = check_definitions(paths or [DEFINITIONS])
    for fault in report.faults:
        typer.echo(str(fault))
    typer.echo(f"{len(report.definitions)} definition(s) read, {len(report.faults)} fault(s).")
    sys.exit(1 if report.faults else 0)


@audit.command("verify")
def audit_verify(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Verify the audit chain; exit 1 and name the first bad row, and credentials older than the chain records."""

    async def act(hub: Hub) -> tuple[list[Any], list[Any]]:
        from app.connections.rollback import rolled_back

        return list(await hub.audit.verify()), await rolled_back(hub.audit, hub.vault)

    reports, set_back = run_with_hub(act)
    if as_json:
        content = [_report_json(report, set_back) for report in reports]
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
    else:
        for report in reports:
            fault = f"{report.fault} at {report.first_bad_seq}"
            words = f"OK, {report.good} entries" if report.is_ok else fault
            typer.echo(f"{report.workspace_id}: {words}")
        for found in set_back:
            words = f"ROLLED_BACK to generation {found.generation}, {found.recorded_generation} at {found.recorded_seq}"
            typer.echo(f"{found.connection_id}: {words}")
    sys.exit(0 if all(report.is_ok for report in reports) and not set_back else 1)


def _report_json(report: Any, set_back: list[Any]) -> dict[str, Any]:  # noqa: ANN401 - a chain's report
    return {
        "workspace": report.workspace_id,
        "isOk": report.is_ok,
        "entries": report.good,
        "lastSeq": report.last.seq,
        "fault": str(report.fault) if report.fault else None,
        "firstBadSeq": report.first_bad_seq,
        "rolledBack": [
            {
                "connection": found.connection_id,
                "generation": found.generation,
                "toldGeneration": found.recorded_generation,
                "toldSeq": found.recorded_seq,
            }
            for found in set_back
            if found.workspace_id == report.workspace_id
        ],
    }


@audit.command("checkpoints")
def audit_checkpoints() -> None:
    """Print the signed checkpoints as JSON lines; kept elsewhere they prove that no end of a chain was cut off."""

    async def act(hub: Hub) -> list[str]:
        await hub.checkpoints.make()
        return [json.dumps(checkpoint.to_json()) for checkpoint in await hub.checkpoints.export()]

    sys.stdout.write("\n".join(run_with_hub(act)) + "\n")


if __name__ == "__main__":
    main()
