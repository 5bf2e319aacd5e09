import re
from pathlib import Path

import pytest

import app.catalog
from tests.catalog.broken import ADDRESS, BASE, BROKEN_RULES, PLACE, WHOLE
from tests.catalog.drafts import DRAFT, changed, faults_of, line_of


def test_the_draft_is_without_fault():
    assert faults_of(DRAFT) == ()


@pytest.mark.parametrize(("old", "new", "rule", "where"), BROKEN_RULES)
def test_broken_rule_is_named_with_its_line(old, new, rule, where):
    text = changed(old, new)

    faults = faults_of(text)
    found = [fault for fault in faults if fault.rule == rule]

    assert found, [str(fault) for fault in faults]
    assert line_of(text, where or new.strip().splitlines()[0]) in {fault.line for fault in found}
    assert {fault.file for fault in faults} == {"acme/1.1.0.yaml"}
    assert all(fault.message for fault in faults)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        WHOLE,
        (ADDRESS, 'tokenUrl: "{+account.shopId}/token"'),
        (ADDRESS, "tokenUrl: https://api.acme.example/{application.tenant}/token"),
        (BASE, '  baseUrl: "{+account.team}"\n'),
        (BASE, '  baseUrl: "https://{config.shop}.acme.example"\n'),
        ("path: /me}", 'path: "{+config.start}"}'),
        (PLACE, 'place: {in: header, name: "{config.header}", value: "{credentials.key}"}'),
        (PLACE, 'place: [{in: query, name: key, value: "{credentials.key}"}]'),
        (PLACE, 'place: {in: path, value: "/bot{credentials.key}"}'),
        ("clientAuth: basic", 'clientAuth: "{config.how}"'),
        ("clientAuth: basic", "clientAuth: basic\n    scopesFromConfig: scopes"),
        ("send: cursor, next: next}", "style: link}".replace("style: link", "send: cursor, next: more")),
        ("secret: application.hook", "secret: webhook.secret"),
        ("note: {type: string, in: body, maxLength: 9}", "note: {type: string, maxLength: 9}"),
    ],
)
def test_what_is_allowed_raises_no_fault(old, new):
    assert faults_of(changed(old, new)) == ()


def test_every_fault_of_a_file_is_reported_at_once():
    text = changed("path: /me}", "path: me}").replace("eventId: body.id", 'eventId: "body."')
    text = text.replace("method: me.get\n  verifies", "method: me.none\n  verifies")

    rules = [fault.rule for fault in faults_of(text)]

    assert rules == ["semantics/path", "semantics/expression", "semantics/test-method-exists"]


def test_every_rule_has_a_test():
    pattern = re.compile(r"[\"`]((?:file|yaml|semantics)/[a-z-]+)[\"`]")
    told = {
        rule
        for file in Path(app.catalog.__path__[0]).rglob("*.py")
        for rule in pattern.findall(file.read_text())
    }
    tested = {
        rule for file in Path(__file__).parent.glob("*.py") for rule in pattern.findall(file.read_text())
    }

    assert len(told) > 40
    assert told - tested == set()


def test_a_control_call_without_credentials_needs_an_address_without_them():
    text = changed("test:\n", "test:\n  control: none\n").replace(
        PLACE, 'place: {in: path, value: "/bot{credentials.key}"}'
    )

    assert [fault.rule for fault in faults_of(text)] == ["semantics/test-control"]
    assert faults_of(changed("test:\n", "test:\n  control: none\n")) == ()
