"""D4, D5: the key file is made by a command, and may be mounted for a group."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.vault.errors import KeyFileError
from app.vault.key_file import create_key_file, read_file_keys
from app.vault.key_ring_edit import edit_key_file, new_line, with_key
from tests import databases
from tests.field.pod import mount_key
from tests.journeys.hub_process import EMBEDDED, ROOT, SCALED, HubProcess, fresh_hub

BOTH = [EMBEDDED, pytest.param(SCALED, marks=pytest.mark.scaled)]


@pytest.fixture(params=BOTH)
def keyless(request, tmp_path):
    """Return a hub of each arrangement whose key file is named and not there, with nothing in its database."""
    with fresh_hub(request.param, tmp_path) as hub:
        hub.settings["PATCHBAY_KEY_FILE"] = str(tmp_path / "keys" / "key")
        yield hub


def key_of(hub: HubProcess) -> Path:
    return Path(hub.settings["PATCHBAY_KEY_FILE"])


def one_line(text: str) -> str:
    return " ".join(text.split())


# -- D4


@pytest.mark.scaled
def test_d4_a_hub_without_its_key_file_names_the_command_that_makes_one(tmp_path):
    with fresh_hub(SCALED, tmp_path) as hub:
        hub.settings["PATCHBAY_KEY_FILE"] = str(tmp_path / "keys" / "key")
        refused = hub.command("worker", "--check")
        said = one_line(refused.stderr)
        assert refused.returncode == 78
        assert f"There is no key file {key_of(hub)} (PATCHBAY_KEY_FILE)" in said
        assert "patchbay keys init" in said
        assert "Traceback" not in said
        assert not key_of(hub).exists()

        made = hub.command("keys", "init")
        assert made.returncode == 0, made.stderr
        assert hub.command("worker", "--check").returncode == 0


def test_d4_init_makes_the_file_once_and_is_repeatable(keyless):
    made = keyless.command("keys", "init")
    assert (made.returncode, f"Made the key file {key_of(keyless)}." in made.stdout) == (0, True), made.stderr
    assert stat.S_IMODE(key_of(keyless).stat().st_mode) == 0o400
    before = key_of(keyless).read_bytes()
    assert before.split()[-1].decode() not in made.stdout + made.stderr

    again = keyless.command("keys", "init")
    assert (again.returncode, "is there already; it is left as it is" in again.stdout) == (0, True)
    assert key_of(keyless).read_bytes() == before
    assert keyless.token
    assert keyless.command("keys", "verify").returncode == 0


def test_d4_init_makes_no_key_beside_data_that_needs_another(keyless):
    keyless.command("keys", "init")
    assert keyless.token
    key_of(keyless).unlink()

    refused = keyless.command("keys", "init")
    assert refused.returncode == 78
    assert f"was in {key_of(keyless)}, which does not exist" in one_line(refused.stderr)
    assert not key_of(keyless).exists()


def test_d4_init_makes_a_file_for_a_hub_elsewhere_without_a_database(tmp_path):
    """D4: a scaled hub's settings are not complete without a key file; making one must not need it."""
    place = tmp_path / "for-the-cluster" / "key"
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "PATCHBAY_DATABASE_URL": "postgres://hub@127.0.0.1:1/hub",
        "PATCHBAY_REDIS_URL": "redis://127.0.0.1:1",
    }
    command = [sys.executable, "-m", "app.cli", "keys", "init"]
    for words, code in (([str(place)], 0), ([], 78), ([str(place)], 0)):
        done = subprocess.run(
            [*command, *words], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        if code:
            assert "patchbay keys init FILE makes one" in one_line(done.stderr)
        else:
            assert "Put the same file on every host" in done.stdout
    assert read_file_keys(place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["for-the-cluster"]


def test_d4_init_is_refused_where_keys_come_from_elsewhere(tmp_path):
    with fresh_hub(EMBEDDED, tmp_path, PATCHBAY_KEY="AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=") as hub:
        refused = hub.command("keys", "init")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "The keys of this hub come from PATCHBAY_KEY: it needs no key file." in one_line(refused.stderr)


def test_d4_a_place_that_cannot_be_written_names_the_way_out(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyFileError, match=r"patchbay keys init FILE"):
        create_key_file(tmp_path / "file" / "key")


# -- D5


@pytest.fixture
def written(tmp_path):
    create_key_file(tmp_path / "key")
    return tmp_path / "key"


def refusal(path: Path) -> str:
    with pytest.raises(KeyFileError) as refused:
        read_file_keys(path)
    return str(refused.value)


@pytest.mark.parametrize("mode", [0o440, 0o640])
def test_d5_a_group_of_ours_may_read(written, mode):
    written.chmod(mode)
    assert read_file_keys(written)


def test_d5_a_supplementary_group_of_ours_may_read(written, monkeypatch):
    written.chmod(0o440)
    monkeypatch.setattr(os, "getegid", lambda: 9_999)
    monkeypatch.setattr(os, "getgroups", lambda: [5, written.stat().st_gid])
    assert read_file_keys(written)


def test_d5_a_group_that_is_not_ours_may_not(written, monkeypatch):
    written.chmod(0o440)
    monkeypatch.setattr(os, "getegid", lambda: 9_999)
    monkeypatch.setattr(os, "getgroups", lambda: [5])
    said = refusal(written)
    assert f"its mode 0440 lets group {written.stat().st_gid} read it" in said
    assert "with the groups 5, 9999" in said
    assert "defaultMode 0440, and fsGroup a group of the hub's own" in said


@pytest.mark.parametrize("mode", [0o444, 0o460, 0o450, 0o441, 0o402, 0o644])
def test_d5_nobody_else_may_and_the_way_out_is_named(written, mode):
    written.chmod(mode)
    said = refusal(written)
    assert (
        f"its mode {mode:04o} lets others at it; set it with: chmod 0400, or where a secret is mounted"
        in said
    )
    assert "defaultMode 0440" in said


def test_d5_a_file_of_root_is_as_good_as_our_own(written, monkeypatch):
    """D5: what Kubernetes mounts belongs to root, not to the container's user."""
    databases.require(written.stat().st_uid == 0, "only root can lay down a file of root's")
    written.chmod(0o440)
    monkeypatch.setattr(os, "geteuid", lambda: 10_001)
    assert read_file_keys(written)


def test_d5_a_file_of_another_user_is_refused(written, monkeypatch):
    databases.require(os.geteuid() == 0, "only root can give files away")
    os.chown(written, 12_345, -1)
    assert "it belongs to user 12345, but the hub runs as user 0" in refusal(written)


def test_d5_a_mounted_secret_is_read_through_its_links(tmp_path, written):
    assert read_file_keys(mount_key(tmp_path / "secret", written.read_bytes()))


def test_d5_what_cannot_be_opened_says_who_asks(written, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    assert f"the hub runs as user {os.geteuid()} with the groups" in refusal(written)


def test_d5_an_edit_keeps_mode_and_group(written):
    databases.require(os.geteuid() == 0, "only root can give files to any group")
    os.chown(written, -1, 4_321)
    written.chmod(0o440)
    os.setgroups([*(before := os.getgroups()), 4_321])
    try:
        edit_key_file(written, lambda lines: with_key(lines, new_line("second")))
        assert len(read_file_keys(written)) == 2
    finally:
        os.setgroups(before)
    status = written.stat()
    assert (stat.S_IMODE(status.st_mode), status.st_gid) == (0o440, 4_321)
