"""Integrations and their versions as the schema shows them."""

from datetime import date
from typing import Annotated

import strawberry
from semver import Version

import app.api.graphql.catalog.enums  # noqa: F401 - brings the room's enums into the schema
from app.api.graphql.catalog.auth_types import AuthMethodType, auth_method_type
from app.api.graphql.catalog.method_types import MethodType, TriggerType, method_type, trigger_type
from app.api.graphql.catalog.support_types import (
    ChangelogEntryType,
    DefaultTestType,
    DocLinkType,
    ProviderLimitType,
    TroubleshootingType,
    changelog_type,
    limit_type,
)
from app.api.graphql.context import PatchbayInfo
from app.api.graphql.fields import described, object_type, resolver, shown
from app.api.graphql.node import NodeType
from app.api.graphql.pages import After, Before, First, Last, PageType, page_args, page_of_all, relay_page
from app.api.graphql.scalars import JsonSchema, SemVer, Url
from app.catalog.catalog import Catalog
from app.catalog.definition import Definition, Effect, ReleaseStage
from app.catalog.entry import IntegrationEntry, version_id
from app.catalog.versions import RangeError, parse_range
from app.foundation.errors import InvalidInputError
from app.foundation.problems import ProblemCode, problem


@object_type("One version of an integration's definition; it never changes.")
class IntegrationVersionType(NodeType):
    definition: strawberry.Private[Definition]
    version: SemVer = described("The version.")
    config_schema: JsonSchema = described(
        "The configuration form: titles, help, examples and defaults; secret fields are marked."
    )
    egress_hosts: list[str] = described("All hosts that may ever be called.")

    @resolver("When it was released.")
    def released_on(self) -> date | None:
        entries = (
            entry for entry in self.definition.changelog if entry.version == str(self.definition.version)
        )
        return next((date.fromisoformat(entry.date) for entry in entries), None)

    @resolver("The ways it offers to authenticate, the recommended one first.")
    def auth_methods(self) -> list[AuthMethodType]:
        return [auth_method_type(self.definition, method) for method in self.definition.auth]

    @resolver("What it can be asked to do, by name.")
    def methods(
        self,
        search: Annotated[str | None, strawberry.argument(description="Words in the name or title.")] = None,
        effect: Annotated[Effect | None, strawberry.argument(description="Only with this effect.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> PageType[MethodType]:
        words = (search or "").casefold().split()
        wanted = [
            method
            for name, method in sorted(self.definition.methods.items())
            if (effect is None or method.effect is effect)
            and all(word in f"{name} {method.title}".casefold() for word in words)
        ]
        page = page_of_all(wanted, lambda method: method.name, page_args(first, after, last, before))
        return relay_page(page, [method_type(method) for method in page.items])

    @resolver("One method by its name; null where there is none.")
    def method(
        self, name: Annotated[str, strawberry.argument(description="The method's name.")]
    ) -> MethodType | None:
        found = self.definition.methods.get(name)
        return None if found is None else method_type(found)

    @resolver("What it can announce by webhook, by name.")
    def triggers(self) -> list[TriggerType]:
        return [trigger_type(trigger) for _, trigger in sorted(self.definition.triggers.items())]

    @resolver("The harmless call that proves that a connection works.")
    def default_test(self) -> DefaultTestType:
        return shown(DefaultTestType, self.definition.test)

    @resolver("The provider's documented rate limits.")
    def limits(self) -> list[ProviderLimitType]:
        return [limit_type(limit) for limit in self.definition.http.limits]

    @resolver("Its integration.")
    def integration(self, info: PatchbayInfo) -> "IntegrationType | None":
        return integration_type(info.context.hub.catalog, self.definition.integration)


@object_type("An outside system as the catalog knows it.")
class IntegrationType(NodeType):
    entry: strawberry.Private[IntegrationEntry]
    key: str = described("Its key: short, stable, readable.")
    name: str = described("What it is called.")
    summary: str = described("What it is, in one line.")
    description: str | None = described("What it is, at length (Markdown).")
    stage: ReleaseStage = described("What the provider allows.")
    demands: str | None = described("What the provider demands first, where it demands something.")
    successor: str | None = described("The key of the integration that follows a retired one.")
    vendor: str | None = described("Who makes the outside system.")
    homepage_url: Url | None = described("The outside system's home page.")
    icon: str | None = described("Its drawing: SVG without scripts or outside references.")
    categories: list[str] = described("The categories it belongs to.")
    tags: list[str] = described("More words for it.")
    popularity: int = described("How often it is wanted, from 0 to 100.")
    use_cases: list[str] = described("What people commonly use it for.")
    setup_guide: str | None = described("How to set it up (Markdown).")

    @resolver("Documentation about it.")
    def docs(self) -> list[DocLinkType]:
        return [shown(DocLinkType, link) for link in self.entry.latest.docs]

    @resolver("What goes wrong with it, what that looks like and what to do.")
    def troubleshooting(self, info: PatchbayInfo) -> list[TroubleshootingType]:
        pages = f"{info.context.hub.public_url}/docs/problems"
        return [
            shown(TroubleshootingType, trouble, docs_url=Url(f"{pages}/{trouble.code}#{self.key}"))
            for trouble in self.entry.latest.troubleshooting
        ]

    @resolver("Its latest version.")
    def latest_version(self) -> IntegrationVersionType:
        return definition_type(self.entry.latest)

    @resolver("The newest version in a range such as `^1.2`; null where there is none.")
    def version(
        self,
        range_: Annotated[
            str, strawberry.argument(name="range", description="A range as npm writes it, or one version.")
        ],
    ) -> IntegrationVersionType | None:
        try:
            found = self.entry.newest_in(parse_range(range_))
        except RangeError:
            reason = "it is not a range of versions"
            raise InvalidInputError(
                problem(ProblemCode.INVALID_FIELD, "range", label="range", reason=reason)
            ) from None
        return None if found is None else definition_type(found)

    @resolver("Its versions, the newest first.")
    def versions(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> PageType[IntegrationVersionType]:
        args = page_args(first, after, last, before)
        page = page_of_all(self.entry.versions[::-1], lambda one: str(one.version), args)
        return relay_page(page, [definition_type(definition) for definition in page.items])

    @resolver("What changed, the newest first.")
    def changelog(
        self,
        since: Annotated[SemVer | None, strawberry.argument(description="Only after this version.")] = None,
    ) -> list[ChangelogEntryType]:
        entries = self.entry.changelog(None if since is None else Version.parse(since))
        return [changelog_type(entry) for entry in entries]


def integration_type(catalog: Catalog, key: str) -> IntegrationType | None:
    """Return the integration with this key, or None."""
    entry = catalog.integration(key)
    return None if entry is None else integration_entry_type(entry)


def version_type(catalog: Catalog, key: str, version: str) -> IntegrationVersionType | None:
    """Return exactly this version of an integration, or None."""
    definition = catalog.definition(key, version)
    return None if definition is None else definition_type(definition)


def integration_entry_type(entry: IntegrationEntry) -> IntegrationType:
    latest = entry.latest
    return shown(
        IntegrationType,
        latest,
        id=entry.id,
        entry=entry,
        key=entry.key,
        homepage_url=latest.homepage,
        icon=entry.icon,
    )


def definition_type(definition: Definition) -> IntegrationVersionType:
    return IntegrationVersionType(
        id=strawberry.ID(version_id(definition.integration, definition.version)),
        definition=definition,
        version=SemVer(str(definition.version)),
        config_schema=JsonSchema(definition.config),
        egress_hosts=list(definition.http.hosts),
    )
