"""Inputs are handed to the rooms' verbs by the names of their fields, which mypy does not compare."""

from __future__ import annotations

import inspect
from dataclasses import fields

import pytest

from app.api.graphql.applications.types import SaveApplicationInput
from app.api.graphql.connection_tests import fields as connection_tests
from app.api.graphql.connections import inputs
from app.connection_tests import runs
from app.connections.authorization import Authorizations
from app.connections.connections import Connections
from app.credentials.applications import Applications


@pytest.mark.parametrize(
    ("input_", "verb"),
    [
        (inputs.CreateConnectionInput, Connections.create),
        (inputs.UpdateConnectionInput, Connections.update),
        (inputs.UpdateConnectionConfigInput, Connections.update_config),
        (inputs.ActivateConnectionInput, Connections.activate),
        (inputs.PauseConnectionInput, Connections.pause),
        (inputs.ResumeConnectionInput, Connections.resume),
        (inputs.DisconnectInput, Connections.disconnect),
        (inputs.DeleteConnectionInput, Connections.delete),
        (inputs.RefreshCredentialsInput, Connections.refresh_credentials),
        (inputs.BeginAuthorizationInput, Authorizations.begin),
        (inputs.ReauthorizeInput, Authorizations.reauthorize),
        (inputs.SubmitCredentialsInput, Authorizations.submit_credentials),
        (inputs.ChooseAccountInput, Authorizations.choose_account),
        (inputs.CancelAuthorizationInput, Authorizations.cancel),
        (SaveApplicationInput, Applications.save),
        (connection_tests.TestConnectionInput, runs.TestRuns.start),
    ],
)
def test_an_input_has_exactly_the_parameters_of_its_verb(input_, verb):
    parameters = set(inspect.signature(verb).parameters) - {"self", "actor"}
    assert {field.name for field in fields(input_)} == parameters
