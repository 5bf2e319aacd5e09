"""Test runs: the queries, mutations and the live progress, and what they add to a connection."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Annotated, Any, Final, cast

import strawberry

from app.api.graphql.connection_tests.types import TestProgressType, TestRunType, progress_type, run_type
from app.api.graphql.context import PatchbayInfo, RequestContext
from app.api.graphql.fields import Given, described, object_type, optional, resolver, stream
from app.api.graphql.problems import ProblemType, mutation, user_errors_field
from app.foundation.errors import InvalidInputError
from app.foundation.problems import ProblemCode, problem

MAX_WAIT_MS: Final = 10_000


@strawberry.input(description="Which connection to test.")
class TestConnectionInput:
    connection_id: strawberry.ID = described("The connection's id.")
    wait_ms: int = described(
        "Wait for the end of the run, at most so long (up to 10000); 0 answers at once.",
        default=0,
    )
    idempotency_key: str | None = optional(
        "At most 255 characters of your own: the same key with the same input has one effect."
    )


@strawberry.input(description="Which test run to cancel.")
class CancelTestRunInput:
    run_id: strawberry.ID = described("The run's id.")


@object_type("The run to follow with `testProgress`.")
class TestConnectionPayload:
    test_run: TestRunType | None = described("The run; null exactly where none was started.", default=None)
    user_errors: list[ProblemType] = user_errors_field()


@object_type("The run, cancelled; one that had ended is as it was.")
class CancelTestRunPayload:
    test_run: TestRunType | None = described("The run as it is now.", default=None)
    user_errors: list[ProblemType] = user_errors_field()


@strawberry.type
class TestRunQueries:
    @resolver("One test run; null where there is none, or where you may not see it.")
    async def test_run(
        self,
        info: PatchbayInfo,
        id_: Annotated[strawberry.ID, strawberry.argument(name="id", description="The run's id.")],
    ) -> TestRunType | None:
        return (await load_runs(info.context, [id_])).get(id_)


@strawberry.type
class TestRunMutations:
    """The verbs of :class:`app.connection_tests.runs.TestRuns`."""

    @mutation("Runs a connection's default test; the answer has a run to follow.")
    async def test_connection(
        self, info: PatchbayInfo, input_: Given[TestConnectionInput]
    ) -> TestConnectionPayload:
        if not 0 <= input_.wait_ms <= MAX_WAIT_MS:
            reason = f"it must be between 0 and {MAX_WAIT_MS}"
            raise InvalidInputError(
                problem(ProblemCode.INVALID_FIELD, "waitMs", label="waitMs", reason=reason)
            )
        run = await info.context.hub.test_runs.start(info.context.actor, **vars(input_))
        return TestConnectionPayload(test_run=run_type(run))

    @mutation("Cancels a test run; one that is over stays as it is.")
    async def cancel_test_run(
        self, info: PatchbayInfo, input_: Given[CancelTestRunInput]
    ) -> CancelTestRunPayload:
        run = await info.context.hub.test_runs.cancel(info.context.actor, input_.run_id)
        return CancelTestRunPayload(test_run=run_type(run))


@strawberry.type
class TestRunSubscriptions:
    @stream("A test run's progress: finished steps first, then live, until the run ends.")
    async def test_progress(
        self,
        info: PatchbayInfo,
        run_id: Annotated[strawberry.ID, strawberry.argument(description="The run's id.")],
        after_seq: Annotated[
            int | None,
            strawberry.argument(description="Go on after this `seq`; from the first where it is left out."),
        ] = None,  # noqa: PT028 - not a test: a field of that name
    ) -> AsyncGenerator[TestProgressType, None]:
        context = info.context
        messages = context.hub.test_runs.progress(
            context.actor, run_id, max(after_seq or 0, 0), guard=context.guard
        )
        async for progress in messages:
            yield progress_type(progress)


@strawberry.type
class ConnectionTestFields:
    """What test runs add to ``Connection``."""

    @resolver("Its newest test run; null where it was never tested.")
    async def last_test_run(self, info: PatchbayInfo) -> TestRunType | None:
        found = await info.context.loaders.latest_runs.load(cast("Any", self).id)
        return None if found is None else run_type(found)


async def load_runs(context: RequestContext, ids: Sequence[str]) -> Mapping[str, TestRunType]:
    found = await context.hub.test_runs.many(context.actor, ids)
    return {id_: run_type(run) for id_, run in found.items()}
