"""What an application is known by: its id, its name, its row; and what is shown of it."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from app.credentials.models import ApplicationRecord
from app.credentials.snapshot import ApplicationSnapshot, ApplicationSource, Mode, SecretInfo
from app.foundation.canonical import name_key
from app.foundation.ids import id_of
from app.foundation.problems import Problem, problem_from_json
from app.foundation.rows import snapshot_of

DEFAULT_NAME: Final = "Default"
MAX_NAME_CHARS: Final = 120
_NAMES: Final = {ApplicationSource.OPERATOR: "The operator's default", ApplicationSource.SANDBOX: "Sandbox"}
FindApplication = Callable[[str], Awaitable[ApplicationRecord | None]]


def application_id(
    workspace_id: str,
    integration: str,
    mode: Mode,
    name: str = DEFAULT_NAME,
    source: ApplicationSource = ApplicationSource.WORKSPACE,
    *,
    number: int = 1,
) -> str:
    """Return the id of a workspace's application of that name.

    It is derived, not random: a person must register the redirect URI, which holds it, at the provider before there
    is a client id to save; and an application that is deleted and saved again keeps its registered address. Another
    ``number`` gives another id, where an application that has been renamed since keeps the first.
    """
    seed = f"{workspace_id}:{integration}:{mode.value}"
    is_first = source is ApplicationSource.WORKSPACE and name_key(name) == name_key(DEFAULT_NAME)
    if mode is Mode.SANDBOX:
        is_first = source is ApplicationSource.SANDBOX
    if not is_first or number > 1:
        seed += f":{source.value}:{name_key(name)}:{number}"
    digest = hashlib.sha256(f"patchbay/application/{seed}".encode()).digest()
    return id_of("app", int.from_bytes(digest[:16]) & (1 << 127) - 1)


async def free_id(
    find: FindApplication,
    workspace_id: str,
    integration: str,
    mode: Mode,
    name: str,
    source: ApplicationSource = ApplicationSource.WORKSPACE,
) -> str:
    """Return the id under which an application of that name stands or would be saved."""
    number = 1
    while True:
        id_ = application_id(workspace_id, integration, mode, name, source, number=number)
        row = await find(id_)
        if row is None or (row.source, row.name_key) == (source.value, name_key(name)):
            return id_
        number += 1


def new_row(
    now: datetime,
    id_: str,
    workspace_id: str,
    integration: str,
    mode: Mode,
    name: str = "",
    source: ApplicationSource = ApplicationSource.WORKSPACE,
) -> ApplicationRecord:
    """Return a row that is not stored yet; what the hub makes by itself has a name of its own."""
    name = _NAMES.get(source, name)
    return ApplicationRecord(
        id=id_,
        workspace_id=workspace_id,
        integration=integration,
        mode=mode.value,
        source=source.value,
        name=name,
        name_key=name_key(name),
        origins=[],
        client_id="",
        fields_json={},
        secret_fields={},
        revision=0,
        created_at=now,
        updated_at=now,
    )


def own_name(source: ApplicationSource) -> str:
    """Return the name of an application that the hub makes by itself."""
    return _NAMES[source]


def application_snapshot(
    row: ApplicationRecord, redirect_uri: str, origins: tuple[str, ...], unbound: Problem | None
) -> ApplicationSnapshot:
    """Return the picture of an application; ``unbound`` says that it may be used nowhere."""
    is_set = row.secret_generation > 0
    return snapshot_of(
        ApplicationSnapshot,
        row,
        mode=Mode(row.mode),
        source=ApplicationSource(row.source),
        fields=row.fields_json,
        origins=origins,
        secret=SecretInfo(("clientSecret",), is_set, row.secret_hint, row.updated_at if is_set else None),
        redirect_uri=redirect_uri,
        problem=problem_from_json(row.problem) or unbound,
    )
