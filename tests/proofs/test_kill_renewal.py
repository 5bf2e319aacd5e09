"""R4: kill -9 at every commit, every outbound call and every byte of the token exchange.

Whatever was interrupted, what is found afterwards is the old credentials or the new ones, and they work, or it says
that a person must act and why. No lease holds anybody up, and no token stands anywhere in plain text. The seams are
found by instrumentation; a hub dies once at each of them on SQLite (of the bytes at a seeded sample), with
``PATCHBAY_PROOFS=full`` at each of them, and at least 500 times, on each database.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.proofs.stage import POSTGRES, SQLITE, stage_of
from tests.proofs.token_server import running_token_server

IS_FULL = os.environ.get("PATCHBAY_PROOFS") == "full"
DEATHS = 500 if IS_FULL else 1
FLOWS = ("connect", "refresh", "refresh with grace", "refresh of a dead grant", "disconnect")
BYTES = "refresh, byte by byte"
KINDS = [SQLITE, pytest.param(POSTGRES, marks=pytest.mark.scaled)] if IS_FULL else [SQLITE]
ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.proof, pytest.mark.timeout(3_600 if IS_FULL else 120)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.threat("R4")
def test_whatever_is_killed_is_found_working_or_says_what_to_do(kind, tmp_path):
    begun = time.monotonic()
    told, log = tmp_path / "told.jsonl", tmp_path / "killing.log"
    with running_token_server() as server, stage_of(kind, tmp_path) as stage, log.open("wb") as said:
        plan = {
            "environment": stage.environment,
            "port": server.port,
            "mark": server.mark,
            "flows": [*FLOWS, BYTES],
            "deaths": DEATHS,
            "told": str(told),
        }
        own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        subprocess.run(
            [sys.executable, "-m", "tests.proofs.killing"],
            input=json.dumps(plan).encode(),
            env=own,
            stdout=said,
            stderr=said,
            check=False,
        )
    lines = [json.loads(line) for line in told.read_text().splitlines()]
    assert [line for line in lines if line["fault"]] == []
    assert {line["flow"] for line in lines} == {*FLOWS, BYTES, "scan"}, log.read_text()[-4_000:]
    deaths = [line for line in lines if line["died"]]
    assert len(deaths) >= DEATHS
    for flow in FLOWS:
        of_flow = [line for line in deaths if line["flow"] == flow]
        print(f"{flow}: {len(of_flow)} deaths, {dict(Counter(line['found'] for line in of_flow))}")
        assert any("commit" in line["seam"] for line in of_flow)
        assert any("POST" in line["seam"] for line in of_flow)
    by_byte = [line for line in deaths if line["flow"] == BYTES]
    print(f"{BYTES}: {len(by_byte)} deaths, {dict(Counter(line['found'] for line in by_byte))}")
    # Before its last byte the request has no effect; from then on no client can know whether it had.
    *unfinished, whole = [line["found"] for line in by_byte if line["seam"] == "sent"]
    received = [line["found"] for line in by_byte if line["seam"] == "received"]
    assert set(unfinished) == {"new valid"}
    assert {whole, *received} == {"outcome unknown"}
    deaths = [line for line in deaths if line["flow"] != BYTES]
    unknown = Counter(line["seam"].split()[0:2][-1] for line in deaths if line["found"] == "outcome unknown")
    assert set(unknown) == {"POST", "commit"}  # the answer was there, and was not sealed yet
    assert len(set(unknown.values())) == 1
    with_grace = {line["found"] for line in deaths if line["flow"] == "refresh with grace"}
    assert with_grace == {"new valid"}
    print(f"{kind}: {len(deaths)} deaths in {time.monotonic() - begun:.0f} s")
