import shutil

import pytest

from app.catalog.faults import DefinitionFault, DefinitionsInvalidError
from app.catalog.loader import DEFINITIONS, Report, check_definitions, load_file, load_folder, load_text
from app.foundation.problems import ProblemCode
from tests.catalog.drafts import DRAFT, changed

ICON = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><path d="M0 0h4v4z" fill="#123456"/></svg>'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "1.1.0.yaml").write_text(DRAFT)
    (tmp_path / "acme" / "icon.svg").write_text(ICON)
    return tmp_path


def rules(faults):
    return [fault.rule for fault in faults]


def test_a_file_is_loaded_with_its_icon(folder):
    loaded = load_file(folder / "acme" / "1.1.0.yaml")

    assert loaded.faults == ()
    assert loaded.icon == ICON
    assert loaded.definition.integration == "acme"
    assert str(loaded.definition.version) == "1.1.0"


def test_equal_files_make_equal_definitions_and_any_change_another_digest():
    first, second = load_text(DRAFT.encode(), "a"), load_text(DRAFT.encode(), "b")
    other = load_text(changed("name: Acme\n", "name: Akme\n").encode(), "a")

    assert first.definition == second.definition
    assert len(first.definition.digest) == 64
    assert first.definition.digest != other.definition.digest


def test_defaults_of_the_format_are_filled_in():
    definition = load_text(DRAFT.encode(), "a").definition
    oauth, key = definition.auth

    assert oauth.place[0].value == "Bearer {credentials.accessToken}"
    assert oauth.oauth2.pkce is True
    assert oauth.oauth2.pkce_reason is None
    assert oauth.oauth2.scope_param == "scope"
    assert oauth.oauth2.token.access_token == "access_token"
    assert oauth.oauth2.token.granted_separator == " "
    assert oauth.oauth2.token.error == "error"
    assert oauth.oauth2.callback["shopId"].required is True
    assert key.oauth2 is None
    assert definition.methods["me.get"].idempotent is True
    assert definition.methods["me.get"].body_format == "none"
    assert definition.methods["orders.change"].idempotent is False
    assert definition.methods["orders.change"].body_format == "json"
    assert dict(definition.methods["orders.change"].places) == {"id": "path", "note": "body"}
    assert definition.popularity == 0


@pytest.mark.parametrize(
    ("keys", "by"),
    [
        ("grant: client_credentials", "grant"),
        ("grant: authorization_code\n    authorizeUrl: https://api.acme.example/a", "refresh_token"),
    ],
)
def test_renewal_follows_the_grant_where_nothing_is_said(keys, by):
    text = changed("    renewal: {by: refresh_token}\n", "")
    text = text.replace("    authorizeUrl: https://{config.shop}.acme.example/authorize\n", f"    {keys}\n")

    assert load_text(text.encode(), "a").definition.auth[0].oauth2.renewal.by == by


def test_file_and_folder_must_be_called_as_the_file_says(folder):
    shutil.move(folder / "acme", folder / "akme")
    shutil.move(folder / "akme" / "1.1.0.yaml", folder / "akme" / "1.2.0.yaml")

    assert rules(load_file(folder / "akme" / "1.2.0.yaml").faults) == ["file/name", "file/folder"]


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path):
    assert rules(load_file(tmp_path / "none.yaml").faults) == ["file/readable"]
    assert rules(load_file(tmp_path).faults) == ["file/readable"]


@pytest.mark.parametrize(
    "icon",
    [
        "not xml",
        "<svg",
        '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        '<svg xmlns="http://www.w3.org/2000/svg"><a href="https://evil.example"><path d="M0 0"/></a></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg"><image href="https://evil.example/x.png"/></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg"><path fill="url(https://evil.example/x)"/></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg"><path style="background:red"/></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg"><foreignObject/></svg>',
        '<!DOCTYPE svg [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><svg xmlns="http://www.w3.org/2000/svg">&b;</svg>',
        '<?xml-stylesheet href="https://evil.example/x.css"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        f'<svg xmlns="http://www.w3.org/2000/svg"><path d="{"M0 0" * 5000}"/></svg>',
        b'<svg xmlns="http://www.w3.org/2000/svg"><title>\xff</title></svg>',
        "",
    ],
)  # fmt: skip
def test_an_icon_that_could_act_or_load_is_refused(folder, icon):
    data = icon if isinstance(icon, bytes) else icon.encode()
    (folder / "acme" / "icon.svg").write_bytes(data)

    loaded = load_file(folder / "acme" / "1.1.0.yaml")

    assert rules(loaded.faults) == ["file/icon"]
    assert loaded.icon is None
    assert loaded.definition is None


def test_checking_reports_every_fault_of_every_file(folder):
    (folder / "acme" / "1.0.0.yaml").write_text(changed("path: /me}", "path: me}"))
    (folder / "broken").mkdir()
    (folder / "broken" / "1.0.0.yaml").write_text("a: *b")

    report = check_definitions([folder, folder / "none"])

    assert [str(one.version) for one in report.definitions] == ["1.1.0"]
    assert rules(report.faults) == ["semantics/path", "yaml/alias", "file/exists"]


def test_checking_an_empty_folder_reads_nothing(tmp_path):
    assert check_definitions([tmp_path]) == Report((), ())


def test_checking_one_good_file_finds_no_fault(folder):
    report = check_definitions([folder / "acme" / "1.1.0.yaml"])

    assert [str(one.version) for one in report.definitions] == ["1.1.0"]
    assert report.faults == ()


def test_loading_a_folder_with_faults_raises_them_all(folder):
    (folder / "acme" / "1.0.0.yaml").write_text("a: *b\nc: !d e")

    with pytest.raises(DefinitionsInvalidError) as raised:
        load_folder(folder)

    assert rules(raised.value.faults) == ["yaml/alias", "yaml/tag"]
    assert raised.value.problem.code is ProblemCode.DEFINITION_INVALID
    assert "line 1" in raised.value.problem.message
    assert len(raised.value.problem.details["faults"]) == 2


def test_a_fault_reads_as_compilers_write_it():
    fault = DefinitionFault("a.yaml", 3, 5, "yaml/tag", "the tag !x is not allowed")

    assert str(fault) == "a.yaml:3:5: yaml/tag: the tag !x is not allowed"


def test_every_shipped_file_is_without_fault():
    report = check_definitions([DEFINITIONS])

    assert [str(fault) for fault in report.faults] == []
    assert len(report.definitions) == len(list(DEFINITIONS.glob("*/*.yaml"))) >= 9
