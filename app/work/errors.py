"""Faults of due work."""

from __future__ import annotations


class LeaseLostError(Exception):
    """Another process has claimed the work since, or it was cancelled: nothing of this try may be written."""
