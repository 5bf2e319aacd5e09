"""The append-only record of who did what: one keyed hash chain for each workspace.

Rooms write with ``AuditLog.record`` in the transaction of the change; ``verify`` and ``checkpoints`` prove the chain.
"""
