"""``patchbay demo`` tells the whole journey in a terminal and exits 0, in both arrangements."""

from __future__ import annotations

import re

from tests.journeys.hub_process import ROOT, HubProcess

PICTURE = re.compile(r"^<!-- picture: demo -->\n```\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_demo_walks_three_connections_to_connected_and_explains_a_failure(own_hub: HubProcess):
    before = set(own_hub.folder.rglob("*"))

    result = own_hub.command("demo", COLUMNS="160")

    said = result.stdout
    assert result.returncode == 0, said + result.stderr
    is_scaled = "PATCHBAY_REDIS_URL" in own_hub.settings
    assert ("PostgreSQL and Redis, serve and worker" if is_scaled else "SQLite, one process") in said
    for name in ("Team Slack", "Shop payments", "Warehouse"):
        assert f"{name}: CONNECTED" in said
    assert said.count("authState 1: CREATED") == 4
    assert "CREDENTIALS_REJECTED" in said
    assert "→" in said
    (picture,) = PICTURE.findall((ROOT / "README.md").read_text())
    words = " ".join(re.sub(r"[│┃]", " ", said).split())
    for line in filter(str.strip, picture.splitlines()):
        assert " ".join(line.split()) in words, f"README's picture of the demo: {line}"
    assert result.stderr == ""
    assert set(own_hub.folder.rglob("*")) == before
