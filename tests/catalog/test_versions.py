import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from app.catalog.definition import ChangelogEntry, Impact
from app.catalog.versions import RangeError, changes_since, latest, newest_in, parse_range, parse_version

PART = st.integers(0, 20)
RELEASES = st.builds(Version, PART, PART, PART)


def v(text):
    return Version.parse(text)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("1.2.3", ["1.2.3"], ["1.2.2", "1.2.4", "1.2.3-rc.1"]),
        ("=1.2.3", ["1.2.3"], ["1.2.4"]),
        ("v1.2.3", ["1.2.3"], ["1.2.4"]),
        ("^1.2.3", ["1.2.3", "1.9.0"], ["1.2.2", "2.0.0", "2.0.0-beta"]),
        ("^1.2", ["1.2.0", "1.9.9"], ["1.1.9", "2.0.0"]),
        ("^1", ["1.0.0", "1.9.9"], ["0.9.9", "2.0.0"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.2.2", "0.3.0"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4"]),
        ("^0.0", ["0.0.0", "0.0.9"], ["0.1.0"]),
        ("^0", ["0.0.0", "0.9.9"], ["1.0.0"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.2.2", "1.3.0"]),
        ("~1.2", ["1.2.0", "1.2.9"], ["1.3.0"]),
        ("~1", ["1.0.0", "1.9.9"], ["2.0.0"]),
        ("1.x", ["1.0.0", "1.9.9"], ["0.9.9", "2.0.0"]),
        ("1.2.x", ["1.2.0", "1.2.9"], ["1.3.0"]),
        ("1.2.*", ["1.2.0"], ["1.3.0"]),
        ("1", ["1.0.0", "1.9.9"], ["2.0.0"]),
        ("*", ["0.0.0", "99.0.0"], ["1.0.0-rc.1"]),
        ("x", ["1.0.0"], []),
        (">=1 <2", ["1.0.0", "1.9.9"], ["0.9.9", "2.0.0"]),
        (">= 1.2.0, < 1.4", ["1.2.0", "1.3.9"], ["1.1.9", "1.4.0"]),
        (">1.2.3", ["1.2.4"], ["1.2.3"]),
        (">1.2", ["1.3.0"], ["1.2.9"]),
        ("<=1.2.3", ["1.2.3", "0.0.1"], ["1.2.4"]),
        ("<=1.2", ["1.2.9"], ["1.3.0"]),
        ("<1.2", ["1.1.9"], ["1.2.0"]),
        ("<=*", ["1.0.0"], []),
        (">*", [], ["1.0.0", "999.0.0"]),
        ("1.0.x || ^3", ["1.0.5", "3.1.0"], ["1.1.0", "2.0.0", "4.0.0"]),
        ("1.2.3-rc.1", ["1.2.3-rc.1"], ["1.2.3-rc.2", "1.2.3"]),
        (">=1.2.3-rc.1", ["1.2.3-rc.1", "1.2.3-rc.2", "1.2.3", "2.0.0"], ["1.2.3-beta", "1.3.0-rc.1"]),
        ("^1.2.3-rc.1", ["1.2.3-rc.2", "1.2.3", "1.3.0"], ["2.0.0", "1.4.0-rc.1"]),
    ],
)
def test_ranges_hold_what_npm_says_they_hold(text, inside, outside):
    wanted = parse_range(text)

    assert [one for one in inside if v(one) not in wanted] == []
    assert [one for one in outside if v(one) in wanted] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "one",
        "1.2.3.4",
        "^",
        "1..2",
        ">=",
        "1.2.3 ||",
        "|| 1",
        "01.2.3",
        "1.2.3-",
        "1.2.3-ä",
        "x" * 101,
    ],
)
def test_what_is_no_range_is_refused(text):
    with pytest.raises(RangeError):
        parse_range(text)


@pytest.mark.parametrize("text", ["", "1", "1.0", "1.0.0.0", "a.b.c", "01.0.0"])
def test_what_is_no_version_is_refused(text):
    with pytest.raises(RangeError):
        parse_version(text)


def test_only_versions_are_in_ranges():
    assert "1.0.0" not in parse_range("*")


def test_the_latest_is_the_newest_release_whatever_prereleases_there_are():
    assert latest([v("1.0.0"), v("1.10.0"), v("1.9.0"), v("2.0.0-rc.1")]) == v("1.10.0")
    assert latest([v("2.0.0-rc.1"), v("2.0.0-beta")]) == v("2.0.0-rc.1")
    assert latest([]) is None


def test_the_newest_in_a_range_is_found_or_none():
    versions = [v("1.0.0"), v("1.2.0"), v("2.0.0")]

    assert newest_in(versions, parse_range("1.x")) == v("1.2.0")
    assert newest_in(versions, parse_range("3.x")) is None


def test_the_changelog_is_told_newest_first_from_after_a_version():
    log = [
        ChangelogEntry(text, "2026-11-01", Impact.MINOR, text, None, requires_action=False)
        for text in ("1.9.0", "1.10.0", "1.0.0")
    ]

    assert [entry.version for entry in changes_since(log, None)] == ["1.10.0", "1.9.0", "1.0.0"]
    assert [entry.version for entry in changes_since(log, v("1.0.0"))] == ["1.10.0", "1.9.0"]
    assert changes_since(log, v("1.10.0")) == ()


@given(RELEASES)
def test_a_version_is_in_its_own_ranges(version):
    ranges = [
        str(version),
        f"^{version}",
        f"~{version}",
        f">={version}",
        f"<={version}",
        f"{version.major}.x",
        "*",
    ]

    assert all(version in parse_range(text) for text in ranges)
    assert version not in parse_range(f">{version}")
    assert version not in parse_range(f"<{version}")


@given(RELEASES, RELEASES)
def test_comparing_ranges_agree_with_the_order_of_versions(one, other):
    assert (one in parse_range(f">={other}")) == (one >= other)
    assert (one in parse_range(f">{other}")) == (one > other)
    assert (one in parse_range(f"<={other}")) == (one <= other)
    assert (one in parse_range(f"<{other}")) == (one < other)


@given(st.text(alphabet="0123456789.^~<>=|x* -rcv,", max_size=20))
def test_any_text_is_a_range_or_refused(text):
    try:
        wanted = parse_range(text)
    except RangeError:
        return

    assert (v("1.2.3") in wanted) in {True, False}
