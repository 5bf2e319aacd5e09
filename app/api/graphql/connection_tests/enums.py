"""The connection tests room's enums in the schema."""

from __future__ import annotations

from app.api.graphql.describe import describe_enum
from app.connection_tests.steps import RunKind, RunState, RunStepState, StepKind, Verdict

describe_enum(
    RunState,
    "The state of a test run.",
    {
        "QUEUED": "Waiting for a worker.",
        "RUNNING": "Running.",
        "FINISHED": "Finished: it has a verdict.",
        "CANCELLED": "Cancelled by a person.",
    },
    name="TestRunState",
)
describe_enum(
    RunKind,
    "Why a test run was made.",
    {
        "DEFAULT": "Somebody asked for the default test.",
        "PROBE": "The hub looks daily after what never expires.",
    },
    name="TestRunKind",
)
describe_enum(
    Verdict,
    "What a test run found.",
    {
        "PASSED": "The connection works.",
        "INCONCLUSIVE": "The answer was good, but says nothing about the credentials: the problem says why.",
        "FAILED": "It does not: the problem says why.",
    },
    name="TestVerdict",
)
describe_enum(
    StepKind,
    "What a step of a test run looks at, in this order.",
    {
        "CONFIGURATION": "The configuration.",
        "NAME_LOOKUP": "The host name.",
        "CONNECT": "The network connection.",
        "TLS": "The secure connection.",
        "CREDENTIALS": "The credentials.",
        "REQUEST": "The request.",
        "RESPONSE": "The answer.",
        "EXPECTATIONS": "What the definition, and the configuration, expect of the answer.",
        "CONTROL": "Whether the same call fails with made-up credentials, or without any.",
    },
    name="TestStepKind",
)
describe_enum(
    RunStepState,
    "The state of a step of a test run.",
    {
        "PASSED": "Nothing wrong.",
        "WARNING": "Nothing failed, but it does not prove what it should: the problem says why.",
        "FAILED": "Something is wrong: the problem says what.",
        "SKIPPED": "Not needed here, or an earlier step failed.",
    },
    name="TestStepState",
)
