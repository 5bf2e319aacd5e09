"""No row of the threat model is without a test, and no mark names a row that is not there."""

from __future__ import annotations

import pytest

from tests.threats.rows import ROWS, covered


def test_every_row_is_proved_by_a_test_and_every_mark_names_a_row():
    assert covered().keys() == ROWS.keys()


@pytest.mark.parametrize("row", [row for row in ROWS if row.startswith("O")])
def test_every_attack_on_a_sign_in_is_played_at_the_doors_by_a_test_of_its_name(row):
    name = f"test_o{int(row[1:]):02}_"
    assert any(test.startswith("tests/threats/") and f"::{name}" in test for test in covered()[row])


def test_what_is_marked_is_really_collected(request):
    """Of this run: a marked test that pytest does not see would prove nothing."""
    known = {test for tests in covered().values() for test in tests}
    collected = {
        item.nodeid.split("[")[0] for item in request.session.items if item.get_closest_marker("threat")
    }
    assert collected <= known
    files = {item.path for item in request.session.items}
    root = request.config.rootpath
    chosen = request.config.option
    if not chosen.keyword and not chosen.markexpr and not any("::" in given for given in request.config.args):
        assert collected == {test for test in known if root / test.split("::")[0] in files}
