from __future__ import annotations

import httpx
import pytest

from app.audit.models import AuditEntryRecord
from app.main import build_app
from tests.hubs import ORIGIN, running_hub, settings_for


@pytest.fixture
async def door(sqlite_url, tmp_path):
    """The hub with two browsers at the doors of two machines."""
    async with running_hub(settings_for(sqlite_url, tmp_path)) as (hub, _), build_app(hub) as app:
        transports = [httpx.ASGITransport(app=app, client=(host, 5000)) for host in ("10.0.0.1", "10.0.0.2")]
        async with (
            httpx.AsyncClient(transport=transports[0], base_url=ORIGIN) as one,
            httpx.AsyncClient(transport=transports[1], base_url=ORIGIN) as other,
        ):
            yield hub, one, other


async def signed(hub, action, outcome="OK"):
    with hub.database.bind():
        row = await AuditEntryRecord.get(action=action, outcome=outcome)
    return row.request_id, row.ip_hash


async def test_the_audit_log_tells_from_where_somebody_signs_in_and_out_and_in_which_request(door):
    hub, one, other = door
    workspace = (await hub.members.workspaces())[0]
    code = (await hub.sign_in.make_link(workspace.id)).reveal()
    came_in = await one.get("/sign-in", params={"code": code})
    denied = await other.get("/sign-in", params={"code": code})
    went = await one.post("/sign-out")
    assert [came_in.status_code, denied.status_code, went.status_code] == [303, 400, 200]
    began, refused, ended = (
        await signed(hub, "session.started"),
        await signed(hub, "session.started", "DENIED"),
        await signed(hub, "session.ended"),
    )
    assert [began[0], refused[0], ended[0]] == [
        answer.headers["x-request-id"] for answer in (came_in, denied, went)
    ]
    assert began[1] == ended[1] != refused[1]
    assert not {began[1], refused[1]} & {None, "", "10.0.0.1", "10.0.0.2"}
