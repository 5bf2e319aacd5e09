"""R3: whatever asks for a refresh at once, in however many processes, the provider is asked once and nobody notices.

The server's refresh tokens are for one use, and a second use revokes the whole family: after one call too many every
round fails. A sample by default; with ``PATCHBAY_PROOFS=full`` 200 rounds of 1,000 refreshes at once: over 8 processes
on PostgreSQL, over 2 on SQLite.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.hub import build_hub
from app.vault.vault import RevealPurpose
from app.worker import register_work
from tests.hubs import owner
from tests.proofs.stage import POSTGRES, SQLITE, connect, save_application, stage_of
from tests.proofs.token_server import Figures, running_token_server

IS_FULL = os.environ.get("PATCHBAY_PROOFS") == "full"
ROUNDS = 200 if IS_FULL else 3
AT_ONCE = 1_000 if IS_FULL else 40
PROCESSES = {SQLITE: 2, POSTGRES: 8 if IS_FULL else 3}
ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.proof, pytest.mark.timeout(3_600 if IS_FULL else 120)]


class Refresher:
    """A process of the hub that refreshes when it is told to."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        own = {"PATH": os.environ["PATH"], "HOME": str(log.parent), "PYTHONPATH": str(ROOT)}
        self.log = log
        with log.open("wb") as told:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.proofs.refresher"],
                env=own | environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=told,
                text=True,
            )

    def tell(self, **wish: object) -> None:
        self.process.stdin.write(json.dumps(wish) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, object]:
        line = self.process.stdout.readline()
        assert line, self.log.read_text()[-4_000:]
        return json.loads(line)

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.mark.parametrize("kind", [SQLITE, pytest.param(POSTGRES, marks=pytest.mark.scaled)])
@pytest.mark.threat("R3")
async def test_concurrent_refreshes_over_processes_are_one_call_a_round(kind, tmp_path, record_property):
    with ExitStack() as stack:
        server = stack.enter_context(running_token_server())
        stage = stack.enter_context(stage_of(kind, tmp_path))
        async with build_hub(stage.settings) as hub:
            register_work(hub)
            await hub.members.ensure_owner()
            actor = await owner(hub)
            await save_application(hub, actor, server)
            connection = await connect(hub, actor, server, "Refreshed")
        refreshers = []
        for number in range(PROCESSES[kind]):
            refreshers.append(Refresher(stage.environment, tmp_path / f"refresher-{number}.log"))
            stack.callback(refreshers[-1].end)
        pids = {refresher.answer()["pid"] for refresher in refreshers}
        assert len(pids) == PROCESSES[kind]
        assert os.getpid() not in pids
        assert server.pid not in pids

        begun = time.monotonic()
        found: Counter[str] = Counter()
        for generation in range(1, ROUNDS + 1):
            for number, refresher in enumerate(refreshers):
                times = AT_ONCE // len(refreshers) + (number < AT_ONCE % len(refreshers))
                refresher.tell(
                    workspace=actor.workspace_id, connection=connection.id, generation=generation, times=times
                )
            for refresher in refreshers:
                found.update(refresher.answer()["found"])
            assert found == {"renewed": AT_ONCE * generation}
            assert server.figures() == Figures(codes=1, refreshes=generation)
        record_property("seconds_per_round", round((time.monotonic() - begun) / ROUNDS, 3))

        async with build_hub(stage.settings) as hub:
            after = await hub.connections.get(actor, connection.id)
            live = await hub.credentials.open(actor, connection.owner, RevealPurpose.TEST)
        assert (after.state, after.problem, after.auth.generation) == ("CONNECTED", None, ROUNDS + 1)
        access, refresh = (live.grant.values[name].reveal() for name in ("accessToken", "refreshToken"))
        assert server.inspect(access, refresh) == {"family": 0, "access": True, "refresh": True}
        assert [refresher.log.read_text() for refresher in refreshers] == [""] * len(refreshers)
        print(
            f"{kind}: {AT_ONCE} at once over {len(pids)} processes, {ROUNDS} rounds, {time.monotonic() - begun:.1f} s"
        )
