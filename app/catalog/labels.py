"""Plain words for the values by which integrations are filtered and counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CATEGORIES: Final[Mapping[str, str]] = {
    "accounting": "Accounting",
    "ai": "Artificial intelligence",
    "analytics": "Analytics",
    "commerce": "Commerce",
    "communication": "Communication",
    "crm": "Customer relations",
    "custom": "Your own",
    "databases": "Databases",
    "development": "Development",
    "files": "Files and storage",
    "finance": "Finance",
    "hr": "People and hiring",
    "identity": "Identity",
    "infrastructure": "Infrastructure",
    "marketing": "Marketing",
    "payments": "Payments",
    "productivity": "Productivity",
    "sales": "Sales",
    "social": "Social media",
    "support": "Customer support",
}
AUTH_KINDS: Final[Mapping[str, str]] = {
    "oauth2": "Sign-in (OAuth 2.0)",
    "oauth1": "Sign-in (OAuth 1.0a)",
    "api_key": "Key or token",
    "basic": "User name and password",
    "custom": "Its own way",
}
CAPABILITIES: Final[Mapping[str, str]] = {
    "READ": "Reads",
    "WRITE": "Writes",
    "DESTRUCTIVE": "Deletes",
    "TRIGGER": "Announces",
}
STAGES: Final[Mapping[str, str]] = {
    "AVAILABLE": "Available",
    "VERIFICATION_REQUIRED": "Needs the provider's approval",
    "EXPERIMENTAL": "Experimental",
    "RETIRED": "Retired",
}


def label_of(value: str) -> str:
    """Return the label of a category, auth kind, capability or stage; a tag is its own label."""
    for labels in (CATEGORIES, AUTH_KINDS, CAPABILITIES, STAGES):
        if value in labels:
            return labels[value]
    return value
