from __future__ import annotations

import base64
import hashlib
import os

import pytest
import structlog

from app.foundation.clock import FrozenClock
from app.vault.envelope import WrapContext
from app.vault.errors import KeyFileError
from app.vault.key_ring_edit import edit_key_file, line_id, new_line, with_active, with_key, without_key
from app.vault.keys import LocalKeyProvider
from app.vault.watched_ring import WatchedKeyRing

ONE, TWO, THREE = (hashlib.sha256(word).digest() for word in (b"one", b"two", b"three"))
ONE64, TWO64, THREE64 = (base64.b64encode(material).decode() for material in (ONE, TWO, THREE))
CONTEXT = WrapContext("wks_a", "dk_one")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "key"


@pytest.fixture
def write(path):
    """Put a text in the file's place, as an editor that renames does."""

    def write(text, mode=0o400):
        draft = path.with_name("draft")
        draft.write_text(text)
        draft.chmod(mode)
        draft.replace(path)

    return write


@pytest.fixture
def ring(path, write, clock):
    write(f"one {ONE64}\n")
    return WatchedKeyRing(path, clock)


def labels(ring):
    return [key.label for key in ring.keys]


def key_id(label, material):
    return LocalKeyProvider(label, material).key_id


def test_it_holds_what_the_file_holds(ring):
    assert labels(ring) == ["one"]
    assert ring.get(key_id("one", ONE), "1").label == "one"
    assert ring.get(key_id("one", ONE), "2") is None


def test_a_file_that_is_not_acceptable_at_the_start_is_refused(path, clock):
    with pytest.raises(KeyFileError, match="No such file"):
        WatchedKeyRing(path, clock)


def test_a_new_key_is_seen_within_a_second_and_not_looked_for_sooner(ring, write, clock, monkeypatch):
    write(f"one {ONE64} active\ntwo {TWO64}\n")
    assert labels(ring) == ["one"]
    clock.advance(1)
    assert labels(ring) == ["one", "two"]


def test_the_file_is_looked_at_once_a_second_and_read_only_when_it_changed(ring, path, clock, monkeypatch):
    looks, reads = [], []
    mark, read = "app.vault.watched_ring._mark", "app.vault.watched_ring.read_file_keys"
    from app.vault import watched_ring

    true_mark, true_read = watched_ring._mark, watched_ring.read_file_keys
    monkeypatch.setattr(mark, lambda path: looks.append(1) or true_mark(path))
    monkeypatch.setattr(read, lambda path, **options: reads.append(1) or true_read(path, **options))
    for _ in range(50):
        clock.advance(0.1)
        assert ring.active.label == "one"
    assert 4 <= len(looks) <= 5
    assert reads == []


def test_an_unknown_key_is_looked_for_at_once(ring, write):
    wanted = key_id("two", TWO)
    assert ring.get(wanted, "1") is None
    write(f"one {ONE64} active\ntwo {TWO64}\n")
    assert ring.get(wanted, "1").label == "two"


def test_another_active_key_wraps_from_the_next_look_on(ring, write, clock):
    write(f"one {ONE64} \ntwo {TWO64} active\n")
    ring.refresh()
    assert labels(ring) == ["two", "one"]


def test_all_keys_are_of_one_look(path, write):
    class Hurried(FrozenClock):
        def monotonic(self):
            self.advance(0.6)
            return super().monotonic()

    texts = [f"one {ONE64} active\ntwo {TWO64}\n", f"one {ONE64}\ntwo {TWO64} active\n"]
    write(texts[0])
    ring = WatchedKeyRing(path, Hurried())
    for number in range(40):
        if number % 3 == 0:
            write(texts[number % 2])
        assert sorted(labels(ring)) == ["one", "two"]


async def test_a_removed_key_still_opens_for_a_second_and_then_no_more(ring, write, clock):
    text = await ring.active.wrap(THREE, CONTEXT)
    write(f"two {TWO64}\n")
    clock.advance(1)
    assert labels(ring) == ["two", "one"]
    assert await ring.get(key_id("one", ONE), "1").unwrap(text, CONTEXT) == THREE
    clock.advance(1)
    assert labels(ring) == ["two"]
    assert ring.get(key_id("one", ONE), "1") is None


def test_a_key_that_comes_back_within_the_second_is_never_let_go(ring, write, clock):
    write(f"one {ONE64} active\ntwo {TWO64}\n")
    clock.advance(1)
    assert labels(ring) == ["one", "two"]
    write(f"one {ONE64}\n")  # the first line of a file that is being written
    clock.advance(1)
    assert labels(ring) == ["one", "two"]
    write(f"one {ONE64} active\ntwo {TWO64}\nthree {THREE64}\n")
    clock.advance(5)
    assert labels(ring) == ["one", "two", "three"]


HALF = {
    "nothing": "",
    "half a key": f"one {ONE64[:20]}",
    "no active key": f"one {ONE64}\ntwo {TWO64}\n",
    "half a word": f"one {ONE64} act",
}


@pytest.mark.parametrize("text", HALF.values(), ids=HALF.keys())
def test_a_half_written_file_changes_nothing_and_is_read_once_it_is_whole(ring, write, clock, path, text):
    path.chmod(0o600)
    path.write_text(text)  # in its place, as an editor without renames does
    clock.advance(1)
    assert labels(ring) == ["one"]
    path.write_text(f"one {ONE64} active\ntwo {TWO64}\n")
    clock.advance(1)
    assert labels(ring) == ["one", "two"]


@pytest.mark.parametrize("damage", ["gone", "open to others", "folder"])
def test_a_file_that_is_no_longer_acceptable_keeps_its_keys(ring, path, clock, damage):
    match damage:
        case "gone":
            path.unlink()
        case "open to others":
            path.chmod(0o644)
        case "folder":
            path.unlink()
            path.mkdir()
    for _ in range(3):
        clock.advance(1)
        assert labels(ring) == ["one"]


def test_a_refused_file_is_told_once_and_without_a_word_of_it(ring, write, clock):
    with structlog.testing.capture_logs() as logs:
        write("CANARY!")
        for _ in range(5):
            clock.advance(1)
            assert labels(ring) == ["one"]
    assert [line["log_level"] for line in logs] == ["warning"]
    assert "CANARY" not in repr(logs)
    assert "not base64" in logs[0]["fault"]


def test_a_change_is_told_by_ids(ring, write, clock):
    with structlog.testing.capture_logs() as logs:
        write(f"one {ONE64}\ntwo {TWO64} active\n")
        clock.advance(1)
        assert labels(ring) == ["two", "one"]
        clock.advance(1)
        assert labels(ring) == ["two", "one"]
    told = {"active": key_id("two", TWO), "decrypt_only": [key_id("one", ONE)]}
    assert logs == [{"event": "the keys have changed", "log_level": "info", **told}]
    assert TWO64 not in repr(logs)


def test_a_link_to_another_file_is_followed(tmp_path, clock):
    # Kubernetes renews a secret by turning a link.
    for name, text in (("a", f"one {ONE64}"), ("b", f"one {ONE64}\ntwo {TWO64} active")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o400)
    link = tmp_path / "key"
    link.symlink_to("a")
    ring = WatchedKeyRing(link, clock)
    turned = tmp_path / "turned"
    turned.symlink_to("b")
    turned.replace(link)
    clock.advance(1)
    assert labels(ring) == ["two", "one"]


def test_a_key_service_wraps_and_the_file_opens(path, write, clock):
    write(f"one {ONE64}\n")
    service, other = LocalKeyProvider("service", TWO), LocalKeyProvider("other", THREE)
    ring = WatchedKeyRing(path, clock, services=[service, other], service_wraps=True)
    assert labels(ring) == ["service", "other", "one"]
    assert labels(WatchedKeyRing(path, clock, services=[other])) == ["one", "other"]


def test_the_commands_edits_are_followed_to_the_end(ring, path, clock):
    line = new_line("two")
    first = ring.active.key_id
    edit_key_file(path, lambda lines: with_key(lines, line))
    ring.refresh()
    assert labels(ring) == ["one", "two"]
    edit_key_file(path, lambda lines: with_active(lines, line_id(line)))
    ring.refresh()
    assert labels(ring) == ["two", "one"]
    edit_key_file(path, lambda lines: without_key(lines, first))
    clock.advance(1)
    assert labels(ring) == ["two", "one"]
    clock.advance(1)
    assert labels(ring) == ["two"]


def test_it_reads_as_the_user_that_runs_the_hub(ring, path, clock, monkeypatch):
    path.chmod(0o600)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    clock.advance(1)
    assert labels(ring) == ["one"]
