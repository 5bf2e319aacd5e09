"""SQL that makes the audit table append-only; the migrations have made the same, which a test compares."""

from __future__ import annotations

from typing import Final

from app.foundation.database import Dialect

_REFUSAL: Final = "audit_entry is append-only"

AUDIT_TRIGGERS: Final[dict[Dialect, list[str]]] = {
    "sqlite": [
        f"""CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON "audit_entry"
BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
        f"""CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON "audit_entry"
BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
        # INSERT OR REPLACE deletes the row in its way without firing delete triggers: refused here.
        f"""CREATE TRIGGER audit_entry_no_replace BEFORE INSERT ON "audit_entry"
WHEN EXISTS (SELECT 1 FROM "audit_entry"
             WHERE "id" = NEW."id" OR ("workspace_id" = NEW."workspace_id" AND "seq" = NEW."seq"))
BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",  # noqa: S608 - constants only
    ],
    "postgres": [
        f"""CREATE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$""",
        """CREATE TRIGGER audit_entry_no_change BEFORE UPDATE OR DELETE ON "audit_entry"
FOR EACH ROW EXECUTE FUNCTION audit_entry_refuse()""",
        """CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON "audit_entry"
FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse()""",
    ],
}
