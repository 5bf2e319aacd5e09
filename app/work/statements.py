"""The statements of due work, one text for both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

# Shorter than the grace that providers give used refresh tokens (30 s and more): who takes over comes in time for it.
LEASE_FOR: Final = timedelta(seconds=25)
# A transaction may have begun before the one whose row it sees, and clocks of hosts differ.
CLOCK_SKEW: Final = timedelta(seconds=60)
_CLAIMED: Final = (
    '"id", "kind", "subject", "workspace_id", "share", "fence", "attempts", "failing_since", "interruptions"'
)
_FOUND: Final = '"id", "kind", "workspace_id", "share"'
# A lease that ends later than one can last was taken before the clock was set back: it counts as over.
_FREE: Final = (
    '("due_work"."lease_until" IS NULL OR "due_work"."lease_until" <= $1 OR "due_work"."lease_until" > $2)'
)
_ACQUIRE: Final = (
    '"lease_owner" = $3, "lease_until" = $4, "fence" = "due_work"."fence" + 1, '
    '"attempts" = "due_work"."attempts" + 1, "is_due_again" = FALSE, '
    '"interruptions" = "due_work"."interruptions" + CASE WHEN "due_work"."lease_owner" IS NULL THEN 0 ELSE 1 END'
)
_NEW: Final = (
    'INSERT INTO "due_work" ("id", "kind", "subject", "workspace_id", "share", "lane", "fence", "due_at", '
    '"scheduled_at", "created_at", "attempts", "is_due_again", "interruptions", "lease_owner", "lease_until") VALUES '
)
_LEASE_END: Final = '"lease_owner" = NULL, "lease_until" = NULL, "is_due_again" = FALSE'
_LIVED: Final = '"interruptions" = 0'

# $1 now, $2 horizon, $3 how many.
FIND_DUE: Final = f"""
SELECT {_FOUND} FROM "due_work" WHERE "due_at" <= $1 AND {_FREE} AND {{wanted}} ORDER BY "due_at" LIMIT $3
"""
# The first few of every lane, by leaps from lane to lane over the index, however many others are due before them.
_FIRSTS: Final = f"""
WITH RECURSIVE "lanes"("name") AS (
  SELECT MIN("lane") FROM "due_work" UNION ALL
  SELECT (SELECT MIN("lane") FROM "due_work" WHERE "lane" > "lanes"."name") FROM "lanes" WHERE "name" IS NOT NULL
) SELECT "found".* FROM "lanes" JOIN {{}} (
  SELECT {{}} FROM "due_work" WHERE "lane" = "lanes"."name" AND "due_at" <= $1 AND {_FREE} AND {{{{wanted}}}}
  ORDER BY "due_at" LIMIT $3
) {{}}
"""
FIRSTS: Final = {
    "postgres": _FIRSTS.format("LATERAL", _FOUND, 'AS "found" ON TRUE'),
    "sqlite": _FIRSTS.format(f'(SELECT {_FOUND} FROM "due_work") AS "found" ON "found"."id" IN', '"id"', ""),
}
CLAIM: Final = f"""
UPDATE "due_work" SET {_ACQUIRE} WHERE "due_at" <= $1 AND {_FREE} AND "id" IN {{ids}} RETURNING {_CLAIMED}
"""
# On PostgreSQL what others hold is passed over, so that no two claimers wait for each other.
UNLOCKED: Final = '(SELECT "id" FROM "due_work" WHERE "id" IN {ids} ORDER BY "id" FOR UPDATE SKIP LOCKED)'
# Of each row: id, kind, subject, workspace, share, lane and fence; $1 now, $2 horizon, $3 owner, $4 lease end.
CLAIM_NAMED: Final = (
    _NEW + '{rows} ON CONFLICT ("id") DO UPDATE SET '
    f'{_ACQUIRE}, "due_at" = CASE WHEN "due_work"."due_at" < $1 THEN "due_work"."due_at" ELSE $1 END '
    f"WHERE {_FREE} RETURNING {_CLAIMED}"
)
CLAIM_NAMED_ROW: Final = "({}, $1, $1, $1, 1, FALSE, 0, $3, $4)"
SCHEDULE: Final = (
    _NEW
    + '($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, 0, FALSE, 0, NULL, NULL) ON CONFLICT ("id") DO UPDATE SET '
    '"workspace_id" = excluded."workspace_id", "share" = excluded."share", "lane" = excluded."lane", '
    '"scheduled_at" = excluded."scheduled_at", "given_up_at" = NULL, '
    '"is_due_again" = ("due_work"."lease_owner" IS NOT NULL), '
)
ANEW: Final = (
    '"due_at" = excluded."due_at", "attempts" = 0, "failing_since" = NULL, "last_problem" = NULL, ' + _LIVED
)
EARLIER: Final = (
    '"due_at" = CASE WHEN "due_work"."due_at" < excluded."due_at" '
    'THEN "due_work"."due_at" ELSE excluded."due_at" END'
)
# Of each row: id, kind, subject, workspace, share, lane, fence and due time; $1 now.
REPLACE: Final = (
    _NEW + '{rows} ON CONFLICT ("id") DO UPDATE SET '
    '"workspace_id" = excluded."workspace_id", "share" = excluded."share", "lane" = excluded."lane", '
    f'"scheduled_at" = excluded."scheduled_at", "given_up_at" = NULL, {_LEASE_END}, {ANEW} RETURNING "id"'
)
REPLACE_ROW: Final = "({}, $1, $1, 0, FALSE, 0, NULL, NULL)"
_HELD_BY_US: Final = 'WHERE "id" = $1 AND "fence" = $2 AND "lease_owner" = $3'
FINISH: Final = f'DELETE FROM "due_work" {_HELD_BY_US} AND NOT "is_due_again" RETURNING "id"'
END_LEASE: Final = f'UPDATE "due_work" SET {_LEASE_END}, {_LIVED} {_HELD_BY_US} RETURNING "id"'
RELEASE: Final = (
    f'UPDATE "due_work" SET {_LEASE_END}, "attempts" = "attempts" - 1 {_HELD_BY_US} RETURNING "id"'
)
# What was scheduled while it ran is not put off by its end.
_SOONER: Final = (
    '"due_at" = CASE WHEN "is_due_again" AND "due_at" < $4 THEN "due_at" ELSE $4 END, "scheduled_at" = $5'
)
PUT_OFF: Final = f"""
UPDATE "due_work" SET {_LEASE_END}, {_SOONER}, "interruptions" = "interruptions" - 1 {_HELD_BY_US} RETURNING "id"
"""
RESCHEDULE: Final = (
    f'UPDATE "due_work" SET {_LEASE_END}, {_LIVED}, {_SOONER}, "attempts" = 0, "failing_since" = NULL, '
    f'"last_problem" = NULL, "given_up_at" = NULL {_HELD_BY_US} RETURNING "id"'
)
FAIL: Final = f"""
UPDATE "due_work" SET {_LEASE_END}, {_LIVED}, {_SOONER}, "failing_since" = $6, "last_problem" = $7 {_HELD_BY_US}
RETURNING "id"
"""
GIVE_UP: Final = f"""
UPDATE "due_work" SET {_LEASE_END}, {_LIVED}, "failing_since" = $5, "last_problem" = $6,
"due_at" = CASE WHEN "is_due_again" THEN "due_at" ELSE NULL END,
"given_up_at" = CASE WHEN "is_due_again" THEN "given_up_at" ELSE $4 END {_HELD_BY_US} RETURNING "given_up_at"
"""
HOLD: Final = f'SELECT "id" FROM "due_work" {_HELD_BY_US}'
READ: Final = """
SELECT "subject", "fence", "due_at", "lease_owner", "lease_until", "attempts", "failing_since", "given_up_at",
"last_problem" FROM "due_work" WHERE "id" IN {ids} ORDER BY "id"
"""
EXTEND_LEASES: Final = """
UPDATE "due_work" SET "lease_until" = $2 WHERE "lease_owner" = $1 AND "id" IN {ids} RETURNING "id", "fence"
"""
# On PostgreSQL all statements that lock several rows lock them in this order, so that no two wait for each other.
IN_ORDER: Final = '(SELECT "id" FROM "due_work" WHERE "id" IN {ids} ORDER BY "id" FOR UPDATE)'
RELEASE_THE_DEAD: Final = (
    'UPDATE "due_work" SET "lease_until" = NULL WHERE "lease_until" IS NOT NULL RETURNING "id"'
)
CLOCK_WAS_SET_BACK: Final = (
    'UPDATE "due_work" SET "due_at" = $1, "scheduled_at" = $1 WHERE "scheduled_at" > $2 AND "due_at" > $1 '
    'RETURNING "id"'
)
# $1 now, $2 horizon, $3 since when what waits is late.
FIGURES: Final = f"""
SELECT "kind", SUM(CASE WHEN "due_at" <= $1 AND {_FREE} THEN 1 ELSE 0 END) AS "due",
SUM(CASE WHEN "due_at" <= $3 AND {_FREE} THEN 1 ELSE 0 END) AS "late",
SUM(CASE WHEN {_FREE} THEN 0 ELSE 1 END) AS "leased",
SUM(CASE WHEN "failing_since" IS NOT NULL AND "given_up_at" IS NULL THEN 1 ELSE 0 END) AS "retrying",
COUNT("given_up_at") AS "given_up",
MIN(CASE WHEN "due_at" <= $1 AND {_FREE} THEN "due_at" END) AS "oldest_due_at"
FROM "due_work" WHERE "workspace_id" IN ($4, $5) GROUP BY "kind" ORDER BY "kind"
"""


def horizon(now: datetime) -> datetime:
    """Return the latest end that a lease can have."""
    return now + LEASE_FOR + CLOCK_SKEW
