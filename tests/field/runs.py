"""Default tests of connections by the generic definition, run against servers on this machine."""

from __future__ import annotations

from app.calls.caller import MethodCaller
from app.connection_tests.runner import TestRunner
from app.connection_tests.steps import ORDER
from app.credentials.snapshot import Mode
from tests.field.endpoints import CREDENTIALS


async def outcome_of(world, outside, connection):
    """Run the default test; return the result and the steps by kind."""
    hub, steps = world.hub, []
    calls = MethodCaller(outside, hub.credentials, hub.clock, hub.metrics, hub.secrets)

    async def emit(finished):
        steps.extend(finished)

    runner = TestRunner(calls, hub.connections, hub.catalog, hub.clock)
    result = await runner.run(world.actor, connection.owner, emit)
    assert [step.kind for step in steps] == list(ORDER)
    return result, {step.kind: step for step in steps}


async def keyed(world, base_url, method="api-key", **config):
    """Return a connection to a real address with its credentials entered."""
    settings = {"baseUrl": base_url, "testPath": "/status", **config}
    connection = await world.draft("generic-http", settings, Mode.LIVE)
    authorization = await world.begin(connection, method)
    await world.hub.authorizations.submit_credentials(world.actor, authorization.id, CREDENTIALS[method])
    return await world.reload(connection)
