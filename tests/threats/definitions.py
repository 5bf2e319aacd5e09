"""Providers with habits that no shipped definition has, as whole definitions in the catalog."""

from __future__ import annotations

from app.catalog.catalog import Catalog
from app.catalog.entry import IntegrationEntry
from app.catalog.loader import load_text
from tests.catalog.quirks import QUIRKS, document_of

HABITS = {
    "shop": "shopify: a host per shop, a signed return, an own header",
    "books": "quickbooks: the company comes with the return",
    "tenants": "microsoft: tenants, offline_access, error numbers",
    "centres": "zoho: the return names the data centre",
    "device": "a device without a browser",
    "brief": "google: a service account signs its own assertion",
    "issuer": "google: offline access and consent",
}


def with_habits(catalog: Catalog) -> Catalog:
    """Return ``catalog`` and the providers with habits beside it."""
    return Catalog([*catalog.all(), *(_entry(key, QUIRKS[name]) for key, name in HABITS.items())])


def _entry(key: str, quirk: dict[str, str]) -> IntegrationEntry:
    text = document_of(quirk).replace("integration: acme", f"integration: {key}")
    text = text.replace("lifetimeSeconds: 3600, ", "")  # what the format gives where nothing is said
    loaded = load_text(text.encode(), f"{key}/1.0.0.yaml")
    assert not loaded.faults, loaded.faults
    return IntegrationEntry(key, (loaded.definition,))
