"""Background work as the schema shows it."""

from datetime import datetime

import strawberry

from app.api.graphql.context import PatchbayInfo
from app.api.graphql.fields import described, object_type, resolver, shown


@object_type("How much of one kind of background work stands how.")
class BackgroundWorkType:
    kind: str = described(
        "The kind, such as `renewal`, `test_run` or `upkeep`. Kinds are added: show one you do not know."
    )
    due: int = described("What is due and waits to be done.")
    late: int = described("What of it has been due for more than a minute.")
    leased: int = described("What a process does at this moment.")
    retrying: int = described("What failed the last time and is tried again, now or later.")
    given_up: int = described("What failed for too long and is not tried again.")
    oldest_due_at: datetime | None = described(
        "Since when the first of what waits has been due; null where nothing waits."
    )


@strawberry.type
class WorkQueries:
    @resolver(
        "How the background work of the workspace stands, and the hub's own chores, by kind; a kind of which there is "
        "nothing is left out. For operators: needs the permission `WORK_READ`, which owners and admins have."
    )
    async def background_work(self, info: PatchbayInfo) -> list[BackgroundWorkType] | None:
        figures = await info.context.hub.work.overview(info.context.actor)
        return [shown(BackgroundWorkType, each) for each in figures]
