"""The shipped definitions, loaded once for all tests of the sandbox."""

from __future__ import annotations

from app.catalog.catalog import load_catalog

CATALOG = load_catalog()
