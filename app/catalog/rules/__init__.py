"""The semantic rules of definitions: what the format's JSON Schema cannot say, one function per rule."""

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

RULES: Final[tuple[Rule, ...]] = (
    schemas.schemas_are_valid,
    schemas.references_are_local,
    schemas.patterns_are_linear,
    schemas.samples_fit,
    schemas.options_can_be_loaded,
    expressions.expressions_compile,
    expressions.picks_are_member_paths,
    templates.variables_are_declared,
    templates.instructions_name_known_addresses,
    addresses.hosts_are_narrow,
    addresses.addresses_stay_home,
    addresses.base_address_has_no_end,
    addresses.paths_begin_with_slash,
    authentication.ids_are_unique,
    authentication.tokens_are_found,
    authentication.renewals_are_possible,
    authentication.choices_can_be_offered,
    authentication.config_fields_exist,
    authentication.parameters_are_free,
    authentication.placements_are_whole,
    secrets.secrets_are_made_up,
    secrets.forms_are_usable,
    secrets.webhooks_can_be_verified,
    methods.parameters_have_places,
    methods.path_parameters_match,
    methods.headers_are_free,
    methods.effects_are_plausible,
    methods.scopes_exist,
    methods.pages_can_be_turned,
    methods.problem_codes_are_known,
    methods.examples_fit,
    methods.examples_mean_what_they_say,
    methods.echoes_point_somewhere,
    release.test_is_harmless,
    release.expectations_hold,
    release.history_is_in_order,
    release.upgrades_lead_here,
    release.stage_is_explained,
)
