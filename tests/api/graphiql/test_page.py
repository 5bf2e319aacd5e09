import gzip
import json
import re

import httpx
import pytest
from starlette.applications import Starlette

from app.api.graphiql.assets import Assets
from app.api.graphiql.page import graphiql_routes

NAMES = sorted(Assets().names)


def client(*, signed_in=True):
    async def asks_nobody(_request):
        return signed_in

    app = Starlette(routes=graphiql_routes(asks_nobody))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub")


def policy_of(answer):
    parts = answer.headers["content-security-policy"].split("; ")
    return {name: " ".join(values) for name, *values in (part.split(" ") for part in parts)}


async def test_page_comes_with_the_strict_policy():
    answer = await client().get("/graphiql")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = policy_of(answer)
    nonce = re.fullmatch(r"'self' 'nonce-([\w-]{22})'", policy.pop("style-src"))
    assert nonce
    assert f'nonce="{nonce[1]}"' in answer.text
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["cache-control"] == "no-store"


async def test_style_nonce_is_new_for_every_page():
    pages = [await client().get("/graphiql") for _ in range(3)]
    assert len({policy_of(page)["style-src"] for page in pages}) == 3


@pytest.mark.parametrize("path", ["/graphiql", "/graphiql/assets/boot.js", "/graphiql/assets/none.js"])
async def test_every_answer_carries_the_security_headers(path):
    headers = (await client().get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin-allow-popups"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "default-src 'none'" in headers["content-security-policy"]


async def test_who_is_not_signed_in_gets_the_page_and_a_line_that_says_how():
    answer = await client(signed_in=False).get("/graphiql")
    assert answer.status_code == 200
    assert "You are not signed in" in answer.text
    assert "patchbay serve" in answer.text
    assert 'id="graphiql"' in answer.text


async def test_who_is_signed_in_gets_no_such_line():
    answer = await client(signed_in=True).get("/graphiql")
    assert "not signed in" not in answer.text
    assert "<!--" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/graphiql", "/graphiql/assets/boot.js"])
async def test_only_reading_is_allowed(method, path):
    assert (await client().request(method, path)).status_code == 405


async def test_every_file_the_page_names_is_served():
    page = (await client().get("/graphiql")).text
    named = re.findall(r'(?:src|href)="(graphiql/assets/[^"]+)"', page)
    assert len(named) == 7
    for path in named:
        assert (await client().get(f"/{path}")).status_code == 200, path


@pytest.mark.parametrize("name", NAMES)
async def test_asset_has_its_type_and_an_etag_that_answers_304(name):
    answer = await client().get(f"/graphiql/assets/{name}")
    assert answer.status_code == 200
    expected = {
        "js": "text/javascript; charset=utf-8",
        "css": "text/css; charset=utf-8",
        "json": "application/json",
    }
    assert answer.headers["content-type"] == expected[name.rsplit(".", 1)[1]]
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["vary"] == "Accept-Encoding"
    for known in (answer.headers["etag"], f'"other", W/{answer.headers["etag"]}', "*"):
        again = await client().get(f"/graphiql/assets/{name}", headers={"if-none-match": known})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == answer.headers["etag"]
    stale = await client().get(f"/graphiql/assets/{name}", headers={"if-none-match": '"other"'})
    assert stale.status_code == 200


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "deflate, gzip;q=1.0"])
async def test_big_file_is_sent_compressed_under_its_own_etag(accepted):
    plain = await client().get("/graphiql/assets/graphiql.min.js", headers={"accept-encoding": "identity"})
    packed = await client().get("/graphiql/assets/graphiql.min.js", headers={"accept-encoding": accepted})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < 0.4 * int(plain.headers["content-length"])
    assert packed.headers["etag"] != plain.headers["etag"]


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.000", "identity"])
async def test_file_is_sent_as_it_is_to_who_takes_no_gzip(accepted):
    answer = await client().get("/graphiql/assets/graphiql.min.css", headers={"accept-encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert len(answer.content) == 418_449


async def test_compressed_bytes_are_the_same_every_time():
    found = await Assets().find("graphiql.min.css")
    again = await Assets().find("graphiql.min.css")
    assert found == again
    assert gzip.decompress(found.gzipped) == found.body


@pytest.mark.parametrize(
    "path",
    [
        "index.html",
        "VENDORED.json",
        "licences/react.txt",
        "graphiql.min.js.map",
        "..%2Fpage.py",
        "%2e%2e/page.py",
        "",
    ],
)
async def test_what_is_not_on_the_list_is_not_found_and_never_the_page(path):
    answer = await client().get(f"/graphiql/assets/{path}")
    assert answer.status_code == 404
    assert "<html" not in answer.text


async def test_examples_asset_holds_the_tabs():
    tabs = json.loads((await client().get("/graphiql/assets/examples.json")).content)
    assert len(tabs) == 10
    assert all(set(tab) == {"query", "variables"} for tab in tabs)
