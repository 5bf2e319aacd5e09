import pytest

from app.authenticators.scopes import missing_scopes, scopes_in


@pytest.mark.parametrize(
    ("stated", "separator", "names"),
    [
        ("a b", " ", ("a", "b")),
        ("a,b", " ", ("a", "b")),
        (" a,  b\ta ", " ", ("a", "b")),
        (["a", "b c", "d,e", 7, None], " ", ("a", "b", "c", "d", "e")),
        ("a,b c", ",", ("a", "b", "c")),
        ("a;b,c", ";", ("a", "b,c")),
        ("", " ", ()),
        ("a\x00b c", " ", ("c",)),
        (None, " ", None),
        ({"a": 1}, " ", None),
        (7, " ", None),
    ],
)
def test_names_are_told_apart_by_what_may_not_stand_in_them(stated, separator, names):
    assert scopes_in(stated, separator) == names


@pytest.mark.parametrize(
    ("wanted", "granted", "missing"),
    [
        (["a", "b"], ["b", "a"], ()),
        (["a", "b"], ["a,b"], ()),  # stored before commas were read as separators
        (["a,b"], ["a", "b"], ()),
        (["a,b"], ["a"], ("a,b",)),
        (["a", "c", "c"], ["a,b"], ("c",)),
        (["a"], [], ("a",)),
        (["a"], [","], ("a",)),
    ],
)
def test_what_is_missing_is_missing_however_it_was_separated(wanted, granted, missing):
    assert missing_scopes(wanted, granted) == missing
