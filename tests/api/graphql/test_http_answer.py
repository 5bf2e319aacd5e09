"""Which media type an Accept header prefers."""

import pytest

from app.api.graphql.http_answer import MediaType, preferred

JSON, GRAPHQL, STREAM = MediaType.JSON, MediaType.GRAPHQL, MediaType.STREAM


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        ("application/json;q=0.5, application/graphql-response+json;q=0.8", GRAPHQL),
        ("application/json, application/graphql-response+json", JSON),
        ("application/graphql-response+json;q=0, application/json;q=0.1", JSON),
        ("TEXT/Event-Stream", STREAM),
        ("text/html, */*;q=0.1", JSON),
        ("text/html", None),
        ("application/json;q=0", None),
        ("application/json;q=nonsense", None),
        ("," * 5_000, None),
    ],
)
def test_the_preferred_media_type_is_found(accept, expected):
    assert preferred(accept) is expected
