"""Places: bounds by kind and by share, and the last ones for workspaces of which nothing runs."""

from __future__ import annotations

from dataclasses import replace

from app.work.kind import Claim, WorkKind
from app.work.slots import Candidate, Slots, round_robin


def candidate(number, workspace="wks_1", share="app_1", kind="k"):
    return Candidate(f"{kind}:{number}", kind, workspace, share)


def claim(of):
    return Claim(of.id, of.kind, of.id, of.workspace_id, of.share, 1, 1, None, interruptions=0)


def slots(**kinds):
    return Slots({name: WorkKind(name, None, **bounds) for name, bounds in kinds.items()})


def test_a_kind_takes_no_more_than_it_may_and_holds_up_no_other():
    mine = slots(k={"at_once": 2}, other={"at_once": 1})
    wanted = [candidate(number) for number in range(4)] + [candidate(9, kind="other")]
    chosen = mine.choose(wanted)
    assert [each.id for each in chosen] == ["k:0", "k:1", "other:9"]
    for each in chosen:
        mine.acquire(claim(each))
    assert mine.open_kinds() == []
    mine.release(claim(chosen[0]))
    assert mine.open_kinds() == ["k"]
    assert [each.id for each in mine.choose(wanted[2:])] == ["k:2"]


def test_a_share_takes_no_more_than_it_may():
    mine = slots(k={"at_once": 20, "at_once_per_share": 2})
    wanted = [candidate(number) for number in range(4)] + [candidate(9, share="app_2")]
    chosen = mine.choose(wanted)
    assert [each.id for each in chosen] == ["k:0", "k:1", "k:9"]
    for each in chosen:
        mine.acquire(claim(each))
    assert mine.full_shares() == [("k", "app_1")]
    assert mine.choose(wanted[2:4]) == []


def test_the_last_places_are_for_workspaces_of_which_nothing_runs():
    mine = slots(k={"at_once": 16})
    chosen = mine.choose([candidate(number) for number in range(20)])
    assert len(chosen) == 14
    for each in chosen:
        mine.acquire(claim(each))
    wanted = [candidate(20), candidate(21, workspace="wks_2"), candidate(22, workspace="wks_3")]
    assert [each.id for each in mine.choose(wanted)] == ["k:21", "k:22"]


def test_choosing_takes_nothing():
    mine = slots(k={"at_once": 1})
    assert mine.choose([candidate(1)]) == mine.choose([candidate(1)])
    taken = claim(candidate(1))
    mine.acquire(taken)
    mine.release(replace(taken))
    assert mine.choose([candidate(1)])


def test_kinds_workspaces_and_shares_take_turns():
    due = [candidate(number) for number in range(4)]
    due += [candidate(4, share="app_2"), candidate(5, workspace="wks_2"), candidate(6, kind="other")]
    assert [each.id for each in round_robin(due)] == ["k:0", "other:6", "k:5", "k:4", "k:1", "k:2", "k:3"]
    assert [each.id for each in round_robin([*due, *due], 2)] == ["k:0", "other:6", "k:5", "k:4", "k:1"]
