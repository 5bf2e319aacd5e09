"""The default test passes on the definition's own examples, and the release history is in order."""

from __future__ import annotations

from collections.abc import Iterator

from app.catalog.classification import facts_of
from app.catalog.definition import Control, Effect, ReleaseStage
from app.catalog.rules.subject import Finding, RuleSubject, compiled, fields_of, first_good, shape_of
from app.catalog.versions import RangeError, parse_range, parse_version
from app.foundation.shapes import PREDICATE_FORMAT


def test_is_harmless(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/test-method-exists``, ``semantics/test-method-reads`` and ``semantics/test-params``."""
    test = subject.definition.test
    method = subject.definition.methods.get(test.method)
    if method is None:
        yield Finding(("test", "method"), f"there is no method {test.method}")
        return
    if method.effect is not Effect.READ:
        yield Finding(("test", "method"), "the default test must only READ", "semantics/test-method-reads")
    shape = shape_of(method.params)
    for fault in shape.faults(test.params) if shape else ():
        place = "/".join(fault.path) or "params"
        yield Finding(("test", "params"), f"{place} does not fit ({fault.keyword})", "semantics/test-params")


def expectations_hold(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/test-expectation``: expectations hold on the test method's first good example."""
    method = subject.definition.methods.get(subject.definition.test.method)
    good = first_good(method) if method else None
    if good is None:
        return
    facts = facts_of(good[1].status, good[1].headers, good[1].body)
    for index, text in enumerate(subject.definition.test.expect):
        predicate = compiled(text)
        if predicate is not None and not predicate.holds(facts):
            yield Finding(("test", "expect", index), "does not hold on the method's first good example")


def control_is_possible(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/test-control``: a call without credentials has an address."""
    if subject.definition.test.control is not Control.NONE:
        return
    for method in subject.definition.auth:
        if any(placement.at == "path" for placement in method.place):
            yield Finding(
                ("test", "control"), f"{method.id} stands in the path: without it there is no address"
            )


def own_expectations_fit(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/test-expectation-field``: fields with which people say what they expect are there, and hold it."""
    fields = fields_of(subject.definition.config)
    said = subject.definition.test.expect_from_config
    wanted = (
        ("status", said.status, "type", "string"),
        ("header", said.header, "type", "string"),
        ("body", said.body, "format", PREDICATE_FORMAT),
    )
    for name, field, keyword, value in wanted:
        if field is not None and fields.get(field, {}).get(keyword) != value:
            yield Finding(
                ("test", "expectFromConfig", name),
                f"config must have a field {field} with {keyword}: {value}",
            )


def account_is_found(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/test-account``: the account is found in a good example of the test's method."""
    test = subject.definition.test
    method = subject.definition.methods.get(test.method)
    bodies = [example.body for example in method.examples if example.outcome is None] if method else []
    for name, text in (("id", test.account.id), ("label", test.account.label)):
        pick = compiled(text) if text else None
        if pick is None or not bodies:
            continue
        found = [pick(body) for body in bodies]
        if not any(isinstance(one, str | int) and not isinstance(one, bool) for one in found):
            yield Finding(("test", "account", name), "is nothing in a good example of the method")


def history_is_in_order(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/changelog``: the newest entry is this version, and older ones follow in order."""
    entries = subject.definition.changelog
    if entries[0].version != str(subject.definition.version):
        yield Finding(("changelog", 0), "the first entry must be of this version")
    for index in range(1, len(entries)):
        try:
            ordered = parse_version(entries[index - 1].version) > parse_version(entries[index].version)
        except RangeError:
            ordered = False
        if not ordered:
            yield Finding(("changelog", index, "version"), "must be older than the one before")
        if entries[index].date > entries[index - 1].date:
            yield Finding(("changelog", index, "date"), "must not be after the one before")


def upgrades_lead_here(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/upgrade``: ranges can be read and end before this version; changed fields exist here."""
    fields = fields_of(subject.definition.config)
    for index, rule in enumerate(subject.definition.upgrade):
        try:
            if subject.definition.version in parse_range(rule.from_range):
                yield Finding(("upgrade", index, "from"), "must not contain this version")
        except RangeError as fault:
            yield Finding(("upgrade", index, "from"), str(fault))
        for place, step in enumerate(rule.config):
            target = step["rename"]["to"] if "rename" in step else step.get("set", {}).get("field")
            if target is not None and target not in fields:
                yield Finding(("upgrade", index, "config", place), f"config has no field {target}")


def stage_is_explained(subject: RuleSubject) -> Iterator[Finding]:
    """``semantics/stage``: demands and successor stand exactly where the stage gives them a meaning."""
    definition = subject.definition
    if definition.demands is not None and definition.stage is not ReleaseStage.VERIFICATION_REQUIRED:
        yield Finding(("demands",), "demands belong to VERIFICATION_REQUIRED")
    if definition.successor is not None and definition.stage is not ReleaseStage.RETIRED:
        yield Finding(("successor",), "a successor belongs to RETIRED")
    if definition.successor == definition.integration:
        yield Finding(("successor",), "an integration does not succeed itself")
