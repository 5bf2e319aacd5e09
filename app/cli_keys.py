"""``patchbay keys``: the keys that wrap data keys, rotated while hubs keep serving; a file's keys are never printed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

if TYPE_CHECKING:
    from app.access.actor import Actor
    from app.hub import Hub
    from app.settings import Settings
    from app.vault.key_uses import KeyUse

T = TypeVar("T")
_USAGE: Final = 2  # what typer exits with
keys = typer.Typer(help="The keys that wrap data keys.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The key's id, or its label.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@keys.command()
def init(
    file: Annotated[
        Path | None,
        typer.Argument(help="Make it here, for a hub elsewhere; by default where this hub looks for it."),
    ] = None,
) -> None:
    """Make the first key file. One that is there is left as it is, and none is made beside data that needs another."""
    from app.vault.key_file import create_key_file

    settings = _settings_that_name(file)
    if settings is None and file is not None:
        path, is_made = file, not file.exists()
        if is_made:
            create_key_file(path)
    else:
        settings = settings or _settings()
        path, is_made = _make_own(settings)
    typer.echo(f"Made the key file {path}." if is_made else f"{path} is there already; it is left as it is.")
    typer.echo(
        "Keep a copy apart from the backups of the database: without it nobody can open the credentials."
    )
    if settings is None or settings.is_scaled:
        typer.echo(
            "Put the same file on every host of the hub, and set PATCHBAY_KEY_FILE to where it is there."
        )


def _settings_that_name(file: Path | None) -> Settings | None:
    """Return this hub's settings, or None where ``file`` is a key file for a hub elsewhere."""
    from app.settings import SettingsError

    if file is None:
        return _settings()
    try:
        settings = _settings()
    except SettingsError:
        return None
    return settings if settings.key_path.absolute() == file.absolute() else None


def _make_own(settings: Settings) -> tuple[Path, bool]:
    from app.hub import make_key_file

    log_to_stderr(settings)
    return settings.key_path, asyncio.run(make_key_file(settings))


@keys.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """Show every key, which one wraps, and what each one opens."""
    found = run_with_hub(lambda hub: hub.rotation.list(_operator()))
    if as_json:
        typer.echo(json.dumps([_published(use) for use in found], indent=2))
        return
    _table(
        ("KEY", "VERSION", "STATE", "DATA KEYS", "SEALED VALUES"),
        [(use.key_id, use.version, use.status, use.data_keys, use.sealed_values) for use in found],
    )


def _published(use: KeyUse) -> dict[str, object]:
    return {"standing" if name == "status" else name: value for name, value in asdict(use).items()}


@keys.command()
def add(
    label: Annotated[str | None, typer.Option(help="What to call it; counted on by default.")] = None,
) -> None:
    """Make a key that opens and does not wrap yet."""
    settings = _settings()
    added = run_with_hub(lambda hub: hub.rotation.add(_operator(), label))
    if added.addition is not None:
        typer.echo(
            f"Made {added.key_id}. It is shown once and kept nowhere: add the line below to {added.kept_in}, on every "
            "host; in a variable, behind a semicolon. The key that wraps now is written '<label> <key> active' there. "
            "Then restart.",
            err=True,
        )
        typer.echo(added.addition.reveal())
        return
    typer.echo(f"Added {added.key_id} to {settings.key_path}. It opens and does not wrap yet.")
    typer.echo("With several hosts, copy the key file to every one of them now, before the next step.")
    typer.echo(f"Next: patchbay keys promote {added.key_id}")


@keys.command()
def promote(key: Name) -> None:
    """Make a key the active one: new data keys are wrapped under it."""
    key_id, changed = run_with_hub(lambda hub: hub.rotation.promote(_operator(), key))
    typer.echo(f"{key_id} wraps {'from now on' if changed else 'already'}.")
    typer.echo("Next, once every host has it so: patchbay keys rewrap")


@keys.command()
def rewrap() -> None:
    """Wrap every data key under the active key. It may be stopped and run again at any time."""
    done = run_with_hub(lambda hub: hub.rotation.rewrap(_operator()))
    typer.echo(f"{_count(done.moved, 'data key')} wrapped under {done.key_id}.")
    if done.stuck:
        typer.echo(
            f"{_count(len(done.stuck), 'data key')} could not be opened: {', '.join(done.stuck)}.", err=True
        )
        raise typer.Exit(1)
    typer.echo("Next: patchbay keys verify")


@keys.command()
def verify(as_json: AsJson = False) -> None:
    """Open every key's probe and every data key; exit 1 where one does not open."""
    found = run_with_hub(lambda hub: hub.rotation.verify(_operator()))
    if as_json:
        typer.echo(json.dumps([asdict(report) | {"is_ok": report.is_ok} for report in found], indent=2))
    else:
        rows = [
            (
                report.key_id,
                report.version,
                "yes" if report.is_held else "no",
                "yes" if report.opens_probe else "no",
                f"{report.opened} of {report.data_keys}",
                "ok" if report.is_ok else "NOT OK",
            )
            for report in found
        ]
        _table(("KEY", "VERSION", "HELD", "PROBE OPENS", "DATA KEYS OPEN", ""), rows)
    raise typer.Exit(0 if all(report.is_ok for report in found) else 1)


@keys.command()
def retire(key: Name) -> None:
    """Take a key out of use for good; refused while a data key needs it."""
    settings = _settings()
    key_id, is_gone = run_with_hub(lambda hub: hub.rotation.retire(_operator(), key))
    typer.echo(f"Retired {key_id}: nothing in the database is wrapped under it, and nothing will be.")
    if is_gone:
        typer.echo("With several hosts, copy the key file to every one of them.")
    elif settings.key is not None:
        typer.echo("Take it out of PATCHBAY_KEY on every host.")
    else:
        typer.echo(
            "On every host, take it out of the settings of the key service; or, if it is the only key of "
            f"{settings.key_path}, delete that file."
        )
    typer.echo(
        "Backups of the database that are older may still need it: keep a copy for as long as you keep them."
    )


@keys.command()
def reseal(
    workspace: Annotated[str | None, typer.Option(help="The workspace whose data key may be known.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every workspace, and the hub's own.")] = False,
    made_before: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%SZ"],
            help="Replace only data keys made before this instant (UTC); the same one goes on after an interruption.",
        ),
    ] = None,
) -> None:
    """Give a workspace a new data key after a leak, and seal its values under it."""
    if (workspace is None) is not everything:
        typer.echo("Say which: --workspace ID, or --all.", err=True)
        raise typer.Exit(_USAGE)
    from app.foundation.clock import SystemClock

    before = made_before.replace(tzinfo=UTC) if made_before else None
    which = "--all" if workspace is None else f"--workspace {workspace}"
    instant = (before or SystemClock().now() + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    typer.echo(f"If this is interrupted: patchbay keys reseal {which} --made-before {instant}", err=True)
    done = run_with_hub(lambda hub: hub.resealing.reseal(_operator(), workspace, made_before=before))
    typer.echo(f"{_count(done.new_keys, 'new data key')}; {_count(done.moved, 'value')} sealed anew.")
    if done.busy:
        typer.echo(f"{_count(done.busy, 'value')} in use all the time: the hub seals them anew soon.")
    if done.unreadable:
        typer.echo(f"{_count(done.unreadable, 'value')} could not be opened and stay as they are.", err=True)
        raise typer.Exit(1)
    typer.echo("The hub destroys the old data keys after PATCHBAY_KEY_RETENTION_DAYS.")


def run_with_hub(act: Callable[[Hub], Awaitable[T]]) -> T:
    """Build a hub, let ``act`` use it, close it, and return what ``act`` returned; logs go to stderr."""

    async def with_hub() -> T:
        from app.hub import build_hub

        settings = _settings()
        log_to_stderr(settings)
        async with build_hub(settings) as hub:
            return await act(hub)

    return asyncio.run(with_hub())


def log_to_stderr(settings: Settings) -> None:
    """Send what a command logs to stderr, from warnings on: its answer goes to stdout."""
    from app.foundation.redaction import SecretRegistry
    from app.foundation.telemetry import configure_logs

    level = "WARNING" if settings.log_level == "INFO" else settings.log_level
    configure_logs(level, settings.log_format, SecretRegistry().redact)


def _settings() -> Settings:
    from app.settings import read_settings

    return read_settings()


def _operator() -> Actor:
    from app.access.actor import Actor
    from app.foundation.ids import new_id
    from app.vault.start_up import SYSTEM_WORKSPACE

    return Actor.operator(SYSTEM_WORKSPACE, new_id("req"))


def _table(head: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> None:
    lines = [head, *(tuple(str(cell) for cell in row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
