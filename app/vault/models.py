"""Tables of the vault: which keys are known, the wrapped data keys, and the sealed values."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from app.foundation.fields import DatetimeField


class KeyCheckRecord(Model):
    """A key-encryption key that this database has seen, with a probe that only this key opens.

    ``state`` is ACTIVE or DECRYPT_ONLY, as the ring had it when the key was first seen or promoted; RETIRED for good.
    """

    id = fields.CharField(max_length=40, primary_key=True)
    kek_id = fields.CharField(max_length=512)
    kek_version = fields.CharField(max_length=128)
    probe = fields.TextField()
    state = fields.CharField(max_length=16)
    created_at = DatetimeField()

    class Meta:
        table = "key_check"
        unique_together = (("kek_id", "kek_version"),)


class DataKeyRecord(Model):
    """One workspace's data key, wrapped. ``state`` is ACTIVE, DECRYPT_ONLY or DESTROYED.

    ``active_slot`` holds the workspace's id in the active row and nothing in the others: being unique, it
    lets two processes make one first key between them. A destroyed key keeps its row and loses ``wrapped``.
    """

    id = fields.CharField(max_length=40, primary_key=True)
    workspace_id = fields.CharField(max_length=40, db_index=True)
    active_slot = fields.CharField(max_length=40, null=True, unique=True)
    state = fields.CharField(max_length=16)
    kek_id = fields.CharField(max_length=512)
    kek_version = fields.CharField(max_length=128)
    wrapped = fields.TextField(null=True)
    created_at = DatetimeField()
    destroyed_at = DatetimeField(null=True)

    class Meta:
        table = "data_key"
        indexes = (("kek_id", "kek_version"),)


class SealedRecord(Model):
    """One sealed value and the place it belongs to; ``generation`` is the counter of its compare-and-swap."""

    id = fields.CharField(max_length=40, primary_key=True)
    workspace_id = fields.CharField(max_length=40, db_index=True)
    owner_table = fields.CharField(max_length=64)
    owner_row = fields.CharField(max_length=64)
    field = fields.CharField(max_length=64)
    generation = fields.IntField()
    data_key_id = fields.CharField(max_length=40, db_index=True)
    sealed = fields.TextField()
    created_at = DatetimeField()
    updated_at = DatetimeField()

    class Meta:
        table = "sealed_value"
        unique_together = (("owner_table", "owner_row", "field"),)
