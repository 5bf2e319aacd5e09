"""The audit log: paged, and filtered."""
