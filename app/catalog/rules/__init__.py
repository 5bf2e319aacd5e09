"""The semantic rules of definitions, each with the id of what it finds: what the format's JSON Schema cannot say."""

from __future__ import annotations

from typing import Final

from app.catalog.rules import (
    addresses,
    authentication,
    expressions,
    methods,
    release,
    schemas,
    secrets,
    templates,
)
from app.catalog.rules.subject import Rule

RULES: Final[tuple[tuple[str, Rule], ...]] = (
    ("semantics/json-schema", schemas.schemas_are_valid),
    ("semantics/json-schema-reference", schemas.references_are_local),
    ("semantics/pattern", schemas.patterns_are_linear),
    ("semantics/schema-sample", schemas.samples_fit),
    ("semantics/conditional-form", schemas.forms_can_depend),
    ("semantics/options", schemas.options_can_be_loaded),
    ("semantics/expression", expressions.expressions_compile),
    ("semantics/member-path", expressions.picks_are_member_paths),
    ("semantics/template-variable", templates.variables_are_declared),
    ("semantics/template-variable", templates.instructions_name_known_addresses),
    ("semantics/host", addresses.hosts_are_narrow),
    ("semantics/address-host", addresses.addresses_stay_home),
    ("semantics/address-touches", addresses.hosts_touch_authentication),
    ("semantics/base-url", addresses.base_address_has_no_end),
    ("semantics/path", addresses.paths_begin_with_slash),
    ("semantics/unique", authentication.ids_are_unique),
    ("semantics/token-example", authentication.tokens_are_found),
    ("semantics/renewal", authentication.renewals_are_possible),
    ("semantics/after-token", authentication.choices_can_be_offered),
    ("semantics/config-field", authentication.config_fields_exist),
    ("semantics/reserved", authentication.parameters_are_free),
    ("semantics/placement", authentication.placements_are_whole),
    ("semantics/secret-example", secrets.secrets_are_made_up),
    ("semantics/form-field", secrets.forms_are_usable),
    ("semantics/webhook", secrets.webhooks_can_be_verified),
    ("semantics/parameter-place", methods.parameters_have_places),
    ("semantics/path-parameter", methods.path_parameters_match),
    ("semantics/header", methods.headers_are_free),
    ("semantics/effect", methods.effects_are_plausible),
    ("semantics/scope", methods.scopes_exist),
    ("semantics/pagination", methods.pages_can_be_turned),
    ("semantics/problem-code", methods.problem_codes_are_known),
    ("semantics/example", methods.examples_fit),
    ("semantics/example-outcome", methods.examples_mean_what_they_say),
    ("semantics/echo", methods.echoes_point_somewhere),
    ("semantics/test-method-exists", release.test_is_harmless),
    ("semantics/test-expectation", release.expectations_hold),
    ("semantics/test-control", release.control_is_possible),
    ("semantics/test-expectation-field", release.own_expectations_fit),
    ("semantics/test-account", release.account_is_found),
    ("semantics/changelog", release.history_is_in_order),
    ("semantics/upgrade", release.upgrades_lead_here),
    ("semantics/stage", release.stage_is_explained),
)
