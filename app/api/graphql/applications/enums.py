"""The enums of applications in the schema."""

from __future__ import annotations

from app.api.graphql.describe import describe_enum
from app.credentials.snapshot import ApplicationSource

describe_enum(
    ApplicationSource,
    "Where an application comes from.",
    {
        "WORKSPACE": "Saved by the workspace.",
        "OPERATOR": "The operator's default.",
        "SANDBOX": "The simulator's own.",
    },
)
