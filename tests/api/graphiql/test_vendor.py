import hashlib
import json
import re
from pathlib import Path

import pytest

from app.api.graphiql import assets

DOOR = Path(assets.__file__).parent
VENDOR = DOOR / "vendor"
RECORDS = json.loads((VENDOR / "VENDORED.json").read_text())["files"]
NAMES = [record["file"] for record in RECORDS]
# What makes a browser fetch: addresses in CSS, imports and workers in scripts, addresses in tags.
CSS_FETCHES = re.compile(r"""url\(\s*["']?(?!data:)([^)"']+)|@import\s+([^;]+)""")
SCRIPT_FETCHES = re.compile(
    r"""(?:\bimport\(|importScripts\(|new\s+Worker\(|new\s+SharedWorker\(|\bfetch\(|\bnew\s+WebSocket\(|"""
    r"""new\s+EventSource\(|sendBeacon\(|\.src\s*=)\s*["'`]?\s*(?:https?:|wss?:|//)"""
)
TAG_FETCHES = re.compile(r"""(?:src|href|action|content)\s*=\s*["']?\s*(?:https?:|//)""")


@pytest.mark.parametrize("record", RECORDS, ids=NAMES)
def test_vendored_file_has_the_recorded_hash(record):
    assert hashlib.sha256((VENDOR / record["file"]).read_bytes()).hexdigest() == record["sha256"]


@pytest.mark.parametrize("record", RECORDS, ids=NAMES)
def test_record_says_where_the_file_is_from_and_its_licence_lies_beside_it(record):
    assert re.fullmatch(r"\d+\.\d+\.\d+", record["version"])
    name = record["package"]
    assert record["tarball"] == f"https://registry.npmjs.org/{name}/-/{name}-{record['version']}.tgz"
    assert record["integrity"].startswith("sha512-")
    assert record["path"].startswith("package/")
    assert record["licence"] == "MIT"
    licence = (VENDOR / record["licenceFile"]).read_text()
    assert "Permission is hereby granted, free of charge" in licence


@pytest.mark.parametrize(
    "record", [each for each in RECORDS if "bundles" in each], ids=lambda each: each["file"]
)
def test_every_part_inside_a_bundle_is_named_with_its_licence_text(record):
    text = (VENDOR / record["bundlesLicenceFile"]).read_text()
    for part, licence in record["bundles"].items():
        assert re.search(rf"^\* (the font )?{re.escape(part)}(,| \(|$)", text, re.MULTILINE), part
        assert licence in {"MIT", "Apache-2.0", "BSD-2-Clause", "0BSD", "OFL-1.1"}, part


def test_nothing_lies_in_the_folder_that_is_not_recorded():
    licences = {record["licenceFile"] for record in RECORDS} | {
        record["bundlesLicenceFile"] for record in RECORDS if "bundlesLicenceFile" in record
    }
    present = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()}
    assert present == {"VENDORED.json", *NAMES, *licences}
    assert set(NAMES) == set(assets.VENDORED)


@pytest.mark.parametrize("name", [each for each in NAMES if each.endswith(".css")])
def test_vendored_style_fetches_nothing(name):
    assert CSS_FETCHES.findall((VENDOR / name).read_text()) == []


@pytest.mark.parametrize("name", [each for each in NAMES if each.endswith(".js")])
def test_vendored_script_fetches_nothing_from_an_outside_address(name):
    assert SCRIPT_FETCHES.findall((VENDOR / name).read_text()) == []


@pytest.mark.parametrize("path", sorted((DOOR / "web").iterdir()), ids=lambda path: path.name)
def test_own_file_names_no_outside_address(path):
    text = path.read_text()
    assert CSS_FETCHES.findall(text) == []
    assert SCRIPT_FETCHES.findall(text) == []
    assert TAG_FETCHES.findall(text) == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (CSS_FETCHES, "a { background: url(https://cdn.example/x.png) }"),
        (CSS_FETCHES, "@import 'https://cdn.example/x.css';"),
        (SCRIPT_FETCHES, 'import("https://cdn.example/x.js")'),
        (SCRIPT_FETCHES, 'element.src = "//cdn.example/x.js"'),
        (TAG_FETCHES, '<script src="https://cdn.example/x.js">'),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern, text):
    assert pattern.search(text)


def test_the_page_has_no_inline_script_or_style():
    html = (DOOR / "web/index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", html) == []
