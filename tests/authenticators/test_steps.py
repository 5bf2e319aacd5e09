import json

import pytest

from app.authenticators.steps import (
    AccountChoiceStep,
    AccountOption,
    CredentialFormStep,
    DeviceCodeStep,
    ExternalActionStep,
    NoStep,
    RedirectStep,
    step_from_json,
    step_to_json,
)
from app.catalog.definition import DocLink

STEPS = [
    RedirectStep("Sign in", "https://a.example/authorize?x=1", "https://hub.example/r", ("read",)),
    CredentialFormStep(
        "Key", {"type": "object"}, "Look here", (DocLink("Docs", "https://d.example"),), {"k": "v"}
    ),
    DeviceCodeStep("Device", "ABCD-EFGH", "https://a.example/device", None, 900, 5),
    AccountChoiceStep("Choose", (AccountOption("1", "One", {"id": "1"}), AccountOption("2", "Two"))),
    ExternalActionStep("Register", "Add the redirect URL", None, {"Redirect URL": "https://hub.example/r"}),
    NoStep(),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_a_step_comes_back_from_json_as_it_was(step):
    assert step_from_json(json.loads(json.dumps(step_to_json(step)))) == step


def test_no_step_is_none_in_json():
    assert step_from_json(None) is None
