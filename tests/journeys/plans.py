"""What a person chooses and enters for each integration of the catalog, in the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Plan:
    """One journey: what is chosen, configured and entered. Without ``credentials`` the form's own examples are."""

    integration: str
    auth_method: str
    config: Mapping[str, Any] = field(default_factory=dict)
    credentials: Mapping[str, str] | None = None
    account: str | None = None
    mode: str = "SANDBOX"
    states: tuple[str, ...] = ()
    needs_config: bool = False

    def but(self, **changes: Any) -> Plan:
        return replace(self, **changes)


_SIGNED_IN = ("CREATED", "AWAITING_USER", "EXCHANGING", "AUTHENTICATED")
_LOOKED_AT = ("CREATED", "AWAITING_USER", "EXCHANGING", "VERIFYING", "AUTHENTICATED")
_CHOSEN = (*_LOOKED_AT[:-1], "AWAITING_INPUT", "EXCHANGING", "AUTHENTICATED")
_ENTERED = ("CREATED", "AWAITING_INPUT", "EXCHANGING", "AUTHENTICATED")

SLACK = Plan("slack", "oauth", {"defaultChannel": "C0123456789"}, states=_SIGNED_IN)
STRIPE = Plan("stripe", "api-key", {"currency": "eur"}, states=_ENTERED)
TELEGRAM = Plan("telegram", "bot-token", states=_ENTERED)
GITHUB = Plan("github", "oauth", states=_LOOKED_AT)
XERO = Plan("xero", "oauth", account="Acme", states=_CHOSEN)
SALESFORCE = Plan(
    "salesforce",
    "oauth",
    {"loginHost": "acme.my.salesforce.com", "apiVersion": "v62.0"},
    states=_LOOKED_AT,
)
GENERIC_HTTP = Plan(
    "generic-http",
    "basic",
    {"baseUrl": "https://warehouse.example.com", "testPath": "/api/ping"},
    states=_ENTERED,
    needs_config=True,
)
ALL = (SLACK, STRIPE, GENERIC_HTTP, TELEGRAM, GITHUB, XERO, SALESFORCE)
