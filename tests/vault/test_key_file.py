from __future__ import annotations

import base64
import hashlib
import os
import re
import stat
import threading

import pytest

from app.foundation.secret import Secret
from app.vault import private_file
from app.vault.envelope import WrapContext
from app.vault.errors import KeyFileError, KeyFileExistsError, VaultStartError
from app.vault.key_file import (
    KeyLine,
    create_key_file,
    env_ring,
    format_key_lines,
    parse_key_lines,
    read_file_keys,
)
from app.vault.keys import KeyRing

ONE, TWO, THREE = (hashlib.sha256(word).digest() for word in (b"one", b"two", b"three"))
ONE64, TWO64, THREE64 = (base64.b64encode(material).decode() for material in (ONE, TWO, THREE))


@pytest.fixture
def written(tmp_path):
    def write(text, mode=0o400, name="key"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    return write


def refusal(path, **options):
    with pytest.raises(KeyFileError) as caught:
        read_file_keys(path, **options)
    said = str(caught.value)
    assert said.startswith(f"The key file {path} is not acceptable: ")
    assert isinstance(caught.value, VaultStartError)
    assert not any(secret in said for secret in (ONE64, TWO64, THREE64, "CANARY"))
    return said


def names_in(folder):
    return [entry.name for entry in folder.iterdir()]


# -- making it


async def test_a_made_file_is_private_whole_and_readable(tmp_path):
    path = tmp_path / "config" / "patchbay" / "key"
    create_key_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert names_in(path.parent) == ["key"]
    assert path.stat().st_nlink == 1
    ring = KeyRing(*read_file_keys(path))
    assert re.fullmatch(r"local:[0-9a-f]{8}", ring.active.key_id)
    assert ring.others == ()
    context = WrapContext("wks_a", "dk_one")
    assert await ring.active.unwrap(await ring.active.wrap(ONE, context), context) == ONE


def test_two_made_files_hold_two_keys(tmp_path):
    create_key_file(tmp_path / "a")
    create_key_file(tmp_path / "b")
    assert read_file_keys(tmp_path / "a")[0].key_id != read_file_keys(tmp_path / "b")[0].key_id


@pytest.mark.parametrize("thing", ["file", "empty", "folder", "dangling"])
def test_nothing_that_stands_there_is_ever_overwritten(tmp_path, thing):
    path = tmp_path / "key"
    match thing:
        case "file":
            path.write_text(ONE64)
        case "empty":
            path.touch()
        case "folder":
            path.mkdir()
        case "dangling":
            path.symlink_to(tmp_path / "nowhere")
    before = path.lstat()
    with pytest.raises(KeyFileExistsError, match="never overwritten"):
        create_key_file(path)
    assert path.lstat() == before
    assert names_in(tmp_path) == ["key"]


def test_of_many_that_make_it_at_once_one_wins(tmp_path):
    path, lost, gate = tmp_path / "key", [], threading.Barrier(8)

    def make():
        gate.wait()
        try:
            create_key_file(path)
        except KeyFileExistsError:
            lost.append(1)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lost) == 7
    assert names_in(tmp_path) == ["key"]
    assert read_file_keys(path)


def test_a_folder_that_cannot_be_made_is_said_plainly(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        KeyFileError, match=r"The folder .*/file of the key file cannot be made: File exists\."
    ):
        create_key_file(tmp_path / "file" / "key")
    with pytest.raises(KeyFileError, match=r"cannot be made: Not a directory\."):
        create_key_file(tmp_path / "file" / "deeper" / "key")


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyFileError, match="cannot be made: No space left on device"):
        create_key_file(tmp_path / "key")
    assert names_in(tmp_path) == []


# -- reading it


def test_one_bare_key_is_enough(written):
    ring = KeyRing(*read_file_keys(written(ONE64 + "\n")))
    assert ring.active.label == "local"


@pytest.mark.parametrize("spell", [
    base64.b64encode, base64.urlsafe_b64encode, lambda data: base64.urlsafe_b64encode(data).rstrip(b"="),
])  # fmt: skip
def test_a_key_may_be_spelled_in_any_common_base64(spell, written):
    material = bytes([251, 255] * 2) + ONE[4:]
    text = spell(material).decode()
    assert parse_key_lines(text, "local") == (KeyLine("local", material, active=True),)


def test_several_keys_make_a_ring_with_one_active(written):
    text = f"# keys\n\nold {ONE64}\n  new\t{TWO64}  active  # since May\nolder {THREE64}"
    ring = KeyRing(*read_file_keys(written(text)))
    assert ring.active.label == "new"
    assert [key.label for key in ring.others] == ["old", "older"]


def test_what_is_formatted_reads_back():
    lines = (KeyLine("old", ONE, active=False), KeyLine("new", TWO, active=True))
    text = format_key_lines(lines)
    assert parse_key_lines(text, "local") == lines
    assert text.startswith("# Patchbay key file")


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o700, 0o500])
def test_a_mode_without_group_and_others_is_accepted(written, mode):
    assert read_file_keys(written(ONE64, mode))[0]


@pytest.mark.parametrize("mode", [0o404, 0o644, 0o420, 0o401, 0o777])
def test_a_mode_that_lets_others_at_it_is_refused(written, mode):
    assert f"its mode {mode:04o} lets others at it; set it with: chmod 0400" in refusal(written(ONE64, mode))


def test_a_file_of_another_user_is_refused(written, monkeypatch):
    path = written(ONE64)
    monkeypatch.setattr(private_file, "_ROOT", 4321)  # the tests may run as root
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert f"it belongs to user {path.stat().st_uid}, but the hub runs as user 12345" in refusal(path)


def test_a_missing_file_is_refused(tmp_path):
    assert "it cannot be opened (No such file or directory)" in refusal(tmp_path / "key")


def test_only_a_regular_file_will_do(tmp_path):
    folder, pipe = tmp_path / "folder", tmp_path / "pipe"
    folder.mkdir()
    os.mkfifo(pipe, 0o600)
    assert "not a regular file" in refusal(folder)
    assert "not a regular file" in refusal(pipe)


@pytest.mark.threat("C13")
def test_a_key_in_the_data_folder_is_refused_directly_and_through_links(written, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    inside = written(ONE64, name="data/key")
    (tmp_path / "link").symlink_to(inside)
    (tmp_path / "alias").symlink_to(data)
    for path in (inside, tmp_path / "link", tmp_path / "alias" / "key", data / ".." / "data" / "key"):
        for folder in (data, tmp_path / "alias"):
            assert "it lies in the data folder" in refusal(path, data_folder=folder)


def test_a_link_to_a_private_file_elsewhere_is_accepted(written, tmp_path):
    # Kubernetes mounts its secrets through links.
    written(ONE64)
    (tmp_path / "link").symlink_to(tmp_path / "key")
    assert read_file_keys(tmp_path / "link", data_folder=tmp_path / "data")[0]


WRONG_CONTENT = {
    "empty": ("", "it holds no key"),
    "comments": ("# CANARY\n\n", "it holds no key"),
    "no-base64": ("CANARY!", "the key in line 1 is not base64"),
    "two-words": (f"main {ONE64} {TWO64}", "line 1 is not of the form"),
    "other-word": (f"main {ONE64} passive", "line 1 is not of the form"),
    "label": (f"Main {ONE64}", "line 1 is not of the form"),
    "short": (f"\n{ONE64[:-4]}", "line 2: a key is 32 bytes in base64; this one has 30"),
    "zeros": (base64.b64encode(bytes(32)).decode(), "line 1: a key of zeros is no key"),
    "none-active": (f"a {ONE64}\nb {TWO64}", "exactly one line ends with the word 'active'"),
    "two-active": (f"a {ONE64} active\nb {TWO64} active", "exactly one line ends with the word 'active'"),
    "same-label": (f"a {ONE64} active\na {TWO64}", "two keys of the same label"),
    "same-key": (f"a {ONE64} active\nb {ONE64}", "one key twice"),
    "binary": (b"\xff\xfeCANARY", "not a text file"),
    "huge": ("x" * 70_000, "larger than any key file"),
}


@pytest.mark.parametrize(("text", "said"), WRONG_CONTENT.values(), ids=WRONG_CONTENT.keys())
def test_wrong_content_is_refused_with_its_own_message(written, text, said):
    assert said in refusal(written(text))


# -- the environment


def test_a_variable_holds_one_key_or_a_ring():
    assert env_ring(Secret(ONE64)).active.label == "env"
    ring = env_ring(Secret(f"old {ONE64}; new {TWO64} active"))
    assert (ring.active.label, [key.label for key in ring.others]) == ("new", ["old"])


@pytest.mark.parametrize("value", ["", ";", "CANARY", "CANARY é", "\ud800", ONE64[:-2]])
def test_a_wrong_variable_is_refused_without_its_value(value):
    with pytest.raises(KeyFileError) as caught:
        env_ring(Secret(value))
    said = str(caught.value)
    assert said.startswith("The key in the environment is not acceptable: ")
    assert "CANARY" not in said
    assert ONE64[:-2] not in said


def test_a_key_line_does_not_print_its_key():
    assert repr(KeyLine("main", ONE, active=True)) == "KeyLine(label='main', active=True)"
