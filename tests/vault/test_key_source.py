from __future__ import annotations

import base64
import importlib.util

import pytest

from app.foundation.secret import Secret
from app.settings import SettingsError, read_settings
from app.vault import key_source
from app.vault.aws_kms import AwsKmsKey
from app.vault.errors import KeyFileError
from app.vault.gcp_kms import GcpKmsKey
from app.vault.key_file import create_key_file
from app.vault.key_source import KeySource, open_keys
from app.vault.keys import FileKeyProvider, LocalKeyProvider
from app.vault.vault_transit import VaultTransitKey
from app.vault.watched_ring import WatchedKeyRing

ARN = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd"
GCP = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
VAULT = {
    "KEY_PROVIDER": "vault-transit",
    "KEY_ID": "transit/hub",
    "KEY_ENDPOINT": "https://vault.example.com:8200",
}


@pytest.fixture
def token(tmp_path):
    path = tmp_path / "token"
    path.write_text("hvs.token")
    path.chmod(0o400)
    return path


@pytest.fixture
def settings(tmp_path):
    def read(**variables):
        given = {f"PATCHBAY_{name}": str(value) for name, value in variables.items()}
        return read_settings({"PATCHBAY_DATA_DIR": str(tmp_path / "data"), **given})

    return read


@pytest.fixture
def faults(settings):
    def told(**variables):
        with pytest.raises(SettingsError) as caught:
            settings(**variables)
        return caught.value.faults

    return told


@pytest.fixture
def opened(database, tmp_path):
    """Open a source and return what kinds of keys it gives, and where they are changed."""

    async def read(**more):
        source = KeySource(
            **{
                "provider": "file",
                "file": tmp_path / "key",
                "data_folder": tmp_path / "data",
                "may_create": True,
                **more,
            }
        )
        async with open_keys(source, database) as (ring, home):
            return ring, [type(key) for key in ring.keys], home

    return read


# -- settings


def test_a_key_service_needs_a_name_of_its_own_form(faults):
    for provider in ("aws-kms", "gcp-kms", "vault-transit"):
        said = faults(KEY_PROVIDER=provider, KEY_ID="not a name")
        assert any(line.startswith(f"PATCHBAY_KEY_ID: with {provider} a key is named ") for line in said)


def test_all_faults_of_the_keys_are_told_at_once(faults):
    said = faults(
        KEY_PROVIDER="vault-transit",
        KEY_ENDPOINT="ftp://vault/path",
        KEY_CA_FILE="/nowhere/ca.pem",
        KEY_OTHERS="aws-kms:alias/x, azure:y",
        KEY_RETENTION_DAYS="0",
        PORT="99999",
    )
    assert said == [
        "PATCHBAY_KEY_OTHERS: with aws-kms a key is named arn:aws:kms:<region>:<account>:key/<id>",
        "PATCHBAY_KEY_OTHERS: an entry is <aws-kms|gcp-kms|vault-transit>:<id>",
        "PATCHBAY_KEY_ID: with vault-transit a key is named <mount>/<name>",
        "PATCHBAY_KEY_CREDENTIALS: is missing: with vault-transit it is the file with the token",
        "PATCHBAY_KEY_ENDPOINT: must be an origin such as https://vault.example.com:8200, without a path",
        "PATCHBAY_KEY_CA_FILE: there is no such file",
        "PATCHBAY_KEY_RETENTION_DAYS: Input should be greater than or equal to 1",
        "PATCHBAY_PORT: Input should be less than or equal to 65535",
    ]


KINDS = "'file', 'env', 'aws-kms', 'gcp-kms' or 'vault-transit'"
GOOGLE = {"KEY_PROVIDER": "gcp-kms", "KEY_ID": GCP}
NOT_PLAIN = "must be https: what goes there opens every credential"
ORIGIN = "must be an origin such as https://vault.example.com:8200, without a path"


@pytest.mark.parametrize(("given", "name", "said"), [
    ({"KEY_PROVIDER": "gcp"}, "PROVIDER", f"Input should be {KINDS}"),
    ({"KEY_ID": ARN}, "ID", "is for key services; set PATCHBAY_KEY_PROVIDER to aws-kms, gcp-kms or vault-transit"),
    ({**GOOGLE, "KEY_ENDPOINT": "http://10.0.0.1"}, "ENDPOINT", NOT_PLAIN),
    ({**GOOGLE, "KEY_ENDPOINT": "https://["}, "ENDPOINT", ORIGIN),
    ({**GOOGLE, "KEY_ENDPOINT": "https://x/v1"}, "ENDPOINT", ORIGIN),
    ({**GOOGLE, "KEY_CREDENTIALS": "/nowhere"}, "CREDENTIALS", "there is no such file"),
])  # fmt: skip
def test_each_fault_names_its_setting(faults, given, name, said):
    assert faults(**given) == [f"PATCHBAY_KEY_{name}: {said}"]


def test_a_key_in_the_environment_must_be_there(faults):
    assert faults(KEY_PROVIDER="env") == [
        "PATCHBAY_KEY: is missing: with PATCHBAY_KEY_PROVIDER=env it holds the key"
    ]


def test_the_sdk_of_aws_is_an_extra_that_is_asked_for(faults, monkeypatch):
    true = importlib.util.find_spec
    monkeypatch.setattr(key_source, "find_spec", lambda name: None if name == "boto3" else true(name))
    wanted = ["PATCHBAY_KEY_PROVIDER: aws-kms needs the extra aws: pip install 'patchbay[aws]'"]
    assert faults(KEY_PROVIDER="aws-kms", KEY_ID=ARN) == wanted
    assert faults(KEY_OTHERS=f"aws-kms:{ARN}") == wanted


def test_with_a_key_service_a_scaled_hub_needs_no_key_file(settings, token):
    scaled = {"DATABASE_URL": "postgres://u@h/d", "REDIS_URL": "redis://h:6379/0"}
    assert settings(**scaled, **VAULT, KEY_CREDENTIALS=token).is_scaled


def test_without_a_word_of_keys_the_file_is_it(settings):
    source = settings().key_source
    assert (source.provider, source.key_id, source.others, source.may_create) == ("file", None, (), True)


# -- rings


async def test_a_new_hub_makes_its_file_and_follows_it(opened, tmp_path):
    ring, kinds, home = await opened()
    assert isinstance(ring, WatchedKeyRing)
    assert kinds == [FileKeyProvider]
    assert (home.file, home.kept_in, home.has_service) == (tmp_path / "key", None, False)


async def test_a_service_wraps_and_the_file_that_stands_there_opens(opened, tmp_path):
    create_key_file(tmp_path / "key")
    _, kinds, home = await opened(provider="aws-kms", key_id=ARN)
    assert kinds == [AwsKmsKey, FileKeyProvider]
    assert (home.file, home.has_service) == (tmp_path / "key", True)


async def test_with_a_service_no_file_is_made(opened, tmp_path):
    _, kinds, home = await opened(provider="gcp-kms", key_id=GCP)
    assert kinds == [GcpKmsKey]
    assert (home.file, home.has_service) == (None, True)
    assert not (tmp_path / "key").exists()


async def test_other_services_open_beside_the_one_that_wraps(opened, token):
    more = {"endpoint": "https://vault.example.com", "credentials": token}
    _, kinds, _ = await opened(
        provider="aws-kms", key_id=ARN, others=(f"gcp-kms:{GCP}", "vault-transit:hub"), **more
    )
    assert kinds == [AwsKmsKey, GcpKmsKey, VaultTransitKey]
    _, kinds, _ = await opened(others=(f"aws-kms:{ARN}",))
    assert kinds == [FileKeyProvider, AwsKmsKey]


async def test_the_variable_is_a_ring_too(opened, chance):
    one = base64.b64encode(chance.randbytes(32)).decode()
    _, kinds, home = await opened(variable=Secret(one), others=(f"gcp-kms:{GCP}",))
    assert kinds == [LocalKeyProvider, GcpKmsKey]
    assert (home.file, home.kept_in) == (None, "PATCHBAY_KEY")
    _, kinds, _ = await opened(provider="gcp-kms", key_id=GCP, variable=Secret(one))
    assert kinds == [GcpKmsKey, LocalKeyProvider]


async def test_a_file_of_authorities_that_holds_none_is_refused(opened, token):
    with pytest.raises(KeyFileError, match=r"PATCHBAY_KEY_CA_FILE\) holds no certificates"):
        await opened(provider="gcp-kms", key_id=GCP, ca_file=token)
