from __future__ import annotations

import base64
import errno
import fcntl
import hashlib
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.vault.errors import KeyFileError, KeyRefusedError
from app.vault.key_file import KeyLine, create_key_file, parse_key_lines, read_file_keys
from app.vault.key_ring_edit import (
    edit_key_file,
    free_label,
    line_id,
    new_line,
    rewritten,
    with_active,
    with_key,
    without_key,
)
from app.vault.keys import LABEL, KeyRing

ONE, TWO, THREE = (hashlib.sha256(word).digest() for word in (b"one", b"two", b"three"))
ONE64, TWO64, THREE64 = (base64.b64encode(material).decode() for material in (ONE, TWO, THREE))
OLD, NEW = KeyLine("old", ONE, active=True), KeyLine("new", TWO, active=False)


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "keys" / "key"
    path.parent.mkdir()
    path.write_text(f"# mine\n{ONE64}\n")
    path.chmod(0o400)
    return path


def names_in(folder):
    return [entry.name for entry in folder.iterdir()]


def add_new(lines):
    return with_key(lines, NEW)


# -- decisions


def test_a_new_key_is_random_and_does_not_wrap_yet():
    one, two = new_line("a"), new_line("a")
    assert (one.label, one.active, len(one.material)) == ("a", False, 32)
    assert one.material != two.material


@pytest.mark.parametrize("label", ["", "A", "1a", "a b", "a" * 33, "a\n"])
def test_a_new_key_needs_a_plain_label(label):
    with pytest.raises(KeyRefusedError, match="A label is"):
        new_line(label)


@pytest.mark.parametrize(
    ("taken", "like", "free"),
    [
        ({"local"}, "local", "local-2"),
        ({"local", "local-2"}, "local-2", "local-3"),
        ({"local-3"}, "local-3", "local-2"),
        ({"a" * 32}, "a" * 32, "a" * 28 + "-2"),
    ],
)
def test_a_free_label_counts_on(taken, like, free):
    assert free_label(taken, like) == free


@given(st.sets(st.from_regex(LABEL, fullmatch=True), min_size=1, max_size=8))
def test_a_free_label_is_a_label_and_free(taken):
    for like in taken:
        label = free_label(taken, like)
        assert LABEL.fullmatch(label)
        assert label not in taken


def test_a_key_is_added_promoted_and_removed():
    both = with_key((OLD,), NEW)
    assert both == (OLD, NEW)
    turned = with_active(both, line_id(NEW))
    assert [line.active for line in turned] == [False, True]
    assert without_key(turned, line_id(OLD)) == (turned[1],)
    assert without_key(turned, "absent:00000000") == turned


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda: with_key((OLD,), OLD), "label old stands there already"),
        (lambda: with_active((OLD,), line_id(NEW)), "is not there"),
        (lambda: without_key((OLD, NEW), line_id(OLD)), "Promote another one first"),
        (lambda: without_key((OLD,), line_id(OLD)), "delete it with its file"),
    ],
)
def test_a_change_that_would_lose_something_is_refused(act, said):
    with pytest.raises(KeyRefusedError, match=said):
        act()


LINES = st.lists(
    st.tuples(st.from_regex(LABEL, fullmatch=True), st.binary(min_size=32, max_size=32)),
    min_size=1,
    max_size=5,
    unique_by=(lambda pair: pair[0], lambda pair: pair[1]),
)


@given(LINES, st.data())
def test_what_is_rewritten_reads_back_and_keeps_every_comment(pairs, data):
    from app.vault.keys import require_strong

    lines = []
    for label, seed in pairs:
        material = hashlib.sha256(seed).digest()
        require_strong(material)
        lines.append(KeyLine(label, material, active=False))
    before = with_active(tuple(lines), line_id(lines[0]))
    text = "# head\n\n" + "\n".join(
        f"{line.label} {base64.b64encode(line.material).decode()}{' active' if line.active else ''} # of {number}"
        for number, line in enumerate(before)
    )
    kept = data.draw(st.sets(st.sampled_from(before), min_size=1))
    wanted = tuple(line for line in before if line in kept)
    wanted = with_active(wanted, line_id(data.draw(st.sampled_from(wanted))))
    after = rewritten(text, wanted)
    assert parse_key_lines(after, "local") == wanted
    assert after.startswith("# head\n\n")
    assert all((f"# of {number}" in after) == (line in kept) for number, line in enumerate(before))


def test_a_bare_key_gets_its_label_when_it_is_no_longer_alone():
    lines = parse_key_lines(ONE64, "local")
    text = rewritten(f"{ONE64} # first\n", (*lines, NEW))
    assert text == f"local {ONE64} active  # first\nnew {TWO64}\n"


# -- the file


def test_an_edited_file_keeps_its_mode_and_comments_and_leaves_no_draft(key_file):
    edit_key_file(key_file, add_new)
    assert key_file.read_text() == f"# mine\nlocal {ONE64} active\nnew {TWO64}\n"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o400
    assert names_in(key_file.parent) == ["key"]


def test_a_mode_of_0600_is_kept_too(key_file):
    key_file.chmod(0o600)
    edit_key_file(key_file, add_new)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


def test_the_file_that_a_hub_made_is_edited(tmp_path):
    create_key_file(tmp_path / "key")
    edit_key_file(tmp_path / "key", add_new)
    ring = KeyRing(*read_file_keys(tmp_path / "key"))
    assert [ring.active.label, *(key.label for key in ring.others)] == ["local", "new"]
    assert (tmp_path / "key").read_text().startswith("# Patchbay key file")


def test_through_a_link_the_file_itself_is_edited(key_file, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(key_file)
    edit_key_file(link, add_new)
    assert link.is_symlink()
    assert TWO64 in key_file.read_text()


def test_a_change_that_changes_nothing_writes_nothing(key_file):
    before = key_file.stat()
    edit_key_file(key_file, lambda lines: lines)
    assert key_file.stat() == before


def test_a_refused_change_leaves_the_file_alone(key_file):
    before = key_file.stat()
    with pytest.raises(KeyRefusedError):
        edit_key_file(key_file, lambda lines: without_key(lines, line_id(lines[0])))
    assert key_file.stat() == before


@pytest.mark.parametrize("step", ["fsync", "replace", "fchmod"])
def test_a_file_that_cannot_be_rewritten_stays_as_it_was(key_file, monkeypatch, step):
    before = key_file.read_bytes()

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path if step == "replace" else os, step, full)
    with pytest.raises(KeyFileError, match="cannot be rewritten: No space left on device"):
        edit_key_file(key_file, add_new)
    assert key_file.read_bytes() == before
    assert names_in(key_file.parent) == ["key"]


@pytest.mark.parametrize(
    ("damage", "said"), [("mode", "0444"), ("text", "not base64"), ("gone", "No such file")]
)
def test_a_file_that_is_not_acceptable_is_not_edited(key_file, damage, said):
    match damage:
        case "mode":
            key_file.chmod(0o444)
        case "text":
            key_file.chmod(0o600)
            key_file.write_text("CANARY!")
        case "gone":
            key_file.unlink()
    with pytest.raises(KeyFileError, match=said) as caught:
        edit_key_file(key_file, add_new)
    assert "CANARY" not in str(caught.value)


def test_a_file_in_the_data_folder_is_not_edited(key_file):
    with pytest.raises(KeyFileError, match="in the data folder"):
        edit_key_file(key_file, add_new, data_folder=key_file.parent)


def test_of_two_editors_at_once_one_is_refused(key_file):
    folder = os.open(key_file.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with pytest.raises(KeyRefusedError, match="Another command edits"):
            edit_key_file(key_file, add_new)
    finally:
        os.close(folder)
    edit_key_file(key_file, add_new)


def test_drafts_of_killed_editors_go_and_nothing_else_does(key_file):
    folder = key_file.parent
    (folder / ".key.0123456789abcdef").write_text("a draft that a killed process left")
    others = ["key.bak", ".key.bak", ".other.0123456789abcdef", ".key.0123456789abcdeg"]
    for name in others:
        (folder / name).write_text("kept")
    edit_key_file(key_file, add_new)
    assert sorted(names_in(folder)) == sorted(["key", *others])


def test_killed_at_any_step_the_file_is_the_old_one_or_the_new_one(key_file, monkeypatch):
    """Fork, die at the n-th call to the disk, look: one of two texts, the mode kept, and the next edit works."""
    old = key_file.read_text()
    new = rewritten(old, with_key(parse_key_lines(old, "local"), NEW))
    seen = set()
    for dies_at in range(1, 40):
        child = os.fork()
        if child == 0:
            _die_at(dies_at)
            try:
                edit_key_file(key_file, add_new)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        text = key_file.read_text()
        seen.add(text)
        assert text in {old, new}
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o400
        if os.waitstatus_to_exitcode(status) == 0:
            break
        edit_key_file(key_file, lambda lines: (OLD_BARE,))
        key_file.chmod(0o600)
        key_file.write_text(old)
        key_file.chmod(0o400)
    assert dies_at > 5
    assert seen == {old, new}
    assert names_in(key_file.parent) == ["key"]


OLD_BARE = KeyLine("local", ONE, active=True)


def _die_at(number):
    left = [number]

    def counted(act):
        def call(*arguments, **options):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), 9)
            return act(*arguments, **options)

        return call

    for name in ("open", "fchmod", "fsync", "close"):
        setattr(os, name, counted(getattr(os, name)))
    for name in ("replace", "unlink", "iterdir"):
        setattr(Path, name, counted(getattr(Path, name)))
