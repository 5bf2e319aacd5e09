"""The append-only record of who did what: one keyed hash chain per workspace."""
