"""The audit log, page by page."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import strawberry

from app.api.graphql.audit.types import AuditEntryType, AuditFilterInput, audit_entry_type, audit_filter
from app.api.graphql.context import PatchbayInfo, RequestContext
from app.api.graphql.fields import resolver, selected
from app.api.graphql.pages import MAX_PAGE, After, Before, First, Last, PageType, page_args, relay_page
from app.audit.log import AuditFilter
from app.foundation.pages import PageRequest


@strawberry.type
class AuditQueries:
    @resolver("What was done in the workspace, the newest first.")
    async def audit_log(
        self,
        info: PatchbayInfo,
        filter_: Annotated[
            AuditFilterInput | None, strawberry.argument(name="filter", description="Which entries.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> PageType[AuditEntryType] | None:
        page = page_args(first, after, last, before, selected(info))
        found = await info.context.hub.audit.entries(info.context.actor, audit_filter(filter_), page)
        return relay_page(found, [audit_entry_type(entry) for entry in found.items])


async def load_entries(context: RequestContext, ids: Sequence[str]) -> Mapping[str, AuditEntryType]:
    found = await context.hub.audit.entries(
        context.actor, AuditFilter(ids=frozenset(ids)), PageRequest(first=MAX_PAGE)
    )
    return {entry.id: audit_entry_type(entry) for entry in found.items}
