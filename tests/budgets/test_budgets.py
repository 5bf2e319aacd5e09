"""No operation costs more statements than its budget, on neither database, and pages cost the same at every size."""

from __future__ import annotations

import pytest

from tests.budgets.operations import OPERATIONS
from tests.budgets.stage import stage


@pytest.mark.parametrize("arrangement", ["sqlite", pytest.param("postgres", marks=pytest.mark.scaled)])
async def test_every_operation_keeps_its_budget(arrangement, request, tmp_path):
    url = request.getfixturevalue(f"{arrangement}_url")
    redis_url = request.getfixturevalue("redis_url") if arrangement == "postgres" else None
    costs = {}
    async with stage(url, tmp_path, redis_url) as ready:
        for operation in OPERATIONS:
            await ready.count(operation)
            costs[operation] = (len(ready.statements), ready.statements.commits)
    over = {
        operation.name: cost
        for operation, cost in costs.items()
        if cost[0] > operation.budget or (operation.commits is not None and cost[1] > operation.commits)
    }
    assert not over, f"(statements, commits) over budget: {over}"
    by_name = {operation.name: cost[0] for operation, cost in costs.items()}
    for one, fifty in (
        ("page of 1 connection", "page of 50 connections"),
        ("page of 1 with lastTestRun", "page of 50 with lastTestRun"),
        ("nodes of 1 connection", "nodes of 50 connections"),
    ):
        assert by_name[one] == by_name[fifty]
