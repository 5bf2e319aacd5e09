"""Applications are bound to the addresses that their secrets may be sent to, and several stand side by side.

An application of ``generic-oauth2`` is bound to the addresses of its connections where they all agree. Where they do
not, or where nothing was authorized with it, nobody can tell for which of them its secret was saved: it stays unbound,
is sent nowhere, and has to be saved again.

The last characters of passwords are forgotten, too.
"""

import json
import re
from ipaddress import IPv6Address

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

_NAMES = """
CASE "source" WHEN 'OPERATOR' THEN 'The operator''s default' WHEN 'SANDBOX' THEN 'Sandbox' ELSE 'Default' END
"""
_COLUMNS = """"id", "workspace_id", "integration", "mode", "source", "client_id", "fields_json", "secret_fields",
"secret_hint", "secret_generation", "problem", "revision", "created_at", "updated_at\""""
UP = {
    "sqlite": f"""
CREATE TABLE "application_bound" (
    "id" VARCHAR(40) NOT NULL PRIMARY KEY,
    "workspace_id" VARCHAR(40) NOT NULL,
    "integration" VARCHAR(64) NOT NULL,
    "mode" VARCHAR(16) NOT NULL,
    "source" VARCHAR(16) NOT NULL,
    "name" VARCHAR(120) NOT NULL,
    "name_key" VARCHAR(240) NOT NULL,
    "origins" JSON NOT NULL,
    "client_id" VARCHAR(512) NOT NULL,
    "fields_json" JSON NOT NULL,
    "secret_fields" JSON NOT NULL,
    "secret_hint" VARCHAR(16),
    "secret_generation" INT NOT NULL,
    "problem" JSON,
    "revision" INT NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "updated_at" TIMESTAMP NOT NULL,
    CONSTRAINT "uid_application_workspa_1e1a20" UNIQUE ("workspace_id", "integration", "mode", "source", "name_key")
);
INSERT INTO "application_bound" ({_COLUMNS}, "name", "name_key", "origins")
SELECT {_COLUMNS}, {_NAMES}, LOWER({_NAMES}), '[]' FROM "application";
DROP TABLE "application";
ALTER TABLE "application_bound" RENAME TO "application";
CREATE INDEX "idx_application_workspa_6b6768" ON "application" ("workspace_id");
""",
    "postgres": f"""
ALTER TABLE "application" ADD COLUMN "name" VARCHAR(120);
ALTER TABLE "application" ADD COLUMN "name_key" VARCHAR(240);
ALTER TABLE "application" ADD COLUMN "origins" JSONB;
UPDATE "application" SET "name" = {_NAMES}, "name_key" = LOWER({_NAMES}), "origins" = '[]';
ALTER TABLE "application" ALTER COLUMN "name" SET NOT NULL;
ALTER TABLE "application" ALTER COLUMN "name_key" SET NOT NULL;
ALTER TABLE "application" ALTER COLUMN "origins" SET NOT NULL;
ALTER TABLE "application" DROP COLUMN "slot";
ALTER TABLE "application" ADD CONSTRAINT "uid_application_workspa_1e1a20"
UNIQUE ("workspace_id", "integration", "mode", "source", "name_key");
""",
}
_OPEN = "generic-oauth2"
_ENDPOINTS = ("tokenUrl", "revokeUrl")
_USED = f"""
SELECT a."id" AS "id", c."config" AS "config" FROM "application" a
JOIN "credential" k ON k."application_id" = a."id" AND k."generation" > 0
JOIN "connection" c ON c."id" = k."connection_id"
WHERE a."integration" = '{_OPEN}' AND a."mode" = 'LIVE' AND a."source" = 'WORKSPACE'
"""  # noqa: S608 - a name of the file's own
_PASSWORDS = """
SELECT k."connection_id" AS "id", k."hints" AS "hints" FROM "credential" k
JOIN "connection" c ON c."id" = k."connection_id"
WHERE c."integration" = 'generic-http' AND k."auth_method" = 'basic'
"""
_ORIGIN = re.compile(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?(?=[/?]|$)", re.IGNORECASE)
_PORTS = {"https": 443, "http": 80}


async def upgrade(db: BaseDBAsyncClient) -> str:
    used = await db.execute_query_dict(_USED)
    found: dict[str, set[tuple[str, ...]]] = {}
    for row in used:
        config = json.loads(row["config"]) if isinstance(row["config"], str) else row["config"]
        found.setdefault(row["id"], set()).add(_origins(config))
    bound = {id_: next(iter(origins)) for id_, origins in found.items() if len(origins) == 1}
    updates = [
        f"""UPDATE "application" SET "origins" = '{json.dumps(list(origins))}' WHERE "id" = '{id_}';"""  # noqa: S608 - our own ids
        for id_, origins in sorted(bound.items())
    ]
    for row in await db.execute_query_dict(_PASSWORDS):
        told = json.loads(row["hints"]) if isinstance(row["hints"], str) else row["hints"]
        forgotten = json.dumps([{**hint, "hint": None} for hint in told]).replace("'", "''")
        updates.append(f"""UPDATE "credential" SET "hints" = '{forgotten}' WHERE "connection_id" = '{row["id"]}';""")
    return UP[db.capabilities.dialect] + "\n".join(updates)


async def downgrade(db: BaseDBAsyncClient) -> str:
    raise RuntimeError("several applications cannot be made one again: restore a backup instead")


def _origins(config: dict[str, str]) -> tuple[str, ...]:
    """Return the origins as the hub writes them; an address that it would not call has none."""
    origins: dict[str, None] = {}
    for name in _ENDPOINTS:
        match = _ORIGIN.match(config.get(name) or "")
        if match is not None:
            scheme, host = match[1].lower(), match[2].lower().removesuffix(".")
            host = f"[{IPv6Address(host[1:-1])}]" if host.startswith("[") else host
            port = int(match[3] or _PORTS[scheme])
            origins[f"{scheme}://{host}" if port == _PORTS[scheme] else f"{scheme}://{host}:{port}"] = None
    return tuple(origins)


MODELS_STATE = (
    "eJztXetz2za2/1cw/pL0jpKJHSfN486dsVN3m20Tdxx3s920Q9EkJHFNASpAWtHdm//9Ho"
    "AP8W1CFmUIxpc2Js8Bqd8BgfPCOf85mFMfh/zpe8IjNwzdKKDkAnuU+Qdv0H8OiDvH8I8O"
    "qhE6cBeLNY24ELlXoWQLCvSS8opHzPUiuDdxQ47hko+5x4KFpACOyxlGlGDE6BJFMzdC0+"
    "AGc/hnwFFxNBREcMF/C/9H4iU5usA+0HgzlxB4DeQSH8HfBN9ghviMLgmKKIowcUnEn4qX"
    "8akHbxOQ6Y6fG5Pgrxg7EZ3iaIYZPP3LnyOBlY+/Yp79ubh2JgEOy2LgIY3EEPKOE60W8u"
    "p7Ev0oScWPunI8GsZzUiRfrKIZJTl9QOTVKSaYuRH2C9IgMfzORHjZpeR14ULEYpy/p7++"
    "4OOJG4dCpoI7eYf1tQPH+Xh+6Xw6u3Scg5q8M46CKNJLHiVirsC7cgnBVLzCk6PD4++PXz"
    "1/efwKSORr5le+/5Y8eo1NwigR+nh58E3edyM3oZBAr5EN/Dqu72YuawY2oa7ACq+7f7DO"
    "3a9OiMk0msGfx886MPzHycW7n04uHh8/+048kMJ3nHzkH9M7R/KWgHkNq8ewgMJxG6btD3"
    "AnCua4GeIyZwVqP2V9mv1jE+CzC2vk12vSDqDvgPry/YezT5cnH34Vw885/yuUeJ1cnok7"
    "R/LqqnL18cuKWPJB0Of3lz8h8Sf61/nHMwkn5dGUySeu6S7/dSDeyY0j6hC6dFy/iEl2Ob"
    "v0TSxSk+vCxyQuXLne9dJlvlO7Q49oG2391vxoXr3iEncqhSTQFO+ZbUk+ni8orK/eqmPf"
    "qhF1b1tr8n671mexY4jtA6goe8QRwzDHeISWQTSTN67xCvli3+AeXWBf7AlLyq75wvVgPM"
    "kmtw64yeRGU9+ihnrIHfYju2rCny+Pe6yaL49bV01xq3tzyoXoqAFe5dsO9PV106QdK/82"
    "VIAuMQ2F8k53p2GmeGHlIIs4cmYunymtICUuC3QPoGGXF+9bA/nvn84/NoO85qhqXYEXof"
    "9DYcD72A/poqALzh24CihKmlaG5+MPJ/+sQv3ul/PTqgolBji1mu9D0XyLYsZfFwEMt4GY"
    "y5y7EfMuN+p9l7Im9s1J7AfRuxn2rhcUoG23cZoJO+0cV7A4Xs7Tz9g5QTyYEjAveASTcY"
    "4JWCUTtATTAUyTMBSusIBwuEspmCLY9RLjJPGWRamf7QpPKNAHUd3OGWD8O5g4JJ5fYVb/"
    "uE+Daavfbc1jjuft9dHR8+ffHz17/vLVi+Pvv3/x6lnugqvf6vLFnb7/m3DHlb7l2/1z6u"
    "ur3T41XViL2+cMuz5XUU5zhjvppnsk0kGU0wXDN8rGV4nJ2l49bK9FfBUGnnONV0o4l7gs"
    "0D2AFgqDG8UMq+BcYjIQ5sOjVz1wBqpWoOW9b1ppwmckYh2O/hpND/0XC/J+qu85aJaSXG"
    "ikQs2Uuuhb0MeC6RQz4ZKfxBwLx3u8ECoGogzBY3HUrOpuYbwG1fZLzfHL8V8Hf1Y03jpV"
    "5DIYpMgyQnUqGUaojmujA0N7qPc3OnCPS+D2wwNixtcw7rIFU4btGIL3De4OTUFr+hlu+i"
    "X7yDUgqbJolbkMXLIOX/ZR2qqCK+hsL6tLVnHDVoPZ2H1h+xZIAhj8ehyq45yzGQj10bM+"
    "ezBQtYIt75XRvglcFZRTcgPR3f5qESzUo/KLu7mFNIsUDx+Rl2lbiitymcvAqTzImqyYx7"
    "PmsAD3ADh1GEiQFFCusBkI9fbtzpJvRhFou2SozmhlPa7KZyDYgyhyNI48OldaPQosBqK8"
    "fYXOx5EbNEzm9hjrmsMGWe8QZL3GK8X1es1h4MweILxqo9i7gFkVYQvuLeDqFE/9Cbv+Le"
    "HUAsno9miqSNCRdL2O+mJxGmmC3PU5pUc8C4KKk7Yh9a4RPFnEQkVq35IFEfy7+fzuXQa7"
    "Q4agXvG3BxX61D8a92wopO8lFGe3AjO3gk/YYzj6jeP2raBK0rkVcEnsxBz32wp+oktYuS"
    "NM1udbETD7sJaDEAiWbjlYzJNxOZrAfUG5iBlo4ViegA0S5nlA4gjXN4hhHtEr+2Y9frbS"
    "J2NKbAqBtmTcWqKOza+x+TWaLoIDFIyofit90a5/ZBbu2+EurET905NzFgtxD4ht+sUOfB"
    "Tp1lmDuDtPbM1lj1/qnCrm0Zg0JAF2GXo5i0283Dzx0mbo7TJDzyaP2eSxPZ/INrXJfF/R"
    "2Q0m0TuxvWLW7i5qoBp1eYywoHe8hKF//CB0eYRA3QhkbU5Rs5MgGkcoIMUwwEhWPYsXsi"
    "DaLPBmaxb5XI6WorjAgsUE+82xhaEeZOMO+tpw7S6hTKpqOmmRy0YgNtNJk08HvhdF6Its"
    "Fvv+2Ou06dyy2/TeZvptL+Jsrkfn8yCCOQFEXsv53QaaXlGBfDW4/WBu3bdZ4rXBARsc0F"
    "DrHcBbvUfbrnHeIOUsf3PT+7fvv6aeFzO2UbnICqs99ay5K/te45taH7UboFpDfPVvAE35"
    "hFKVz8A1bDiw1eZ1mctAoIc6a27jMrZygjmz2Qa/dhP88ijoikkrK2UFpMppIObbn97Cc1"
    "CHuePwXUpvj94pHr3TxFP5Q4w/U3bd7qssE4y6vJV+jB3hKOrvsFwE2MPiEAywyrDUUzQe"
    "TzDx8Hgs6mmzSHSoW6XFtImPpowuObpaJVnRUVJO2wvdYC5b3PnYC+AxaDmjaO6ukiMzzX"
    "7Q3Tz6D/IHGY8DH8YMODxA6DNvUh1yPH4LV0KXiCcm5cDF7dE6Piefy2GJA/g4ZjfYR4zG"
    "xH/C6FVAxAsLyN0oGV1INqk7/geBF1q6PA38xQtBGmKXY4cu4UtMfuGKZ1XK0YJRD3OO/A"
    "AeIfszuclPE4wBd+RjpvB9jMdvEPdm2I9DkYtO8BLxADDLnyi5sC9+WSBioyyWAueCcZbn"
    "tMswpOhdWOZCE0bnfxAXwHT97KV6xh2/HAgkpaglJtbXvKNyq6MOd7Oq0m+wuv/8qAfcz4"
    "9a0Ra3Gg3YDaxXQyF+3UcBfd2uf76uqZ82XLJLh4zY6JRmc8ZgILzb1+yz7bEvuhm9geAe"
    "9pq8hx2z97A+fVO1o4ZwdzhkzbWFSMjt7nKb0r9ZHCTXeTcQcZXXhry0FnXR3KmL+pRSMK"
    "RIi6lQYa1I+gp4hxJufmW30j09P/+lJNjT95XI/MffPpyewWIqJQpEYBWLy/WAfcE+Vdqm"
    "ymzmhRm3bzgkkMUkaqqz1b2WVVh3smfZlWzDlUx6sxqWsI7ko5zFZh5tnHlU8nvV4W/Fvs"
    "ZnTOLv0eHx98evnr88znHPr3TB3dRbIcLzRaSCapHFAloFdOIGITzPkU5c1c2gxmy3A523"
    "AxkMcOLFBiZMhdXKWWc5i7NfzoJRAHqu5vAp85mnSh/3CXkct0c8jl/V8hNs23RTPylNAv"
    "QnngiCXtJrTDoKX9aIRp2lLyW5Ewl6SdmjifYciybRjzhKmJFkHiHiMkaX2BeBce5RkHJT"
    "h2w15jscMrWh3QN7jMgE7Asd3V21gvMZvYFxm1d9wH3VDu6rep8KsRApF+Uucxm3fgxQkz"
    "toKojUUYg1aKyGZMIc3n7ad7Jz1uFtT9pcc9i0zTt0TLDK/yai2Avlvyhm/HURwHAbiLnM"
    "ab0mOktZej9EheUN5FzltZLWWdIM34D+tomcy5xWyjpLOXE5KNqnJSYDlc/tWKc1z1gV9T"
    "rkP1KGgyn5Ga8k8O/hHd3moFHq0fogB1o7s/YM9m/ZzMqurj925i5zx1V5wgEK8NtxkiBz"
    "AV/Axft3lwff7sfvWBJAg8uxKqB2b+N6TvTxMy4w45TUCtWlh1IYDRvO8/Tmsp5FHdaPUY"
    "dn0Xq7BvR2ie9ABdyM3kBwt++Gsd6AB6FXhngSbWIirtms3aCzfHUPbZlsPeQYbsGA+JyN"
    "ZbwNUZ15ymZEsbjJOjGgIaJwmrL/+PNFWlqjHf/GlARDJFAOv8DPbM70VYHrUzKK4VDBF+"
    "wExAkDcn1XvGCo9+QXGMg8yIY068vzrMGur03ErraJkrSvZS+kj/0nYKNfiVIamDUZ8s1E"
    "1m7XYeceddjtuqtN+4+9TVrZcdKKNehv27qMMPhk8JZj+DY2DPwWeK2otRa1Rpkcmm1ZRk"
    "kZENxk1S7yWR+dzhK2sX0b27/3L2mPY/s150mTH6DBwdLhCih4dvr6AyjBT8RaipbuCgVk"
    "hBZMHIH306qUYOgjuhATgzLkhqLqJqjVPkdBQ2ejO49mPQw6rD6jPfYw7P3SX6677WNlD0"
    "OJybgZbh0MVlu1VqeVcouUNzw6YE8N7Il8rc1pbc57/5L22Oas5uM0mJwNKTvtFmcpV6iP"
    "uRlh4pLoKRLt0YX5N3d92cdhEjAeJR0f0IzCT0E8pBE6HCFOwWwEimhJi1QcWK+TMfKXaL"
    "JIh3+gNVp1WL5GHUarTWcfMJ1dfDZ1cFsrAWbkG1UBrGpW9zuLt1wF0BqixqqwNd2qTxpo"
    "okXcMUPPUI1r0Ow8+Nhc0Gk7unGVCDoVJLknXeNVP/3ovKhcPOJIcCPgHqElg2dgX3SCAm"
    "0kwkmzqZN3l+//cTZCP5y9u/j910vn/OMvvyPK4G9QM89/P/uhuevWdh+RdNeC3xXcYEcs"
    "78CYaFTC3V98VuCLs4HiakItm0+J7lqERjN4v+wuFXoUf4OusLiYzMURCqI/COjRXCpmaV"
    "sqXNDKEl0NfgrwRUuM5Vjzp+gEAcoRoyvsy7vXGC9ExIHnjw+pGGg8ThEYj3t3u7rG16ma"
    "L/51A28tJGmbXtkohTbuvaGDFIUPXwXqCttWypwaOMcLerZYk1UQzhkMNGO2f3B0vZL3xX"
    "fNYSDALw77NLwAqlaI5b06xtkeqQh0gc1AtLfYBrKwCSbaTB3pS/y1xTgvsJhQd7rLbDz7"
    "52XJYqyVosutxl/OP/4tI6/Wp7MW/AOx4Es95jJzYpNOcxVeG27UTdIKvpohnRA/49W7Gf"
    "Y6cgMrFKMuNwTYvY4niPvGaYDhCSYeW8lr0m5OgiKzIPEZXLkco5nLkTh4kdf4EY0LcEJJ"
    "SbhKyAUzXWDSWJR8mAclPomaGyNxXKwdGSPkJl4K8T7wEF+2wp4lrgM5nOiLnQaBhEcB+O"
    "HJcxqJ5toXMEEvzn5AE7g6pdRv8xp0uglsmKinjjS818CaANYEMMsEkKukigGQMxiB8K71"
    "f+uisbW99JvpVulWqMvhhtjvKstRuN+pcHNJ6dy4YdwzN0oE5hIuJLlkZEqooYvQ9bBQTK"
    "9wSMlU9O15i8bjdIYCd6LhClKPxqJ9JaITGd/y6HzhMvwERnrCl+6iORq4i4c2asWyXbCT"
    "QCaEKv9kMCuyr9tqyJppyDautrt4T+Xr6At1hc1AxWL7R4DqK09voFMmC3MPmCcZjn0hzh"
    "ksvD3gXe/NdYxb0zHLTCb1G99aXmaWwqW451XY7JbXI8VBaqIq/oo1hxFLhA1Y7oUo9sGi"
    "Lp2KXPgbirnMacWsnZg1cZycLBZh4Ek9oqM/co1o1NkfeU3eN2rphQEmkcgzFn4MjmGVih"
    "DD04BHmIkqJHnw8CbwMXsr/RcpWcAzT0iahXwjZhqKYV6yJLwIur5MYm4KY+7oyUlcU+Aq"
    "VIvxGD32XI6fTGjoY/87mQvNkbjN07Rp5M4pmSY512s8uXDWuKJTS4Snifo3QkIEydvTmH"
    "n4qXgSZcE0IBwe5KblW2A+siTxOqJoOQu8WfGnzF2RfQ1/kegtIpRgUFBmlOMsposRfMEB"
    "CWSs94bG3gwGmtDW+rJfaq6DwisfpPNP/D95Z/GvDBzrPLLOowerSVe+kt5zu8xmhE49tN"
    "mdrUB9Mc7oDQR3gK7K+bLeO6Sac1iAewBsj0YXMjD6LMNA1ZGBUVuIc21EEeOMx0Ccj3pt"
    "d0cd+91RQ7QkUVTrMLf3Xy+w7L4B+8F/T2LiSTX4Kg7CCF7kqXje/xwMJIMOyIdpyy4NIk"
    "VVr8Rk4NQfJKUu0bWdf/MmXa99+lfY9PgExGON+QQSmzizhRREU2O0whlKOLM0xtVbvSyz"
    "mXBKanAdPoFso/BkI+/uopTPhoJ8yyFKkbYb4rnKGlNgudPqotlk3vUywvBN0JzM3jqniy"
    "y7m8qHezKVbUhyk7m9F7EqG5J8EGLWJCT5jmEfjMnADdsjkjWaUVdA0sup+8UjP4uYlwju"
    "RbQQAgRpEyw160d53G89Mn+DZL3p1Qhxj4LsR8j1ZIb1CK21oHoEcsBnJTHHUub3MzTHLu"
    "FJVC8v3pQ9QlSQCrjDI/hjPH6TJomTSTCNkxHkqUpv5hIQHOIB8XDaHyKIUJQEBf8gMK9m"
    "4j29NDyZl+Wc4ZWMRoogIzw84YSXDsK0cBSKREko+GfAkjz2p+hzeqYz4fRjLN5WBJYe8b"
    "vW8FxjrOrsqDLamKJxMcV7NOQGqPQEX6Qzhw+EKmFdYTMQ6u0HFQu5Goozu845kI9i/5eV"
    "PU2d3henhEYdN/bHSbEXGn7ZATKB0WbO5tJuHsFKXWeph8FESsFpiGu0Lphlpq0UAL9vNW"
    "DLSybD8LO48G4kBpmKQ7eJV4+4kVFx7SlzyWYCqnNax/vmckg9FaracYnLvOjdIAkGGWiA"
    "AA43QTtntICrAK6yuBRY9Fj0jUoWmMkHK4gjZ9BDGEbtwJ5LHAbANZzWP6U0xC5p8bcW+S"
    "pyuQLGoQSSX9kt9qfn57+UsD99Xz0R+tuH07OLx4dSEEAUJD3K6mrpBF4BM9nKWWX5r7AZ"
    "54favtsvi5oozuwim53YChM7rdKk7rMoMVpXhc6uitS9tJGYq7xW0rpJWpNkgwuhV7jhSR"
    "Th+SJqTzhopBt1JR2whAMmoGSRxLdmHohml+IsHxHxdCSHGInCbPMARvHRFZ7Q9Div54bh"
    "G3EUWNRNThoiTUQxNxd5zOWzYpxfdmaKIxhGRs9jcg2CaEhF2PXDbf9NPcJpNkp/j+Drm4"
    "+ik8b+wCPHexQJkS2XN1PNS5w2P1Q7la3iWQg21M0rrFY111nOqeqmsh0VWMwLGzzvEzV4"
    "3h40eC5jBtoYPzf0ttpPNZpbjJ6Mup+9s87jTiobFRKfE/MBTIYpJcAJFskVRmL8a7BFUs"
    "OiXJUpqb4kPDyyvvW8WIipqfjTrh9u7R09lEBr72ihgVt7557QVi0d08Bq4AQfpIqMLee1"
    "sxDcBs2pzG5MZSum7VW1heSgXR3e9lyVNYceySpGZQ7ZVC7dBGIPsdlDbEaq5rb7YKnIYK"
    "8agx0lBqvwpm4blZW8wKLHSm5UHqgbBjcN871jY80YrDC2Lgx72PMhhHHSJCSVQ39FFntG"
    "2la7epDfjQ1zmytnTYKwJ2CgUhb87209eBrIRp1deIoMalmoorlwyiBCn4WCTliUiJLmhz"
    "Nz+Ww8RuJ/OOknfC7eEcm7aUwUswBQYC2Ncpq7Gu/qwTYaq4cdbKOx9wi+jcbeD9rWmWmd"
    "mVrgPcDU9iLKnGv4dUpYl7gMnNjbDxgmkKmW0VjzGAjyULN5gwIaJTYDoR4kXUa9No8tmT"
    "RojfwoZgAprUukvbN3icmEDbPLzzFEb+8FSASsXuWksSqfiYvO9nuc2NjrkLFXjv9SCDmk"
    "1DbaUD9UhxdKu2JKb+vUbb752dY896d2+AHDXuTELFDTPMp8VvlQVz7WLnblTTHn2gruGn"
    "m6t++TumJ0yTFTxrnKZ8IM38G5ABkL2qyPXQu3VVFqCREwfDzfLCOizGoj5bpFym3iy4MT"
    "s0ZpgZqFBk2Ssk1vMlfOOqY3fRJ2Qs8cpyLtqH+iU+6fuz3N6QyUu1WSNiRq2ZXGQUtZBm"
    "/GaDydjUT2ELwHZiM0oQwxvAjdVT19aRsDNqQlfan8xCR8J5xlf9qMJa0ylprkpJLbUeU1"
    "0Me8/RCtTRPb5Vk1vR36QyK7/UJ5NvI0YOTJhkxsyOTBIK9uv1kvjLXbRl1d2PO07o4u7F"
    "WaUWcX9py6n3l2UqjHJ05/0CXMQ+car8ZjsK58uCJeJ73w2HM5fjKhoY/979Bc9BEXd0XB"
    "cTEtkTunZIoowUgO84gXBud1S26Hz066tEdJB8D/guG4u0LLWeDNih3f5VPLvdjFcZb060"
    "GCHYUu/Gfhcp72kW+3J/OfIyiyX1KzJr/UVOSyCxeuAUedKh8wpbFWqT1Ho832MLSBVPq0"
    "+iJdYjIQ5td98vZet+ftva7l7anWMLSFC9UysYtruArGBk/io16LxVHHanFUXy6Kb1aDuj"
    "3VqcK2O7QPDu5BbR8i0clW5rSVOc2B2FbmtGcEdgPvdhog1FNOeUC8BpBvbRlTZLXeLO28"
    "WdY9rIN72NYW1lAcDscew5Gj3KO8hV0PQRl1ADZFmuGboFmDbY18N3DuLgp+OJQmsO0QuD"
    "i8raRYZQw7NHg/n1/8/OnXk3dnQ03qodVXDMaUk0YcmsrgdnYorzPbPuUKfcrTsM5GR08a"
    "eTdaRDTTfra9jKRAbb5Ytw9g4W6FWz3loMRoE8Z1NtU2+IisqtN5PM4em3oI300mrCulwF"
    "mZy0Cn4QDlKnPI1ItzNfEaCPogceF44W+4jpU57Tqm3TqmSeLhJWiJF3FH1mGZYNSVcig0"
    "TofFPRMORfVpmDheLD1atY7AMJYsQo3/Go9FYWnZIhiogogjTPwRokzm5Mk0PJHtd4UnlG"
    "G4j5Yuh7+mMUEuwcvmutc7e/Ltha+/1Iv61jP/bFafzerTZu211bGNglu1erCtG2zTGXSB"
    "9wYzEXpTAbjAYl5Fp+0jbPMIbDxUFwls208oC4erzOycYffhf4MmtubH2vemCJz1cpvqHa"
    "pokGwzMZc5bQxQZynb4mAPQ84+dv0wIHgDOVdY7bKtnaA1cup/ivCi26tfoBjd6tbPCrb0"
    "8+sL6sSxzmLyBi2FB134xn1KgGNGlygUh/QD0XeSXo/WBBxjMsqaSgqlutl7v+XxG0/tw8"
    "ipE1F+DLb6m2Ye+bV8+kK95jDQtWYrve012MkaU0O51SjO6a1fpynVXW8Hwx4haWNDg1bN"
    "s7GhYUNvujhOdIN+3w2tkkWdluhy5g3n+loX/QqXPXpQX/vnmHMwMOugtldKKbDYKinKVV"
    "LwTeDjxoP57RGpIo8eZ1KNOjxso9/3hTz+6s1c0rT8dHwMBR6LvRr2mvguTzALvNlBU7+K"
    "5M6oszvFmuY2R2U7+Len7Cr5/tpt+CZLqUHzSCejvp6/regd7Z4+W9Gqaom+eNHHFH3xot"
    "0WFfcquTCLhgruHQ00Fk0F3E1A9/BZr5M8zzpO8jxrSmmOMGkwRDsLj2QsNttonzazb/8P"
    "H96BWQ=="
)
