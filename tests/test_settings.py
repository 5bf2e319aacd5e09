"""What is said of wrong settings names the variable and the rule, never a value: it may be a secret."""

from __future__ import annotations

from base64 import b64encode

import pytest

from app.foundation.secret import Secret
from app.settings import SettingsError, read_settings
from app.vault.errors import KeyFileError
from app.vault.key_file import env_ring
from tests.canary import secret

POSTGRES = "postgres://hub:{}@db.internal/hub"
WRONG = {
    "a scheme that no database has": {"PATCHBAY_DATABASE_URL": "mysql://hub:{}@db.internal/hub"},
    "a database without a scheme": {"PATCHBAY_DATABASE_URL": "{}"},
    "PostgreSQL alone": {"PATCHBAY_DATABASE_URL": POSTGRES},
    "Redis alone": {"PATCHBAY_REDIS_URL": "redis://:{}@redis.internal/0"},
    "another broker": {"PATCHBAY_REDIS_URL": "amqp://hub:{}@redis.internal/0"},
    "no key": {"PATCHBAY_DATABASE_URL": POSTGRES, "PATCHBAY_REDIS_URL": "redis://:{}@redis.internal/0"},
    "two keys": {"PATCHBAY_KEY": "{}", "PATCHBAY_KEY_FILE": "/run/secrets/{}"},
    "a misspelt variable": {"PATCHBAY_KYE": "{}"},
    "a password in the public address": {"PATCHBAY_PUBLIC_URL": "https://hub:{}@hub.example.com"},
    "a password in another origin": {"PATCHBAY_ALLOWED_ORIGINS": "https://hub:{}@app.example.com"},
    "a secret for a number": {"PATCHBAY_PORT": "{}"},
    "a secret for a choice": {"PATCHBAY_LOG_LEVEL": "{}", "PATCHBAY_LOG_FORMAT": "{}"},
    "brackets in a password": {"PATCHBAY_DATABASE_URL": "postgres://hub:p[{}]@db.internal/hub"},
    "brackets in another": {"PATCHBAY_REDIS_URL": "redis://:[{}]@redis.internal/0"},
    "an odd character in a password": {"PATCHBAY_DATABASE_URL": "postgres://hub:{}\u2100@db.internal/hub"},
    "a port that is none": {"PATCHBAY_DATABASE_URL": "postgres://hub:{0}@db.internal:{0}/hub"},
    "brackets in an origin": {"PATCHBAY_PUBLIC_URL": "https://[{}]"},
    "a secret for a network": {"PATCHBAY_EGRESS_ALLOW": "10.0.0.0/8 {}"},
    "a secret for a switch": {"PATCHBAY_SANDBOX": "{}", "PATCHBAY_GRAPHIQL": "{}"},
}


def environment(values, value):
    return {name: text.format(value) for name, text in values.items()}


@pytest.mark.parametrize("values", WRONG.values(), ids=WRONG)
def test_a_wrong_setting_is_named_without_its_value(values, tmp_path):
    value = secret("x")
    with pytest.raises(SettingsError) as refused:
        read_settings({"PATCHBAY_DATA_DIR": str(tmp_path), **environment(values, value)})

    assert "PATCHBAY_" in str(refused.value)
    assert value not in str(refused.value) + repr(refused.value)


def test_an_application_of_nobody_is_named_without_its_secret():
    value = secret()
    settings = read_settings({"PATCHBAY_APP_NOBODY_CLIENT_SECRET": value})

    with pytest.raises(SettingsError, match="PATCHBAY_APP_NOBODY_CLIENT_SECRET") as refused:
        settings.operator_applications(["slack"])

    assert value not in str(refused.value)


@pytest.mark.parametrize("line", ["{}", "main:{}", "{}:", "main {}", "{0}\n{0}", "main:{}:x"])
def test_a_wrong_key_is_not_told(line):
    value = b64encode(secret().encode()).decode()
    with pytest.raises(KeyFileError) as refused:
        env_ring(Secret(line.format(value)))

    assert value not in str(refused.value)


def test_settings_print_no_secret():
    value = secret()
    settings = read_settings(
        {
            "PATCHBAY_DATABASE_URL": POSTGRES.format(value),
            "PATCHBAY_REDIS_URL": f"redis://:{value}@redis.internal/0",
            "PATCHBAY_KEY": value,
            "PATCHBAY_APP_SLACK_CLIENT_SECRET": value,
            "PATCHBAY_SECRET_WAREHOUSE": value,
        }
    )

    assert value not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    assert settings.operator_applications(["slack"])["slack"]["client_secret"].reveal() == value


# -- the rules


def faults_of(**values):
    with pytest.raises(SettingsError) as caught:
        read_settings({f"PATCHBAY_{name}": value for name, value in values.items()})
    assert caught.value.exit_code == 78
    return caught.value.faults


def test_every_fault_is_told_in_one_message():
    faults = faults_of(
        PORT="x", LOG_LEVEL="loud", KYE="k", EGRESS_ALLOW="all", PUBLIC_URL="ftp://x", HOSTT="h"
    )
    named = sorted(fault.split(":")[0].split(" ")[0] for fault in faults)
    assert named == [
        "PATCHBAY_EGRESS_ALLOW",
        "PATCHBAY_HOSTT",
        "PATCHBAY_KYE",
        "PATCHBAY_LOG_LEVEL",
        "PATCHBAY_PORT",
        "PATCHBAY_PUBLIC_URL",
    ]


def test_a_name_that_is_no_setting_gets_a_hint():
    (fault,) = faults_of(DATABASE_ULR="x")
    assert fault == "PATCHBAY_DATABASE_ULR is not a setting; did you mean PATCHBAY_DATABASE_URL?"
    (fault,) = faults_of(XYZZY="x")
    assert fault == "PATCHBAY_XYZZY is not a setting"


def test_what_others_set_is_nobodys_business():
    settings = read_settings(
        {"HOME": "/x", "PATCHBAY_TEST_POSTGRES": "x", "PATCHBAY_SECRET_A": "s", "PATCHBAY_HOST": ""}
    )
    assert settings.host == "127.0.0.1"


def test_by_default_the_hub_is_embedded_with_all_its_toys():
    settings = read_settings({"PATCHBAY_DATA_DIR": "/srv/hub"})
    assert not settings.is_scaled
    assert settings.database == "sqlite:///srv/hub/patchbay.sqlite3"
    assert settings.redis is None
    assert settings.sandbox_on
    assert settings.graphiql_on
    assert settings.local_url() == "http://127.0.0.1:8000"
    assert settings.key_path.name == "key"
    assert not settings.key_path.is_relative_to(settings.data_dir)


SCALED = {
    "DATABASE_URL": "postgres://hub@db/hub",
    "REDIS_URL": "redis://redis",
    "KEY_FILE": "/run/secrets/key",
}


def test_a_scaled_hub_has_its_toys_only_where_asked_for():
    settings = read_settings({f"PATCHBAY_{name}": value for name, value in SCALED.items()})
    assert settings.is_scaled
    assert not settings.sandbox_on
    assert not settings.graphiql_on
    asked = {"PATCHBAY_SANDBOX": "1", "PATCHBAY_GRAPHIQL": "true"}
    settings = read_settings({f"PATCHBAY_{name}": value for name, value in SCALED.items()} | asked)
    assert settings.sandbox_on
    assert settings.graphiql_on


@pytest.mark.parametrize(
    ("left_out", "changed", "told"),
    [
        ("REDIS_URL", {}, "PATCHBAY_REDIS_URL is missing"),
        ("KEY_FILE", {}, "PATCHBAY_KEY_FILE is missing"),
        ("DATABASE_URL", {}, "PATCHBAY_DATABASE_URL must name PostgreSQL"),
        (None, {"DATABASE_URL": "sqlite:///x.db"}, "PATCHBAY_DATABASE_URL must name PostgreSQL"),
        (None, {"KEY": "k"}, "not both"),
        (None, {"DATABASE_URL": "postgres://hub@db"}, "must name a database"),
        (None, {"DATABASE_URL": "sqlite://"}, "must name a file"),
    ],
)
def test_an_arrangement_is_whole(left_out, changed, told):
    values = {name: value for name, value in (SCALED | changed).items() if name != left_out}
    assert any(told in fault for fault in faults_of(**values))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://Hub.Example.com", "https://hub.example.com"),
        ("https://hub.example.com/", "https://hub.example.com"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://hub.example.com:443", "https://hub.example.com"),
        ("https://Example.com/Hub/", "https://example.com/Hub"),
        ("https://example.com:8443/tools/hub", "https://example.com:8443/tools/hub"),
    ],
)
def test_the_public_address_is_kept_in_one_form(given, kept):
    assert read_settings({"PATCHBAY_PUBLIC_URL": given}).public_url == kept


@pytest.mark.parametrize(
    "given",
    [
        "hub.example.com",
        "https://",
        "https://h?q=1",
        "javascript:x",
        "https://h:99999",
        "https://h/a/../b",
        "https://h/a//b",
        "https://h/a%2fb",
        "https://h/a b",
        "https://h/a;b",
        "https://h/hub#x",
    ],
)
def test_what_is_no_public_address_is_refused(given):
    (fault,) = faults_of(PUBLIC_URL=given)
    assert fault.startswith("PATCHBAY_PUBLIC_URL: ")


def test_lists_are_written_with_commas_or_spaces():
    settings = read_settings(
        {
            "PATCHBAY_EGRESS_ALLOW": "10.0.0.0/8, 192.168.1.7\nfd00::/8",
            "PATCHBAY_ALLOWED_ORIGINS": "https://a.example https://b.example,",
        }
    )
    assert [str(network) for network in settings.egress_allow] == ["10.0.0.0/8", "192.168.1.7/32", "fd00::/8"]
    assert settings.allowed_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:9000"), ("::", "http://[::1]:9000"), ("10.1.2.3", "http://10.1.2.3:9000")],
)
def test_the_hub_reaches_itself_under_an_address_that_works(host, url):
    assert read_settings({"PATCHBAY_HOST": host, "PATCHBAY_PORT": "9000"}).local_url() == url


def test_the_command_line_comes_before_the_environment():
    settings = read_settings({"PATCHBAY_PORT": "9000", "PATCHBAY_HOST": "10.0.0.1"}, port=9001, host=None)
    assert (settings.host, settings.port) == ("10.0.0.1", 9001)


def test_operator_applications_find_the_integration_whose_name_is_longest():
    settings = read_settings(
        {
            "PATCHBAY_APP_ACME_CLIENT_ID": "one",
            "PATCHBAY_APP_ACME_SHOP_CLIENT_ID": "two",
            "PATCHBAY_APP_ACME_SHOP_EU_TENANT": "three",
            "PATCHBAY_APP_GENERIC_OAUTH2_CLIENT_ID": "four",
        }
    )
    found = settings.operator_applications(["acme", "acme-shop", "acme-shop-eu", "generic-oauth2", "other"])
    assert {
        key: {name: value.reveal() for name, value in fields.items()} for key, fields in found.items()
    } == {
        "acme": {"client_id": "one"},
        "acme-shop": {"client_id": "two"},
        "acme-shop-eu": {"tenant": "three"},
        "generic-oauth2": {"client_id": "four"},
    }


@pytest.mark.parametrize("name", ["ACME", "ACME_", "ACM_CLIENT_ID", "NOBODY_CLIENT_ID", "", "_"])
def test_an_application_variable_that_names_nobody_is_refused(name):
    settings = read_settings({f"PATCHBAY_APP_{name}": "x"})
    with pytest.raises(SettingsError) as caught:
        settings.operator_applications(["acme"])
    assert caught.value.faults == [f"PATCHBAY_APP_{name} names no integration of the catalog"]
