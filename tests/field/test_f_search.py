"""F6: the catalog is searched by what people say, and forgives typing errors only where nothing else matches."""

from __future__ import annotations

import pytest

from app.access.actor import Actor
from app.catalog.search import Field, IntegrationFilter
from app.catalog.words import words_of
from tests.hubs import CATALOG

READER = Actor.system("wks_test", "test", "req_test")


def found(query, *wanted):
    return [hit.entry.key for hit in CATALOG.search(READER, query, *wanted)]


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("chat", ["slack", "telegram"]),
        ("bank", ["xero"]),
        ("send message", ["slack", "telegram"]),
        ("send a message", ["slack", "telegram"]),
        ("messages", ["slack", "telegram"]),
        ("chats", ["slack", "telegram"]),
        ("credit card", ["stripe"]),
        ("sfdc", ["salesforce"]),
        ("accounting", ["xero"]),
        ("sso", ["generic-oauth2"]),
        ("repo", ["github"]),
        ("how do i connect to slack", ["slack"]),
    ],
    ids=lambda value: f"F6 {value}",
)
def test_what_people_say_finds_what_they_mean_and_nothing_else(query, keys):
    assert found(query) == keys


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("pay", "stripe"),
        ("payment", "stripe"),
        ("billing", "stripe"),
        ("invoice", "xero"),
        ("crm", "salesforce"),
    ],
    ids=lambda value: f"F6 {value}",
)
def test_the_one_that_is_meant_stands_first(query, first):
    assert found(query)[0] == first


def test_f6_a_use_case_is_found_where_nothing_is_called_so():
    assert "slack" in found("colleague")
    assert found("pull requests chat") == ["github"]


@pytest.mark.parametrize("query", ["slak", "salck", "strpie", "githb"], ids=lambda query: f"F6 {query}")
def test_a_word_that_nothing_has_may_be_mistyped(query):
    assert len(found(query)) == 1


def test_f6_a_word_that_something_has_is_never_taken_for_a_mistyped_other():
    for entry in CATALOG.all():
        for word in {word for tag in entry.latest.synonyms for word in words_of(tag)}:
            for hit in CATALOG.search(READER, word):
                assert all(known.startswith(word) or word == f"{known}s" for known in hit.matched), (
                    word,
                    hit.matched,
                )


def test_f6_facets_count_what_the_search_finds():
    facets = {facet.field: facet for facet in CATALOG.facets(READER, "chat", IntegrationFilter()).values()}
    assert {value.value: value.count for value in facets[Field.CATEGORY].values} == {"communication": 2}


def test_f6_every_shipped_integration_says_what_people_call_it():
    assert all(len(entry.latest.synonyms) >= 4 for entry in CATALOG.all())
