"""What helps with an integration: documentation, troubles, limits and changes, as the schema shows them."""

from datetime import date

from app.api.graphql.catalog.enums import LimitScope
from app.api.graphql.fields import described, object_type, shown
from app.api.graphql.scalars import Json, SemVer, Url
from app.catalog.definition import ChangelogEntry, Impact, Limit


@object_type("A link to documentation.")
class DocLinkType:
    title: str = described("What it is called.")
    url: Url = described("Where it is.")


@object_type("What a problem looks like in this integration and what to do.")
class TroubleshootingType:
    code: str = described("The problem code.")
    looks_like: str = described("What one sees.")
    steps: list[str] = described("What to do, in order.")
    who: str = described("Who can do it.")
    url: Url | None = described("Where to do it.")
    docs_url: Url = described("The page of the problem, at what it says about this integration.")


@object_type("The harmless call that proves that a connection works.")
class DefaultTestType:
    method: str = described("The method that it calls.")
    verifies: str = described("What it proves, in plain words.")
    params: Json = described("The parameters that it sends.")


@object_type("A documented rate limit of the provider.")
class ProviderLimitType:
    calls: int = described("How many calls.")
    per_seconds: float = described("In how many seconds.")
    scope: LimitScope = described("What it counts.")


@object_type("What a version changed.")
class ChangelogEntryType:
    version: SemVer = described("The version.")
    released_on: date = described("When it was released.")
    impact: Impact = described("How much it changes.")
    summary: str = described("What changed, in one line.")
    body: str | None = described("What changed, at length (Markdown).")
    requires_action: bool = described("Whether connections need a person to upgrade.")


def limit_type(limit: Limit) -> ProviderLimitType:
    return ProviderLimitType(calls=limit.calls, per_seconds=limit.per_s, scope=LimitScope(limit.by))


def changelog_type(entry: ChangelogEntry) -> ChangelogEntryType:
    return shown(ChangelogEntryType, entry, released_on=date.fromisoformat(entry.date))
