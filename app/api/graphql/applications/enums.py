"""The enums of applications in the schema."""

from __future__ import annotations

from enum import StrEnum

from app.api.graphql.describe import describe_enum


class ApplicationSource(StrEnum):
    """Who registered it."""

    WORKSPACE = "WORKSPACE"
    OPERATOR = "OPERATOR"
    SANDBOX = "SANDBOX"


describe_enum(
    ApplicationSource,
    "Where an application comes from.",
    {
        "WORKSPACE": "Saved by the workspace.",
        "OPERATOR": "The operator's default.",
        "SANDBOX": "The simulator's own.",
    },
)
