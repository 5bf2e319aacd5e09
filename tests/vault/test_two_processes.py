from __future__ import annotations

import asyncio
import base64
import sys
from pathlib import Path

from app.vault.models import DataKeyRecord, SealedRecord

ROOT = Path(__file__).resolve().parents[2]
PROCESS = """
import asyncio, os, sys
from app.foundation.clock import SystemClock
from app.foundation.database import Database
from app.foundation.secret import Secret
from app.vault.key_file import env_ring
from app.vault.vault import SealedRef, Vault

async def main(url, number):
    clock = SystemClock()
    database = Database(url, clock)
    await database.open()
    vault = Vault(database, env_ring(Secret(os.environ["KEY"])), None)
    print("ready", flush=True)
    sys.stdin.readline()
    await vault.start()
    for row in range(5):
        async with database.transaction() as tx:
            ref = SealedRef("wks_a", "credential", f"conn_{number}_{row}", "grant")
            await vault.put(tx, ref, {"token": Secret("x")}, expected_generation=None)
    print((await vault.system_key("x")).hex(), await vault.fingerprint("wks_a", "y", Secret("z")))
    await database.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_processes_that_start_at_once_share_their_keys(database, chance):
    environment = {"KEY": base64.b64encode(chance.randbytes(32)).decode(), "PYTHONPATH": str(ROOT)}
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROCESS, database.url, str(number), stdin=pipe, stdout=pipe, env=environment
        )
        for number in range(4)
    ]
    for process in processes:
        assert await process.stdout.readline() == b"ready\n"
    answers = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0] * 4
    assert len({said for said, _ in answers}) == 1
    assert sorted(await DataKeyRecord.all().values_list("workspace_id", flat=True)) == ["system", "wks_a"]
    assert await SealedRecord.filter(owner_table="credential").count() == 20
