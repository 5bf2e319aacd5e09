"""What helps with an integration: documentation, troubles, limits and changes, as the schema shows them."""

from datetime import date

import strawberry

from app.api.graphql.catalog.enums import LimitScope
from app.api.graphql.scalars import Json, SemVer, Url
from app.catalog.definition import ChangelogEntry, DocLink, Impact, Limit, Troubleshooting


@strawberry.type(name="DocLink", description="A link to documentation.")
class DocLinkType:
    title: str = strawberry.field(description="What it is called.")
    url: Url = strawberry.field(description="Where it is.")


@strawberry.type(
    name="Troubleshooting", description="What a problem looks like in this integration and what to do."
)
class TroubleshootingType:
    code: str = strawberry.field(description="The problem code.")
    looks_like: str = strawberry.field(description="What one sees.")
    steps: list[str] = strawberry.field(description="What to do, in order.")
    who: str = strawberry.field(description="Who can do it.")
    url: Url | None = strawberry.field(description="Where to do it.")


@strawberry.type(name="DefaultTest", description="The harmless call that proves that a connection works.")
class DefaultTestType:
    method: str = strawberry.field(description="The method that it calls.")
    verifies: str = strawberry.field(description="What it proves, in plain words.")
    params: Json = strawberry.field(description="The parameters that it sends.")


@strawberry.type(name="ProviderLimit", description="A documented rate limit of the provider.")
class ProviderLimitType:
    calls: int = strawberry.field(description="How many calls.")
    per_seconds: float = strawberry.field(description="In how many seconds.")
    scope: LimitScope = strawberry.field(description="What it counts.")


@strawberry.type(name="ChangelogEntry", description="What a version changed.")
class ChangelogEntryType:
    version: SemVer = strawberry.field(description="The version.")
    released_on: date = strawberry.field(description="When it was released.")
    impact: Impact = strawberry.field(description="How much it changes.")
    summary: str = strawberry.field(description="What changed, in one line.")
    body: str | None = strawberry.field(description="What changed, at length (Markdown).")
    requires_action: bool = strawberry.field(description="Whether connections need a person to upgrade.")


def doc_type(link: DocLink) -> DocLinkType:
    """Return a link as the schema shows it."""
    return DocLinkType(title=link.title, url=Url(link.url))


def troubleshooting_type(trouble: Troubleshooting) -> TroubleshootingType:
    """Return a known trouble as the schema shows it."""
    return TroubleshootingType(
        code=trouble.code,
        looks_like=trouble.looks_like,
        steps=list(trouble.steps),
        who=trouble.who,
        url=None if trouble.url is None else Url(trouble.url),
    )


def limit_type(limit: Limit) -> ProviderLimitType:
    """Return a rate limit as the schema shows it."""
    return ProviderLimitType(calls=limit.calls, per_seconds=limit.per_s, scope=LimitScope(limit.by))


def changelog_type(entry: ChangelogEntry) -> ChangelogEntryType:
    """Return a change as the schema shows it."""
    return ChangelogEntryType(
        version=SemVer(entry.version),
        released_on=date.fromisoformat(entry.date),
        impact=entry.impact,
        summary=entry.summary,
        body=entry.body,
        requires_action=entry.requires_action,
    )
