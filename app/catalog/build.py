"""Turns the plain value of a definition file, already checked against the schema, into a Definition."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from semver import Version

from app.catalog.build_auth import build_auth_method
from app.catalog.definition import (
    ChangelogEntry,
    DefaultTest,
    Definition,
    DocLink,
    Effect,
    ErrorPicks,
    Example,
    Http,
    Impact,
    Json,
    Limit,
    Method,
    Pagination,
    ProblemRule,
    Stage,
    Trigger,
    Troubleshooting,
    UpgradeRule,
    Webhooks,
)

Data = Mapping[str, Json]
_BODILESS: Final = frozenset({"GET", "HEAD", "DELETE"})


def build_definition(data: Data, digest: str = "") -> Definition:
    """Build the definition. ``data`` must fit the format's schema; equal data makes equal definitions."""
    return Definition(
        format=data["format"],
        integration=data["integration"],
        version=Version.parse(data["version"]),
        name=data["name"],
        summary=data["summary"],
        description=data.get("description"),
        stage=Stage(data["stage"]),
        demands=data.get("demands"),
        successor=data.get("successor"),
        vendor=data.get("vendor"),
        homepage=data.get("homepage"),
        categories=tuple(data["categories"]),
        tags=tuple(data.get("tags", ())),
        popularity=data.get("popularity", 0),
        use_cases=tuple(data["useCases"]),
        docs=tuple(DocLink(link["title"], link["url"]) for link in data.get("docs", ())),
        setup_guide=data.get("setupGuide"),
        config=data["config"],
        http=_http(data["http"]),
        auth=tuple(build_auth_method(method) for method in data["auth"]),
        methods=MappingProxyType({name: _method(name, method) for name, method in data["methods"].items()}),
        triggers=MappingProxyType(
            {name: _trigger(name, trigger) for name, trigger in data.get("triggers", {}).items()}
        ),
        webhooks=_webhooks(data.get("webhooks")),
        test=_test(data["test"]),
        troubleshooting=tuple(_troubleshooting(entry) for entry in data.get("troubleshooting", ())),
        upgrade=tuple(_upgrade(rule) for rule in data.get("upgrade", ())),
        changelog=tuple(_changelog(entry) for entry in data["changelog"]),
        digest=digest,
    )


def place_of(name: str, field: Json, http_method: str, path: str) -> str:
    """Return where a parameter goes: what its ``in`` says, else the path naming it, else by HTTP method."""
    said = field.get("in") if isinstance(field, Mapping) else None
    if isinstance(said, str):
        return said
    if f"params.{name}}}" in path:
        return "path"
    return "query" if http_method in _BODILESS else "body"


def _http(data: Data) -> Http:
    error = data.get("error", {})
    return Http(
        base_url=data["baseUrl"],
        hosts=tuple(data["hosts"]),
        headers=MappingProxyType(data.get("headers", {})),
        success=data.get("success"),
        problems=tuple(
            ProblemRule(
                rule["when"], rule["code"], MappingProxyType(rule.get("details", {})), rule.get("fix")
            )
            for rule in data.get("problems", ())
        ),
        expiry=data.get("expiry"),
        limits=tuple(
            Limit(limit["calls"], limit["perSeconds"], limit.get("by", "connection"))
            for limit in data.get("limits", ())
        ),
        pagination=_pagination(data.get("pagination")),
        error=ErrorPicks(error.get("code"), error.get("message"), error.get("requestId")),
        retry_after=data.get("retryAfter"),
        idempotency_header=data.get("idempotencyHeader"),
    )


def _pagination(data: Data | None) -> Pagination | None:
    if data is None:
        return None
    return Pagination(data["style"], data.get("send"), data.get("next"), data.get("items"))


def _method(name: str, data: Data) -> Method:
    http, effect = data["http"], Effect(data["effect"])
    fields = data["params"].get("properties", {})
    places = {key: place_of(key, field, http["method"], http["path"]) for key, field in fields.items()}
    return Method(
        name=name,
        title=data["title"],
        description=data.get("description"),
        effect=effect,
        http_method=http["method"],
        path=http["path"],
        base_url=http.get("baseUrl"),
        params=data["params"],
        places=MappingProxyType(places),  # type: ignore[arg-type]  # a rule checks the words
        body_format=http.get("body", "json" if "body" in places.values() else "none"),
        headers=MappingProxyType(http.get("headers", {})),
        result=data.get("result"),
        scopes=tuple(data.get("scopes", ())),
        examples=tuple(_example(example) for example in data["examples"]),
        idempotent=data.get("idempotent", effect is Effect.READ),
        pagination=_pagination(data.get("pagination")),
        body_param=http.get("bodyParam"),
    )


def _example(data: Data) -> Example:
    response = data["response"]
    return Example(
        title=data["title"],
        params=data.get("params", {}),
        status=response.get("status", 200),
        headers=MappingProxyType(response.get("headers", {})),
        body=response.get("body"),
        outcome=data.get("outcome"),
        echo=MappingProxyType(data.get("echo", {})),
    )


def _trigger(name: str, data: Data) -> Trigger:
    return Trigger(
        name=name,
        title=data["title"],
        description=data.get("description"),
        payload=data["payload"],
        example=data["example"],
        scopes=tuple(data.get("scopes", ())),
    )


def _webhooks(data: Data | None) -> Webhooks | None:
    if data is None:
        return None
    return Webhooks(
        signature=data["signature"],
        register=data.get("register"),
        challenge=data.get("challenge"),
        event_id=data.get("eventId"),
        event_type=data.get("eventType"),
    )


def _test(data: Data) -> DefaultTest:
    return DefaultTest(
        method=data["method"],
        params=data.get("params", {}),
        verifies=data["verifies"],
        expect=tuple(data["expect"]),
    )


def _troubleshooting(data: Data) -> Troubleshooting:
    return Troubleshooting(
        code=data["code"],
        looks_like=data["looksLike"],
        steps=tuple(data["do"]),
        who=data["who"],
        url=data.get("url"),
    )


def _upgrade(data: Data) -> UpgradeRule:
    return UpgradeRule(
        from_range=data["from"],
        config=tuple(data.get("config", ())),
        scopes_added=tuple(data.get("scopesAdded", ())),
    )


def _changelog(data: Data) -> ChangelogEntry:
    return ChangelogEntry(
        version=data["version"],
        date=data["date"],
        impact=Impact(data["impact"]),
        summary=data["summary"],
        body=data.get("body"),
        requires_action=data.get("requiresAction", False),
    )
