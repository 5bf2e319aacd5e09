"""Enums in the schema that several rooms share."""

from __future__ import annotations

from enum import StrEnum

from app.api.graphql.describe import describe_enum
from app.connections.snapshot import SetupStepKey
from app.foundation.problems import FixBy, ProblemCode, RemediationKind


class Direction(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


describe_enum(
    Direction,
    "Which way a list runs.",
    {
        "ASC": "Smallest, first or oldest first.",
        "DESC": "Largest, last or newest first.",
    },
)
describe_enum(
    ProblemCode,
    "Every stable problem code. Codes are added, never renamed: treat one you do not know like INTERNAL.",
    {code.name: f"{code.template.title}." for code in ProblemCode},
)
describe_enum(
    RemediationKind,
    "What kind of act fixes a problem.",
    {
        "FIX_FIELD": "Correct a field.",
        "RECONNECT": "Authorize again.",
        "ADD_SCOPE": "Grant a permission that is missing.",
        "CHANGE_APPLICATION": "Correct the application (client id and secret).",
        "ASK_PROVIDER_ADMIN": "Ask an administrator at the outside system.",
        "CHECK_PROVIDER": "Look at the outside system.",
        "WAIT": "Wait; the text says whether the hub tries again by itself or somebody has to.",
        "RELOAD": "Load the object again.",
        "COMPLETE_STEP": "Complete a set-up step first.",
        "CONTACT_OPERATOR": "Ask who runs this hub.",
        "REPORT": "Report a fault of the hub.",
    },
)
describe_enum(
    FixBy,
    "Who can do it.",
    {
        "USER": "Whoever uses the connection.",
        "WORKSPACE_ADMIN": "An administrator of the workspace.",
        "PROVIDER_ADMIN": "An administrator at the outside system.",
        "OPERATOR": "Who runs this hub.",
        "NOBODY": "Nobody needs to: it passes.",
    },
)
describe_enum(
    SetupStepKey,
    "The steps from a draft to a usable connection.",
    {
        "CONFIGURE": "Fill in the configuration.",
        "APPLICATION": "Register the application (client id and secret).",
        "AUTHENTICATE": "Authorize the connection.",
        "TEST": "Run the default test.",
        "ACTIVATE": "Activate the connection.",
    },
)
