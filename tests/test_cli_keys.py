"""``patchbay keys``, as an operator types it: what it says, its exit codes, and that it never prints a key."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

import app.cli
import app.foundation.telemetry
import app.hub
from tests.hubs import CATALOG

ROOT = Path(__file__).resolve().parents[1]
MATERIAL = re.compile(r"[A-Za-z0-9+/_-]{43}=?")


@pytest.fixture
def environment(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("PATCHBAY_") and "TEST" not in name]:
        monkeypatch.delenv(name)
    given = {"PATCHBAY_DATA_DIR": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture
def patchbay(environment, monkeypatch, capsys):
    """Run a command in this process; return its exit code, its output and its messages."""
    monkeypatch.setattr(app.hub, "load_catalog", lambda: CATALOG)
    monkeypatch.setattr(app.foundation.telemetry, "configure_logs", lambda *_: None)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["patchbay", *words])
        with structlog.testing.capture_logs(), pytest.raises(SystemExit) as ended:
            app.cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, " ".join(said.err.split())

    return run


@pytest.fixture
def key_file(environment):
    return environment / "config" / "patchbay" / "key"


def id_of(text, label):
    return re.search(rf"\b{label}:[0-9a-f]{{8}}\b", text)[0]


def test_the_whole_rotation_as_it_is_typed(patchbay, key_file):
    code, out, _ = patchbay("keys", "list")
    old = id_of(out, "local")
    assert code == 0
    assert out.splitlines() == [
        "KEY             VERSION  STATE   DATA KEYS  SEALED VALUES",
        f"{old}  1        ACTIVE  1          1",
    ]
    code, out, _ = patchbay("keys", "add", "--label", "spring")
    new = id_of(out, "spring")
    assert code == 0
    assert out.splitlines() == [
        f"Added {new} to {key_file}. It opens and does not wrap yet.",
        "With several hosts, copy the key file to every one of them now, before the next step.",
        f"Next: patchbay keys promote {new}",
    ]
    code, out, _ = patchbay("keys", "promote", "spring")
    assert (code, out.splitlines()[0]) == (0, f"{new} wraps from now on.")
    code, _, err = patchbay("keys", "retire", old)
    assert (code, err) == (
        1,
        f"The key {old} still wraps 1 data key. Nothing was changed. Run: patchbay keys rewrap",
    )
    code, out, _ = patchbay("keys", "rewrap")
    assert (code, out.splitlines()[0]) == (0, f"1 data key wrapped under {new}.")
    code, out, _ = patchbay("keys", "verify")
    assert code == 0
    assert [line.split() for line in out.splitlines()[1:]] == [
        [new, "1", "yes", "yes", "1", "of", "1", "ok"],
        [old, "1", "yes", "yes", "0", "of", "0", "ok"],
    ]
    code, out, _ = patchbay("keys", "retire", old)
    assert code == 0
    assert out.startswith(
        f"Retired {old}: nothing in the database is wrapped under it, and nothing will be.\n"
    )
    code, out, _ = patchbay("keys", "list", "--json")
    assert json.loads(out) == [
        {"key_id": new, "version": "1", "standing": "ACTIVE", "data_keys": 1, "sealed_values": 1}
    ]
    assert patchbay("audit", "verify")[0] == 0


def test_no_output_holds_a_key_of_the_file(patchbay, key_file):
    said = [patchbay("keys", "list")]
    before = MATERIAL.findall(key_file.read_text())
    steps = ("add", "promote local-2", "rewrap", "verify --json", "retire local", "list --json")
    said += [patchbay("keys", *step.split()) for step in steps]
    assert [code for code, *_ in said] == [0] * 7
    kept = [*before, *MATERIAL.findall(key_file.read_text())]
    assert len(kept) == 2
    for key in kept:
        assert key not in repr(said)


def test_a_workspace_is_sealed_anew(patchbay):
    code, out, err = patchbay("keys", "reseal", "--workspace", "system")
    assert (code, out.splitlines()[0]) == (0, "1 new data key; 1 value sealed anew.")
    [instant] = re.findall(
        r"^If this is interrupted: patchbay keys reseal --workspace system --made-before (\S+Z)$", err
    )
    code, out, _ = patchbay("keys", "reseal", "--all", "--made-before", "2020-01-01T00:00:00Z")
    assert (code, out.splitlines()[0]) == (0, "0 new data keys; 0 values sealed anew.")
    assert patchbay("keys", "reseal", "--all", "--made-before", instant)[0] == 0


@pytest.mark.parametrize(("words", "code", "said"), [
    (["reseal"], 2, "Say which: --workspace ID, or --all."),
    (["reseal", "--all", "--workspace", "x"], 2, "Say which: --workspace ID, or --all."),
    (["reseal", "--workspace", "wks_none"], 1, "The workspace 'wks_none' has no data key: nothing is sealed there."),
    (["promote", "nix"], 1, "There is no key 'nix'."),
    (["retire", "nix"], 1, "There is no key 'nix'."),
    (["retire", "local"], 1, "is the active one. Promote another one first."),
    (["add", "--label", "Not One"], 1, "A label is up to 32 lower-case letters"),
    (["add", "--label", "local"], 1, "stands there already. Choose another label."),
])  # fmt: skip
def test_what_cannot_be_done_is_said_with_an_exit_code(patchbay, words, code, said):
    found, out, err = patchbay("keys", *words)
    assert (found, out) == (code, "")
    assert said in err


@pytest.mark.threat("C4")
def test_a_missing_key_ends_with_78(patchbay, key_file):
    patchbay("keys", "list")
    key_file.rename(key_file.with_name("away"))
    code, _, err = patchbay("keys", "list")
    assert code == 78
    assert "which does not exist" in err


def test_a_wrong_setting_ends_with_78(patchbay, monkeypatch):
    monkeypatch.setenv("PATCHBAY_KEY_PROVIDER", "aws-kms")
    code, _, err = patchbay("keys", "list")
    assert code == 78
    assert "PATCHBAY_KEY_ID: with aws-kms a key is named" in err


def test_a_value_that_does_not_open_is_told_with_exit_code_1(patchbay, environment):
    import sqlite3

    patchbay("keys", "list")
    with sqlite3.connect(environment / "data" / "patchbay.sqlite3") as connection:
        connection.execute(
            "INSERT INTO sealed_value SELECT 'sv_x', workspace_id, 'credential', 'conn_1', 'grant', 1, data_key_id, "
            "'pb1.dk_x.AAAA', created_at, updated_at FROM sealed_value LIMIT 1"
        )
    connection.close()
    code, out, err = patchbay("keys", "reseal", "--all")
    assert (code, out.splitlines()) == (1, ["1 new data key; 1 value sealed anew."])
    assert "1 value could not be opened and stay as they are." in err


def test_a_key_for_the_variable_is_printed_once_and_alone(environment):
    """In a process of its own: standard output holds the line to add and nothing else."""
    value = base64.b64encode(secrets.token_bytes(32)).decode()
    given = {**os.environ, "PATCHBAY_KEY": value, "PYTHONPATH": str(ROOT)}

    def run(*words, **more):
        command = [sys.executable, "-m", "app.cli", "keys", *words]
        return subprocess.run(command, env=given | more, capture_output=True, text=True, check=False)

    added = run("add", "--label", "next")
    assert added.returncode == 0, added.stderr
    assert re.fullmatch(r"next [A-Za-z0-9+/]{43}=\n", added.stdout)
    assert "It is shown once and kept nowhere" in added.stderr
    assert value not in added.stderr
    assert added.stdout.split()[1] not in added.stderr
    refused = run("promote", "next", PATCHBAY_KEY=f"env {value} active; {added.stdout.strip()}")
    assert refused.returncode == 1
    assert "put the word 'active' behind next there" in " ".join(refused.stderr.split())
    turned = run("promote", "next", PATCHBAY_KEY=f"env {value}; {added.stdout.strip()} active")
    assert turned.returncode == 0, turned.stderr
