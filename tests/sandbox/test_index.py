"""The front page of the sandbox."""

from __future__ import annotations

import re

from tests.sandbox.outside import outside
from tests.sandbox.shipped import CATALOG


async def test_the_page_lists_integrations_addresses_and_test_credentials(sandbox):
    shown = await sandbox.http.get("/sandbox/")
    assert shown.status_code == 200
    assert "Acme &amp; &lt;Sons&gt;" in shown.text
    assert "/sandbox/acme/api.acme.example" in shown.text
    assert "sandbox-client" in shown.text
    assert "sandbox-secret" in shown.text
    assert "right-key" in shown.text
    assert "other-key" not in shown.text
    assert "/sandbox/_switches/acme" in shown.text


async def test_the_page_is_guarded_and_leads_nowhere_else(clock):
    driver = outside(CATALOG, clock)
    async with driver.http:
        shown = await driver.http.get("/sandbox/")
        assert "default-src 'none'" in shown.headers["content-security-policy"]
        assert "form-action 'none'" in shown.headers["content-security-policy"]
        links = re.findall(r'(?:href|src|action)="([^"]*)"', shown.text)
        assert links == [f"/sandbox/_switches/{entry.key}" for entry in CATALOG.all()]
        for link in links:
            assert (await driver.http.get(link)).status_code == 200


async def test_what_is_not_simulated_is_not_found(sandbox):
    assert (await sandbox.http.get("/sandbox/unknown/host.example/x")).status_code == 404
    assert (await sandbox.http.get("/sandbox/acme")).status_code == 404
    assert (await sandbox.http.post("/sandbox/")).status_code in {404, 405}
