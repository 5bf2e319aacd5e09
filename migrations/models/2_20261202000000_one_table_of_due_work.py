"""What credentials, revocations and authorizations kept of due times and leases moves into the table of due work."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

_INTO = """
INSERT INTO "due_work" ("id", "kind", "subject", "workspace_id", "share", "lane", "due_at", "scheduled_at",
    "created_at", "lease_owner", "lease_until", "attempts", "failing_since", "fence", "is_due_again", "is_interrupted")
"""
_SHARE = 'COALESCE("application_id", "workspace_id")'
_DROP = 'ALTER TABLE "{}" DROP COLUMN "{}";\n'
_GONE = {
    "credential": ("due_at", "failures", "failing_since", "lease_owner", "lease_until"),
    "renewal_attempt": ("lease_owner",),
    "revocation": ("due_at", "give_up_at", "lease_owner", "lease_until"),
    "authorization_attempt": ("poll_at",),
}
_UP = f"""
{_INTO} SELECT 'renewal:' || "connection_id", 'renewal', "connection_id", "workspace_id", {_SHARE},
    'renewal/' || "workspace_id" || '/' || {_SHARE}, "due_at", COALESCE("sealed_at", "due_at"),
    COALESCE("sealed_at", "due_at"), CASE WHEN "lease_owner" IS NULL THEN NULL ELSE 'earlier version' END,
    "lease_until", "failures", "failing_since", 0, FALSE, FALSE
FROM "credential" WHERE "generation" > 0 AND "due_at" IS NOT NULL;
{_INTO} SELECT 'revocation:' || "id", 'revocation', "id", "workspace_id", {_SHARE},
    'revocation/' || "workspace_id" || '/' || {_SHARE}, "due_at", "created_at", "created_at",
    CASE WHEN "lease_until" IS NULL THEN NULL ELSE 'earlier version' END, "lease_until", "attempts",
    CASE WHEN "attempts" > 0 THEN "created_at" ELSE NULL END, 0, FALSE, FALSE
FROM "revocation" WHERE "finished_at" IS NULL AND "due_at" IS NOT NULL;
{_INTO} SELECT 'authorization:' || "id", 'authorization', "id", "workspace_id", "workspace_id",
    'authorization/' || "workspace_id" || '/' || "workspace_id", "poll_at", "created_at", "created_at",
    NULL, NULL, 0, NULL, 0, FALSE, FALSE
FROM "authorization_attempt" WHERE "finished_at" IS NULL AND "poll_at" IS NOT NULL;
DROP INDEX IF EXISTS "idx_credential_due_at_0aa397";
DROP INDEX IF EXISTS "idx_revocation_due_at_a43d86";
DROP INDEX IF EXISTS "idx_authorizati_poll_at_a4096d";
{"".join(_DROP.format(table, column) for table, columns in _GONE.items() for column in columns)}
ALTER TABLE "credential" RENAME COLUMN "is_doubted" TO "is_stale";
"""
UP = {"sqlite": _UP, "postgres": _UP}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    raise RuntimeError("leases that are gone cannot be brought back: restore a backup instead")


MODELS_STATE = (
    "eJztXW1z2za2/isYf0n3jpKJHSfNy507Y6febbZN3HHczXbTDkWTkMQVBbAAaUV3b/77BUBK4rsJWpQh5HxpYxIPSD0HBM4bDv5ztKA+DvmTd4"
    "THbhi6cUDJFfYo849eo/8cEXeBxT9aWo3QkRtF2zbyQuzehAoW5Nqrljc8Zq4Xi3sTN+RYXPIx91gQqRYCcT3DiBKMGF2ieObGaBrcYi7+GXCU"
    "7w0FsbjgvxH/R/IlObrCvmjjzVxCxGsgl/hI/E3wLWaIz+iSoJiiGBOXxPyJfBmfeuJtAjLd83MTEvyZYCemUxzPMBNP//zHSHLl4y+Yr/+M5s"
    "4kwGFRDDyksexC3XHiVaSuviPxX1VT+aNuHI+GyYLkm0ereEbJpn1A1NUpJpi5MfZz0iCJ+J2p8NaX0tcVF2KW4M17+tsLPp64SShlKtHpO2yv"
    "HTnOh8tr5+PFteMcVeS9RuREkV3yKJFjRbwrVxRM5Ss8Pjk+/f705bMXpy9FE/Wamyvff00fveUmBSqGPlwffVX33dhNWyiit8wGfpXXtzOX1R"
    "Obti7RKl738GhduF+cEJNpPBN/nj5t4fAfZ1dvfzy7+u706V/kA6n4jtOP/EN250TdkjRvafUYllQ4bs2w/UHciYMFrqe4iCxR7WfQJ+t/9CF+"
    "fWHL/HZO2gf14gf6lyRcZSJvof763fuLj9dn73+Rj1tw/meo+Du7vpB3TtTVVenqdy9KYtp0gj69u/4RyT/Rvy4/XCh6KY+nTD1x2+76X0fynd"
    "wkpg6hS8f1c6NzfXXN2lc5Z03muW9LXrhxvfnSZb5TuUNPaFPb6q3FyaJ8xSXuVMlMkitfc71C+XgRUTHdequWZazSqH0V2zbvtoh9kguIXE1E"
    "K8oeccSwGHI8Rssgnqkbc7xCvlxGuEcj7MslYknZnEeuJ/pTMLWSiJtMrTvVFWuoh9xjeYJJVPz54rTDJPritHESlbfa16qNEB09wsu43VBfnU"
    "ZtWsA234YO0QXQUCzvd7EaZIjnZg4SJbEzc/lMawYpoIDoDkSLRV6+b4Xkv3+8/FBP8hZRVsICL0b/h8KAdzEnsknBFJ5beJVUFBStNZ/fvT/7"
    "Z5nqtz9fnpc1KNnBOSjCOxCFSYrvmpOK5psXM/4SBaK7HmIuIvcj5n0u1IcuZUPsm7PED+K3M+zNIyqobbZx6hu22jmuhDjeBtPN2DlDPJgSYV"
    "7wWAzGBSbCKpmgpTAdhGkShtIzFhAu7lIqTBHseqlxkjrP4sztdoMnVLQP4qqdM0D/9zBxSLK4waz6cZ8H00Y33BZjjyPu1cnJs2ffnzx99uLl"
    "89Pvv3/+8unGI1e91eaaO3/3N+mdK3zLd7vr9OdXWD4NnVjzy+cMuz7XUU43gHvppgck0kGU04jhW23jqwAC26uD7RUlN2HgOXO80uK5gAKiOx"
    "AtFQY3ThjW4bkAspDm45OXHXgWrRqJVve+GqUJX5CYtTj6K2066L9YNu+m+l4KzVI1lxqpVDOVLvpG6GPBdIqZdMlPEo6l4z2JpIqBKEPisTiu"
    "V3V30F+Navu54vjl+M+jP0oab7VV7DLRSR4yQtVWKoxQ7heiA0N7qA83OvCAU+DuwwNyxFc4brMFM8BuDMGHJnePpiCYfpabfuk6MhdM6kxaRZ"
    "SFU9bxiy5KW1lwOZ3tRXnKyi/YejRbuy7s3gJJCRO/Hof6PG9gFlJ98rTLGixaNZKt7hXZvg1cHZaz5hayu/vZIoj0o/LR/dxChkWKh4/Iq7Qt"
    "zRm5iLJwKA8yJ2vm8WwRQHAHgjOHgSJJg+USzEKqd293FnwzmkTDlKE7orX1uDLOQrIHUeRoEnt0oTV75CAWsrx7hc7HsRvUDObmGOsWAUHWew"
    "RZ53ilOV9vERaO7AHCqxDF3gfNugwDuXeQa1I89Ufs+neEU3NNRndHU2WCjmrXaecvlruRJsjd7lN6xNdBULnxNqTeHIkny1ioTO1bsiAW/67f"
    "znufzu6RIWhW/O2bCn2aH417OhTTDxKKg6XAzqXgI/YYjn/luHkpKDdpXQq4auwkHHdbCn6kSzFzx5hs97ciAfbFXC6EQLByy4nJPO2Xo4m4L1"
    "tGCRNaOFY7YIMUvAhIEuPqAjHMIzpl32z7X8/0aZ+Km1ygLe23kqgD+TWQX2PoJDhA/Yjyt9KV7epHBnTfTXduJuqenryBAMUdKIb0iz34KLKl"
    "s0Jxe57YFgXbL01OFfNoQmqSANsMvQ0EEi/7J15Cht4+M/QgeQySxw58IENqk/2+ootbTOK3cnnFrNldVNNq1OYxwrK946WA7vGD0OUxEupGoE"
    "p1yhKeBNEkRgHJhwFGqupZEqmCaLPAm20h6rkcLWVxgYglBPv1sYWhHgRxB3NtuGaX0FqqejppHgURiH46afrpiO9Fk/o8DLjvzr1Ji84dq03n"
    "Zabb8iL35np0sQhiMSZEI69h/25Nm05Rgc1scPfG3Kpvs4CF4AAEBwzUegfwVh/QsmudN0g7y9/e9P7d+6+p5yWM9SoXWYLCrmfDXdkPGt80eq"
    "vdANUakpt/C9K0dyiVcRbOYcORrTeuiygLiR5qrznEZaBygj2jGYJf+wl+eVToiunJVtoKSBlpIee7H97Sc1CluWXzXdYett5pbr0zxFP5Q4I/"
    "UTZv9lUWG4zavJV+gh3pKOrusIwC7GG5CUZAVVjqCRqPJ5h4eDyW9bRZLA+sW2XFtImPpowuObpZpVnRcVpO2wvdYKFOvPOxF4jHoOWMooW7Sr"
    "fM1PtB9/Po38nvZDwOfNFnwMUDpD7zOtMhx+M34kroEvnEtBy4vD3axufUc7mY4gR9aXwuducYxQkjXL6uJNyN076lXNOq478T8TpLl2dhvySS"
    "TUPscuzQpfgO09+34usa5Shi1MOcIz/Afno6k5v+MAkMuKMeMxVfx3j8GnFvhv0klJnoBC8RDwRjmycqFPbfpLhABkdZEonvXiKzm2jC6EJtaP"
    "Kx2zWq+PlI8qQEqX4zeJL3VEx11OJM1lXpLVbmn510oPvZSSPb8latedrDNrWU4ldd1MtXzdrlq4pyCcGQfbpb5DKmNZrXAAvp3b3evl4eu7K7"
    "bm8hucedBu9xy+g9rg7fTO2oMNwe7NiidhDnuNsZDgn7/aIcG522h4jLWAhoGS3qvDlTFfU5pcJQIg2mQglakvSNwA4l3M2V/Ur3/PLy54Jgz9"
    "+V4u4ffn1/fiEmUyVR0UjYvPJyNRyfsz+1lqkizL4g4u4Nh5SyhMR1VbTa57ISdC9rFsxkPWcy5auqmcJaUos2EMgr6p1XVPRr6S8hJTAsIhqL"
    "iBvHeBHFNSewNQ75PMSaROqT49PvT18+e3G6GembK20DvEroxA1C8TxHeXF1V4sKGNYLk9cLFQ1wkqiHjVOCgpxNlrPc+uVEjAqiF3oeoSLOPl"
    "37tEtM5LQ5JHL6spKeAKem2/pJGRKfP/NkaPaazjFpqXtZaTRqrXypmjuxbK9adjhDe4HlGdGPOErBSIFHiLiM0SX2ZVyce1RIue6AbD3wPfaY"
    "Quz3CHYR2cB97kB3V6/e/Lq9hYGdl13IfdlM7svqMRVyItKuyV1EWTd/DFCSO6irh9RShzWoLYZkwxjefdZ3unJW6W3O2dwiIGvzHgcmgPLfRx"
    "QHofznxYy/RIHoroeYi0jwmpgsZeX9kAWWe8i5jAVJmyxphm+F/tZHzkUkSNlkKacuB037tACyUPncjXVa8YyVWa9S/lfKcDAlP+GVIv6deEe3"
    "PmiUebTeq462zqwDo/3remStr24/duYuN46r4oATLIjfjtPg55X4Aq7evb0++vowfseCAGpcjmUBNXsbt2Oii58xwoxTUqlTl+1KYTSs2c7TGQ"
    "WeRRPmj1GLZxG8XQN6u+R3oEPuur2F5O7eDQPegG9CrwzxJO5jIm5hYDeYLF/TQ1s2Ww8bDndgQHxa92W9DVEeedpmRL62yTYxoCaicJ7B//rT"
    "VVZZo5n/2pQESyRQDL+Inyn6vSddH9NeLKdKfMFOQJwwIPP78iW6ekd+Fh3ZR9mQZn1xnNXY9ZWB2HZqomra1bKX0sf+Y2Gj38hKGpjVGfL1jc"
    "BuN2HlHrXY7aarTYfPPSSt7DlpBQz6u5YuKww+FbzlWHwbPQO/OSyI2mhRG5TJYdiSZZWUBYN9Zu08Dnx0JksYYvsQ23/wL+mAY/sV50mdH6DG"
    "wdLiCsh5drr6AyjBj+VcipbuCgVkhCIm98b7WVlKWSCSRnJgUIbcUBbdFGq1z1FQc7DRvXsDD4MJs8/ogD0MBz/1F8tu+1jbw1AAWTfCwcEA2i"
    "pYnSDlBin33DoAuwYORL5gc4LN+eBf0gHbnOV8nBqTsyZlp9niLOQKdTE3Y0xcEj9B8nR0af4tXF8d4zAJGI/TAx/QjIqfgnhIY3Q8QpwKs1G0"
    "iJc034oL6DztY/MSdRbp8A8Eo9WE6WvUYrRCOvuA6ezys6mS21gJcN28VxXAsmb1sKN4x1UAwRC1VoWt6FZd0kBTLeKeGXqWalyDZueJj80VOm"
    "3LYVyFBq0KklqT5njVTT+6zCsXjziSaCTQI7Rk4hnYl0dBCW0kxulpU2dvr9/942KEfrh4e/XbL9fO5Yeff0OUib+Fmnn528UP9Ydu7fYR6eFa"
    "4ncFt9iR07sAphqVdPfnnxX4cm+gvJq2Rowu1eFahMYz8X7ru1TqUfw1usHyYjoWRyiIfydCj+ZKMcsOy8I5rSzV1cRPEbh4ibHqa/EEnSHBcs"
    "zoCvvq7hzjSEYc+ObxIZUdjccZA+Nx5+Ow5nieqfnyX7firaUk4VQsiFIY494bOkiR+/B1qC7BdlLm1MIxntOz5Zysw/AGYKEZs/uNo9uZvCu/"
    "W4SFBD8/7nIihmjVSLG6V+V4vUZqEp2DWcj2Ds+JzC2CqTZTZfoaf2kwznMQG+pOt5mNF/+8LliMlVJ0G6vx58sPf1s3L9enAwv+G7HgC4fQrc"
    "2JPkfRlbAQbjRN0hq+miGdED/h1dsZ9lpyA0stRm1uCGH3Op5s3DVOIwCPMfHYSl1TdnMaFJkFqc/gxuUYzVyO5MaLTY0feXABTltSEq7S5hJM"
    "I0xqi5IP86DUJ1FxY6SOi60jY4Tc1Esh30c8xJdHiC9nqetAdSeP086CQNKjIPDiyQsay9O1r8QAvbr4AU3E1SmljYdot7oJIEzUUUca3msAJg"
    "CYAHaZAGqW1DEANgArGN63/g8uGqjtZd5IB6Vboy6HG2K/rSxH7n6rws1VS+fWDZOOuVEyMJeikEKpyJRUQ6PQ9bBUTG9wSMlUntvzBo3H2QgV"
    "6FTDlU09mshzLRGdqPiWRxeRy/Bj0dNjvnSj+mjgPh5aqxWr84SdlDIpVPUnE6Ni/XWDhmyYhgxxtf3Fe0pfR1eqSzALFYvdbwGqzjydic5AQH"
    "MHmidrHrtSvAEAvR3o3a7NVY4b0zGLIJsOJN9ZXuY6hUtzzSvBYMnrkOKgNFEdf8UWYcUUAQHLgxDFIVjUhV2Rkd9TzEUkiNk4MRviODmLojDw"
    "lB7Rcj5ypdGo9XzkbfOuUUsvDDCJZZ6x9GNwLGapGDE8DXiMmaxCsgke3gY+Zm+U/yJrFvC1JyTLQr6VIw0lYlyyNLwodH2VxFwXxtzTk7O4Zp"
    "pkHaic5bVp/VoWWpmmutxrSed4/FrlRed4lCe05E9myUHUe0sY7GkzSDcCV4wReqlmbvO9kppNHtbHL7pwK1q1RHUq7OYmIa2ZowizQv8f2kUg"
    "53cdjtftLSR3gBOgacLqDs1omSc2CCC4S/xX6Via610BZCHNg2TppAqH829eNyU3n2hegu3/WPOj/54kxFPq7E0ShHFA+BP52P85GkgWLdQPct"
    "h5ajGsFUIN0VSAIJyhhDPL3OadV4EizIaNF4MvtSllvSIetdj9BT6eDkX5jqMeMhMwxAudOSYHudfsYthg3vc0wvBtUJ8f2zim85D9DeXjAxnK"
    "EOXoM7YPwv0NUY5vQsyGRDneMuwLYzJww+YgR6XNqC3G4W1adwtxfJIbnmSVRZ+jG8wDWcsOCWETrBTrR5tIwrZj/hqpCrarEeIeFaIfIddTOZ"
    "sjtFWCqjGN4R6VBjEKqaRP0QK7hKcbujbVYNaPkCVpAu6IlwlVVCPNOiWTYJpkwQu5TcubuUSIDfGAeDgrOB/EKKaJN8P8dyJG1Uy+ZxoKydX5"
    "m+EVcpkMxxD58BQpXjoIs0o0KJY1ZsQ/A5Ymxj5Bn7JNYinST7B8W+lbf8TvG0DZcqzr6igDrfM/Q1jlAc24AUrHiC/SWYgPhGpxXYJZSPXuPf"
    "+5ILDmyK4iB/JQHP60cqC5mIfikjCohP/huCgOQr8vuj8moreZ01/a9T2A1E2WehhMlBScmqhG44RZBO2kovBDqwE7njIZFj+LS99GapDpuHPr"
    "sGZEjeTzrIkaTZlL+gmoigS3e385ZJ4KXe24gLIvdjdIesGaNMEADvuwvQEC4TqE60wuOYgZk75VqQIz9WANcWwAZgjDqhXYc4nDBHE123/PKQ"
    "2xSxr8rXlcSS43AjiUQDZX9sv9+eXlzwXuz9+Vt5j9+v784uq7YyUI0ShIDz2qqqUT8QqYqbNhdab/Esw6P9Tu3X7rqInmyM7DYGBrDOys7Iu+"
    "z6IABFeFya6KzL3US8xlLEjaNEkbkmpwJfUKNzyLY7yI4uZ0g9p2o7aUA5YixABUENX4zrwDeXqe3HBDZDwdqS5GstLTIojl6e43eEKz4909Nw"
    "xfI5eoQqzpCSsTWR3KRR5z+Swf51dHvSSx6EZFzxMyF4KoyUTY98Nh86MZ4TSI0j8g+ebmo5iksX/jkeMDioSoM1z7qeYFJGSHGqeylTwLQU/d"
    "vAQF1dxkOWeqm85ylIPYFzZ41iVq8Kw5aPDspPYM+Icyfm7pXcVkKm3uMHrWrbvZO9ssbi7r2uYTn1PzQZgMU0oEUlgkNxjJ/ufCFskMi2KZl7"
    "Sci/TwqIK5i3xll7pqMvt+ONg7ZiiBYO8YoYGDvfNAbKtL/fheQy0c4McnnWrunLTU3DmBmjsPF4LrcdqN3SfdQFmjg6q1kG60q9LbnKuyRZiR"
    "rGJV5hCkcpkmENjEBpvYrFTN4TizHL0nXUbzSfNoPqmM5sxtozOT5yBmzORW5YG6YXBbM95bFtY1AISxc2HAZs9vIYyTJSHpbPrLQ2CPNNS6+i"
    "a/Gwhz2ytnQ4KwZ8JApSz437sO9ahpNmo91iMP0MtClaeVZgAZ+swVdMKyRJQyP5yZy2fjMZL/w+kBpZfyHZG6m8VEMQsEC6zh5I36Y1L39WCI"
    "xpphB0M09gHJh2jsw7ANzkxwZhrB9wBD24spc+bi12lxXUBZOLB3HzBMKdMto7HFWEjyUKO5RwGNAsxCqgdJl9GvzQMlkwatkB8nTFBKqxJpPi"
    "q4ALJhwWzzcwxxWHAkJCKsXu2ksTLOxkln9yecQOx1yNgrx39qhByy1hBtqG6qw5HWqpi1hzp1/Rc/OJjn4dQOP2DYi52EBXqaRxEHyoe+8rF1"
    "sWsvihvUTng3yNO9e5/UDaNLjpk2z2WcDSN8D/sCVCyo3yl2DWhQUSoJEaL7ZNEvI6IIhUi5aZFySHz55sRsUFqgYaFBm6QM6U32ytnE9KaP0k"
    "7omOOUbzvqnui08c/dneZ0IZS7VZo2JGvZFfpBS1UGb8ZoMp2NZPaQeA/MRmhCGWI4Ct1VNX1pFx3WpCV9Lv3ENHwnnWV/QMaSURlLdXLSye0o"
    "Yy30Me8+RAtpYvvcq2a2Q39IZndfKA8iTwNGniBkAiGTb4Z5ffsNvDBgt43azmDfpHW3nMFebjNqPYN907qbeXaWq8cnd3/QpRiHzhyvxmNhXf"
    "niinyd7MJ3nsvx4wkNfez/BS3kOeLyriw4LoclcheUTBElGKluHvFc57xqye3x2ekp7XF6AuB/ie64u0LLWeDN8ie+q6cWz2KX21myrwdJOApd"
    "8Z/I5Rz7aBnEs2Z7cvNzZIv1L6lYk58rKnLRhSuuCUS11abDrA1YpbCPxpjlYWgDqfBpdWW6ALKQ5ldd8vZeNeftvark7enWMITChXqZ2Pk5XI"
    "djiwfxSafJ4qRltjipThf5N6tQ3ZzqVILtj+2jowdQ24dIdILKnFCZ0x6KoTIn7BHYD727OQChmnLKA+LVkHznkTF5KHizjPNmgXvYBPcw1BY2"
    "UBwOxx7DsaN9RnkD3AxBWbUBNmOa4dugXoNtjHzXIPcXBT8eShPYdQhcbt7WUqzWgD0avJ8ur376+MvZ24uhBvXQ6isWxpSTRRzqyuC2nlBeBc"
    "M55RrnlGdhnV5bT2qxvSYRw7SfXU8jGVH9J+vmDoDuRrr1Uw4KQEgYN9lU6/ERgarTuj0Otk19C9/NWlg3WoGzIspCp+EA5So3lOkX56rDWkj6"
    "IHHhJPJ7zmNFJMxjxs1jhiQeXgst8SppyTosNhi1pRxKjdNhSceEQ1l9WgwcL1EercqJwKIvVYQa/zkeI3XSV1p9eoE5Fz9FnSEciGsRo1IUHI"
    "nnYXdRX+V6oOfcXdT6c7VgbzWrDzL2IGPPmHkVKl9bRbduZWCoCQypCqbQe4uZDKvpEJyD2FetafcMQ47Ag8U6N5tN+oUrGvHgQ6+tlnWIgeUD"
    "YlhVYNeZRjaA/edRWDSLGF4f4GCq6UG4wFY3W0ldZ/3EXERCMNVkKUOVtW9Dzj52/TAguIecS1CYts0WdNJLxskOxXv3Zww1MfsJN8Qux47aka"
    "3j5ynB7PP17H7TWkpZQuKgJnzf/i2VoLAumvxFeS7xcOgwLJjl+inIdXBIQr4jCdmgYP7HGEft0fxci9Gd4fx1obZu8XzZOg2xs4S8RsuZG6Ol"
    "y5FPiUDM6BKFsjhPIM+bpvPRtgHHmIzWh0lLH1B9HH/H/ddW6xE9ZwFGNU6h6qth0fqtfLpSvUVYGHaDCq8HTXY6x1RYbvThbtpDGKJui5vZ/v"
    "ADYhLyRgatlgt5I8Om5Zji5zeNepsMXT8rzeksavbzN076JRSkS1Tn/iz1uUpqc4W0HASqo2lXR8O3gY9rC/I0J1DkMWbUorCqaAhkxj0U8/iL"
    "N3NJ3fTT8jHkMMC9HveG+C7PMAu82VGNzzK7M2o9lWrb5i5HZTP5d2/n0fL9NdvwdZZSjeaRDUZzPX870TuaPX1QybJsiT5/3sUUff682RaV90"
    "qpm1HNyS0tB2dFdQe32MDu8dNOO3iftuzgfVq33SnGpMYQbS04toZAcuwhLWZf/x/XSOJ7"
)
