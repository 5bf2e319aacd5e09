import pytest

from app.catalog.catalog import Catalog, load_catalog
from app.catalog.entry import IntegrationEntry, integration_id, version_id
from app.catalog.faults import DefinitionsInvalidError
from app.catalog.labels import AUTH_KINDS, CAPABILITIES, STAGES, label_of
from app.catalog.loader import load_text
from app.catalog.search import Capability
from app.catalog.versions import parse_range, parse_version
from app.foundation.ids import prefix_of
from tests.catalog.drafts import DRAFT


@pytest.fixture(scope="module")
def catalog():
    return load_catalog()


def version_of(text):
    """Return the draft as another version, with a changelog that goes with it."""
    log = f'  - {{version: {text}, date: "2026-11-20", impact: MINOR, summary: More.}}\n'
    head = DRAFT[: DRAFT.index("upgrade:")] + "changelog:\n" + log
    return load_text(head.replace("version: 1.1.0\nname", f"version: {text}\nname").encode(), "a").definition


def test_the_first_eight_are_there(catalog):
    keys = {entry.key for entry in catalog.all()}

    assert keys >= {
        "slack", "stripe", "salesforce", "xero", "github", "telegram", "generic-oauth2", "generic-http",
    }  # fmt: skip


def test_entries_stand_in_order_of_name_with_their_drawing(catalog):
    names = [entry.latest.name for entry in catalog.all()]

    assert names == sorted(names, key=str.casefold)
    assert all(entry.icon and entry.icon.startswith("<svg") for entry in catalog.all())


def test_integrations_are_found_by_key_and_id(catalog, actor):
    slack = catalog.integration("slack")

    assert catalog.integration("none") is None
    assert catalog.many(actor, [slack.id, "intg_none", ""]) == {slack.id: slack}


def test_definitions_are_found_by_version_and_the_latest_without(catalog):
    assert str(catalog.definition("slack").version) == "1.1.0"
    assert str(catalog.definition("slack", "1.0.0").version) == "1.0.0"
    assert str(catalog.definition("slack", parse_version("1.0.0")).version) == "1.0.0"
    assert catalog.definition("slack", "9.9.9") is None
    assert catalog.definition("slack", "nonsense") is None
    assert catalog.definition("none") is None


def test_ids_are_well_formed_stable_and_different(catalog):
    ids = [entry.id for entry in catalog.all()]
    versions = [version_id(entry.key, one.version) for entry in catalog.all() for one in entry.versions]

    assert {prefix_of(one) for one in ids} == {"intg"}
    assert {prefix_of(one) for one in versions} == {"ver"}
    assert len(set(ids + versions)) == len(ids) + len(versions)
    # stored in databases and bookmarks: these must never change
    assert integration_id("slack") == "intg_1rq8eemndrehe33ehg8y3sscaf"
    assert version_id("slack", "1.0.0") == "ver_3myeasn7cwtbn4ds0csb39kggj"


def test_definitions_are_found_by_their_own_id(catalog, actor):
    definition = catalog.definition("slack", "1.0.0")
    id_ = version_id("slack", "1.0.0")

    assert catalog.definitions(actor, [id_, "ver_none"]) == {id_: definition}


def test_versions_stand_in_semver_order_and_a_prerelease_is_not_the_latest():
    versions = [version_of(text) for text in ("1.10.0", "1.9.0", "2.0.0-rc.1")]
    catalog = Catalog([IntegrationEntry("acme", tuple(sorted(versions, key=lambda one: one.version)))])
    entry = catalog.integration("acme")

    assert [str(one.version) for one in entry.versions] == ["1.9.0", "1.10.0", "2.0.0-rc.1"]
    assert str(entry.latest.version) == "1.10.0"
    assert str(catalog.definition("acme").version) == "1.10.0"
    assert str(entry.newest_in(parse_range("<1.10")).version) == "1.9.0"
    assert entry.newest_in(parse_range("^3")) is None


def test_the_changelog_goes_from_a_version_on(catalog):
    slack = catalog.integration("slack")

    assert [one.version for one in slack.changelog()] == ["1.1.0", "1.0.0"]
    assert [one.version for one in slack.changelog(parse_version("1.0.0"))] == ["1.1.0"]
    assert slack.changelog(parse_version("1.1.0")) == ()


def test_categories_are_counted_and_unused_ones_left_out(catalog):
    categories = catalog.categories()

    assert categories["communication"] == 2
    assert categories["custom"] == 2
    assert "hr" not in categories
    assert [label_of(key) for key in categories] == sorted(label_of(key) for key in categories)


def test_extra_folders_add_integrations(tmp_path):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "1.1.0.yaml").write_text(DRAFT)

    catalog = load_catalog(extra=[tmp_path])

    assert catalog.definition("acme").name == "Acme"
    assert catalog.integration("acme").icon is None
    assert catalog.integration("slack") is not None


def test_the_same_version_twice_is_refused(tmp_path):
    for place in ("one", "two"):
        (tmp_path / place / "acme").mkdir(parents=True)
        (tmp_path / place / "acme" / "1.1.0.yaml").write_text(DRAFT)

    with pytest.raises(DefinitionsInvalidError) as raised:
        load_catalog(tmp_path / "one", [tmp_path / "two"])

    assert [fault.rule for fault in raised.value.faults] == ["file/duplicate"]


def test_a_file_with_faults_stops_the_loading(tmp_path):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "1.1.0.yaml").write_text("a: *b")

    with pytest.raises(DefinitionsInvalidError):
        load_catalog(extra=[tmp_path])


def test_every_value_that_is_counted_has_plain_words():
    from app.catalog.definition import AuthKind, ReleaseStage

    assert set(AUTH_KINDS) == {kind.value for kind in AuthKind}
    assert set(CAPABILITIES) == {ability.value for ability in Capability}
    assert set(STAGES) == {stage.value for stage in ReleaseStage}
    assert label_of("crm") == "Customer relations"
    assert label_of("soql") == "soql"
