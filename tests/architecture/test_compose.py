"""docker-compose.yml, held against the settings and the command line that it uses."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
import yaml

from app.cli import app as command_line
from app.settings import Settings, read_settings

ROOT = Path(__file__).resolve().parents[2]
HUB_SERVICES = ("web", "worker")


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def _filled(environment: dict[str, str]) -> dict[str, str]:
    given = {
        "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD}": "secret",
        "${PATCHBAY_PUBLIC_URL:?set PATCHBAY_PUBLIC_URL}": "https://hub.example.com",
    }
    filled = {}
    for name, value in environment.items():
        text = str(value)
        for blank, word in given.items():
            text = text.replace(blank, word)
        filled[name] = text
    return filled


@pytest.mark.parametrize("service", HUB_SERVICES)
def test_the_services_settings_make_a_scaled_hub(compose, service):
    settings = read_settings(_filled(compose["services"][service]["environment"]))
    assert settings.is_scaled
    assert not settings.sandbox_on
    assert not settings.graphiql_on


@pytest.mark.parametrize("service", HUB_SERVICES)
def test_every_variable_is_a_setting(compose, service):
    known = {f"PATCHBAY_{name.upper()}" for name in Settings.model_fields}
    assert set(compose["services"][service]["environment"]) <= known


@pytest.mark.parametrize("service", HUB_SERVICES)
def test_the_services_commands_exist(compose, service):
    program, command = compose["services"][service]["command"]
    assert program == "patchbay"
    assert command in typer.main.get_command(command_line).commands


def test_the_published_port_is_the_one_that_web_listens_on(compose):
    web = compose["services"]["web"]
    assert web["ports"] == [f"{web['environment']['PATCHBAY_PORT']}:{web['environment']['PATCHBAY_PORT']}"]
    assert f":{web['environment']['PATCHBAY_PORT']}/readyz" in " ".join(web["healthcheck"]["test"])


@pytest.mark.parametrize("service", ["postgres", "redis", "web", "worker"])
def test_every_service_has_a_health_check(compose, service):
    assert compose["services"][service]["healthcheck"]["test"]


def test_the_image_copies_only_what_is_there(compose):
    recipe = compose["services"]["web"]["build"]["dockerfile_inline"]
    for line in recipe.splitlines():
        if line.startswith("COPY"):
            *sources, _ = line.split()[1:]
            for source in sources:
                assert (ROOT / source).exists(), source


def test_the_hub_waits_for_its_services(compose):
    for service in HUB_SERVICES:
        waits = compose["services"][service]["depends_on"]
        assert {name: how["condition"] for name, how in waits.items()} == {
            "postgres": "service_healthy",
            "redis": "service_healthy",
        }
