"""A vault with its audit, its key file and its rotation, as a hub builds them."""

from __future__ import annotations

from app.access.actor import Actor
from app.audit.log import AuditLog
from app.foundation.secret import Secret
from app.vault.key_file import create_key_file
from app.vault.resealing import Resealing
from app.vault.rotation import KeyHome, KeyRotation
from app.vault.start_up import SYSTEM_WORKSPACE
from app.vault.vault import RevealPurpose, SealedRef, Vault
from app.vault.watched_ring import WatchedKeyRing

OPERATOR = Actor.system(SYSTEM_WORKSPACE, "operator", "req_keys")


def place(workspace_id, number):
    return SealedRef(workspace_id, "credential", f"conn_{workspace_id}_{number}", "grant")


def token_of(ref, generation):
    """Return what a credential holds in each generation, so that any reader can tell whether it is right."""
    return f"canary-{ref.row_id}-{generation}"


class Rotating:
    """One hub's view of the keys: its own ring over the file, its own caches."""

    def __init__(self, database, clock, path, ring=None, home=None):
        self.database = database
        self.path = path
        self.ring = ring or WatchedKeyRing(path, clock)
        self.log = AuditLog(database, lambda: self.vault.system_key("audit/v1"))
        self.vault = Vault(database, self.ring, self.log)
        self.rotation = KeyRotation(database, self.ring, self.log, home or KeyHome(path))
        self.resealing = Resealing(database, self.ring, self.log)

    async def fill(self, workspaces, each):
        for workspace_id in workspaces:
            async with self.database.transaction() as tx:
                for number in range(each):
                    await self.put(tx, place(workspace_id, number), None)

    async def put(self, tx, ref, expected):
        value = {"token": Secret(token_of(ref, 1 + (expected or 0)))}
        return await self.vault.put(tx, ref, value, expected_generation=expected)

    async def replace(self, ref, expected):
        async with self.database.transaction() as tx:
            return await self.put(tx, ref, expected)

    async def reads(self, ref):
        """Open a credential and say whether it holds what its generation should."""
        actor = Actor.system(ref.workspace_id, "reader", "req_read")
        revealed = await self.vault.reveal(actor, ref, purpose=RevealPurpose.TEST)
        return revealed.value["token"].reveal() == token_of(ref, revealed.generation)

    async def told(self):
        page = await self.log.entries(OPERATOR)
        return [(entry.action, entry.target_label, entry.outcome) for entry in reversed(page.items)]


async def started(database, clock, path, **more):
    """Return a hub's view of the keys, its vault started; the key file is made where there is none."""
    if not path.exists() and "ring" not in more:
        create_key_file(path)
    hub = Rotating(database, clock, path, **more)
    await hub.vault.start()
    return hub
