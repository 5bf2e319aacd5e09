import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.actor import Actor
from app.catalog.catalog import Catalog, load_catalog
from app.catalog.entry import IntegrationEntry
from app.catalog.loader import load_text
from app.catalog.search import Field, IntegrationFilter, Order
from app.catalog.words import query_words, typo_distance
from tests.catalog.drafts import DRAFT


def entry(key, name, **changes):
    """Return the draft as another integration."""
    text = DRAFT.replace("integration: acme", f"integration: {key}").replace(
        "name: Acme\n", f"name: {name}\n"
    )
    for old, new in changes.items():
        assert f"\n{old}: " in text or old == "tags"
        lines = [f"{old}: {new}" if line.startswith(f"{old}: ") else line for line in text.splitlines()]
        text = "\n".join(lines)
    if "tags" in changes:
        text += f"\ntags: {changes['tags']}"
    loaded = load_text(text.encode(), "a")
    assert loaded.faults == ()
    return IntegrationEntry(key, (loaded.definition,))


class Read:
    """A catalog as somebody who may read it searches it."""

    reader = Actor.system("wks_test", "test", "req_test")

    def __init__(self, catalog):
        self._catalog = catalog

    def search(self, *wanted, **more):
        return self._catalog.search(self.reader, *wanted, **more)

    def all(self):
        return self._catalog.all()

    def facets(self, *wanted):
        return self._catalog.facets(self.reader, *wanted)


@pytest.fixture(scope="module")
def shipped():
    return Read(load_catalog())


@pytest.fixture(scope="module")
def small():
    return Read(Catalog([
        entry("mail-box", "Mailbox", summary="Letters.", tags="[post]", categories="[files]"),
        entry("mail", "Mail", summary="Letters.", tags="[letters]", categories="[communication]"),
        entry("chatter", "Chatter", summary="Talk, and mail now and then.", categories="[communication]"),
        entry("cafe", "Café Zürich", summary="Coffee.", stage="EXPERIMENTAL", categories="[commerce]"),
    ]))  # fmt: skip


def keys(hits):
    return [hit.entry.key for hit in hits]


def test_names_come_before_beginnings_before_other_words(small):
    assert keys(small.search("mail")) == ["mail", "mail-box", "chatter"]


def test_scores_fall_and_matched_words_are_told(small):
    hits = small.search("mail")

    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert [hit.matched for hit in hits] == [("mail",), ("mail",), ("mail",)]
    assert small.search("lett")[0].matched == ("letters",)


@pytest.mark.parametrize("query", ["slack", "Slack", "SLACK", "slac", "slak", "salck", "slacck", "sl"])
def test_case_beginnings_and_small_typing_errors_are_forgiven(shipped, query):
    assert keys(shipped.search(query))[0] == "slack"


@pytest.mark.parametrize("query", ["salesfroce", "salesforec", "salseforce", "salefsorce"])
def test_long_words_may_have_two_errors(shipped, query):
    assert keys(shipped.search(query)) == ["salesforce"]


def test_short_words_must_be_right(shipped):
    assert keys(shipped.search("xro")) == []
    assert keys(shipped.search("zzz")) == []


def test_accents_do_not_matter(small):
    assert keys(small.search("cafe zurich")) == ["cafe"]
    assert keys(small.search("Café")) == ["cafe"]


def test_every_word_must_match(small):
    assert keys(small.search("mail letters")) == ["mail", "mail-box"]
    assert keys(small.search("mail coffee")) == []


def test_use_cases_and_tags_are_searched(shipped):
    assert "xero" in keys(shipped.search("invoices"))
    assert keys(shipped.search("soql")) == ["salesforce"]
    assert set(keys(shipped.search("notifications"))) == {"slack", "telegram"}


def test_small_words_do_not_count_unless_there_is_nothing_else(shipped):
    assert keys(shipped.search("messages to the channels"))[0] in {"slack", "telegram"}
    assert query_words("in the") == ("in", "the")
    assert query_words("mail in the box") == ("mail", "box")


def test_an_empty_query_finds_all_without_a_score(shipped):
    for query in (None, "", "   ", "!?"):
        hits = shipped.search(query)
        assert len(hits) == len(shipped.all())
        assert {hit.score for hit in hits} == {0.0}
        assert {hit.matched for hit in hits} == {()}


def test_long_queries_are_cut_short(shipped):
    assert len(query_words(" ".join(f"w{n}" for n in range(50)))) == 10
    assert shipped.search("x" * 100_000) == []


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (IntegrationFilter(categories=("payments",)), {"stripe"}),
        (IntegrationFilter(categories=("payments", "accounting")), {"stripe", "xero"}),
        (IntegrationFilter(auth_kinds=("basic",)), {"generic-http"}),
        (IntegrationFilter(auth_kinds=("oauth2",), categories=("communication",)), {"slack"}),
        (IntegrationFilter(capabilities=("TRIGGER",), categories=("crm", "custom")), set()),
        (IntegrationFilter(tags=("git",)), {"github"}),
        (IntegrationFilter(stages=("RETIRED",)), set()),
        (IntegrationFilter(keys=("slack", "xero")), {"slack", "xero"}),
        (IntegrationFilter(keys=()), set()),
        (IntegrationFilter(categories=("nonsense",)), set()),
    ],
)
def test_filters_join_values_by_or_and_fields_by_and(shipped, wanted, expected):
    assert set(keys(shipped.search(None, wanted))) == expected


def test_orders(shipped, small):
    by_popularity = [hit.entry.latest.popularity for hit in shipped.search()]

    assert by_popularity == sorted(by_popularity, reverse=True)
    assert keys(small.search(order=Order.NAME)) == ["cafe", "chatter", "mail", "mail-box"]
    assert keys(small.search(order=Order.NAME, descending=True)) == ["mail-box", "mail", "chatter", "cafe"]
    assert keys(shipped.search(order=Order.RECENTLY_UPDATED)) == keys(shipped.search(order=Order.NAME))
    assert keys(small.search("mail", order=Order.NAME)) == ["chatter", "mail", "mail-box"]


def test_facets_count_under_the_query_and_ignore_their_own_filter(small):
    wanted = IntegrationFilter(categories=("communication",))
    facets = small.facets("mail", wanted)
    categories = {value.value: value for value in facets[Field.CATEGORY].values}

    assert {key: value.count for key, value in categories.items()} == {"communication": 2, "files": 1}
    assert [key for key, value in categories.items() if value.selected] == ["communication"]
    assert categories["files"].label == "Files and storage"
    assert {value.value: value.count for value in facets[Field.STAGE].values} == {"AVAILABLE": 2}
    assert {value.value: value.count for value in facets[Field.TAG].values} == {"letters": 1}


def test_a_selected_value_stays_in_its_facet_at_zero(small):
    facets = small.facets("coffee", IntegrationFilter(categories=("files",)))

    assert [(one.value, one.count, one.selected) for one in facets[Field.CATEGORY].values] == [
        ("commerce", 1, False),
        ("files", 0, True),
    ]


def test_facets_stand_in_order_of_count(shipped):
    for facet in shipped.facets().values():
        counts = [value.count for value in facet.values]
        assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [("mail", "mail", 0), ("mail", "mial", 1), ("mail", "mal", 1), ("mail", "maill", 1), ("mail", "nail", 1),
     ("mail", "post", 3), ("mail", "m", 3), ("", "ab", 2), ("abcd", "badc", 2)],
)  # fmt: skip
def test_typing_errors_are_counted_up_to_the_limit(left, right, distance):
    assert typo_distance(left, right, 2) == distance


@given(st.text(max_size=60))
def test_any_query_is_answered_the_same_twice(shipped, query):
    first = shipped.search(query)

    assert keys(first) == keys(shipped.search(query))
    assert len(set(keys(first))) == len(first)


@given(st.text(alphabet="abc", max_size=6), st.text(alphabet="abc", max_size=6))
def test_typing_errors_count_the_same_both_ways(left, right):
    assert typo_distance(left, right, 3) == typo_distance(right, left, 3)
    assert (typo_distance(left, right, 3) == 0) == (left == right)
