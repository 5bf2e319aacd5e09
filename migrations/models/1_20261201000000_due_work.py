"""Due work: one table for everything that happens in the background."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True

UP = {
    "sqlite": """
CREATE TABLE IF NOT EXISTS "due_work" (
    "id" VARCHAR(128) NOT NULL PRIMARY KEY,
    "kind" VARCHAR(32) NOT NULL,
    "subject" VARCHAR(90) NOT NULL,
    "workspace_id" VARCHAR(40) NOT NULL,
    "share" VARCHAR(64) NOT NULL,
    "lane" VARCHAR(140) NOT NULL,
    "due_at" TIMESTAMP,
    "scheduled_at" TIMESTAMP NOT NULL,
    "is_due_again" INT NOT NULL,
    "lease_owner" VARCHAR(32),
    "lease_until" TIMESTAMP,
    "fence" BIGINT NOT NULL,
    "is_interrupted" INT NOT NULL,
    "attempts" INT NOT NULL,
    "failing_since" TIMESTAMP,
    "given_up_at" TIMESTAMP,
    "last_problem" VARCHAR(48),
    "created_at" TIMESTAMP NOT NULL
);
CREATE INDEX IF NOT EXISTS "idx_due_work_due_at_96d19e" ON "due_work" ("due_at");
CREATE INDEX IF NOT EXISTS "idx_due_work_lane_d72329" ON "due_work" ("lane", "due_at");
""",
    "postgres": """
CREATE TABLE IF NOT EXISTS "due_work" (
    "id" VARCHAR(128) NOT NULL PRIMARY KEY,
    "kind" VARCHAR(32) NOT NULL,
    "subject" VARCHAR(90) NOT NULL,
    "workspace_id" VARCHAR(40) NOT NULL,
    "share" VARCHAR(64) NOT NULL,
    "lane" VARCHAR(140) NOT NULL,
    "due_at" TIMESTAMPTZ,
    "scheduled_at" TIMESTAMPTZ NOT NULL,
    "is_due_again" BOOL NOT NULL,
    "lease_owner" VARCHAR(32),
    "lease_until" TIMESTAMPTZ,
    "fence" BIGINT NOT NULL,
    "is_interrupted" BOOL NOT NULL,
    "attempts" INT NOT NULL,
    "failing_since" TIMESTAMPTZ,
    "given_up_at" TIMESTAMPTZ,
    "last_problem" VARCHAR(48),
    "created_at" TIMESTAMPTZ NOT NULL
);
CREATE INDEX IF NOT EXISTS "idx_due_work_due_at_96d19e" ON "due_work" ("due_at");
CREATE INDEX IF NOT EXISTS "idx_due_work_lane_d72329" ON "due_work" ("lane", "due_at");
""",
}


async def upgrade(db: BaseDBAsyncClient) -> str:
    return UP[db.capabilities.dialect]


async def downgrade(db: BaseDBAsyncClient) -> str:
    return 'DROP TABLE IF EXISTS "due_work";'


MODELS_STATE = (
    "eJztXW1z27aW/isYf2m7o2Rix3nf2RnbddvcJnHHcW/am3YomoQkXlEEA5BWtHfz3/cApC"
    "S+m5BFmYLPlzYm8YDUc0DgvOHgPwcz5lJfPH4biMj2fTvyWHBJHcbdg9fkPweBPaPwj4ZW"
    "A3Jgh+G6jbwQ2de+gnmZ9qrltYi47URwb2T7gsIllwqHe6FqAYirCSUsoISzOYkmdkTG3g"
    "0V8E9PkGxvxIvggvsG/k/kSwpySV1o40zsIIDXIHbgEvg7oDeUEzFh84BEjEQ0sINIPJYv"
    "4zIH3sYLxjt+bhx4X2JqRWxMownl8PTPfw8kVy79SsXyz3BqjTzq58UgfBbJLtQdK1qE6u"
    "rbIPpJNZU/6tpymB/PgmzzcBFNWLBq7wXq6pgGlNsRdTPSCGL4nYnwlpeS14ULEY/p6j3d"
    "9QWXjuzYlzKV6OQd1tcOLOvDxZX18fzKsg5K8l4iMqJILzkskGMF3lUoCsbyFR4dHR6/OH"
    "759PnxS2iiXnN15cW35NFrbhKgYujD1cE3dd+O7KSFInrNrOeWeT2b2Lya2KR1gVZ43f2j"
    "dWZ/tXwajKMJ/Hn8pIHDf55cnv1ycvn98ZMf5AMZfMfJR/4hvXOkbkma17Q6nEoqLLti2P"
    "4IdyJvRqspziMLVLsp9PHyH5sQv7ywZn49J+2CeviB7kXgL1KRN1B/9fb9+cerk/e/ycfN"
    "hPjiK/5Ors7lnSN1dVG4+v3zgphWnZBPb69+IfJP8q+LD+eKXiaiMVdPXLe7+teBfCc7jp"
    "gVsLllu5nRuby6ZO2bnLNG08y3JS9c2850bnPXKt1hR6yubfnW7GhWvGIH9ljJTJIrX3O5"
    "Qrl0FjKYbp1FwzJWatS8iq2bt1vEPskFRK4m0Irx7wThFIaciMjciybqxpQuiCuXEeGwkL"
    "pyiZgzPhWh7UB/CqZWErjJ1bpTXrG6esgdliecROHP58ctJtHnx7WTqLzVvFathGjpEV7E"
    "bYf68jRq0gK2+jZ0iM6BumJ5t4tVJ0M8M3MEYRxZE1tMtGaQHAqJbkE0LPLyfUsk/+PjxY"
    "dqkteIohLmORH5P+J7oo05kU4KfeG5gVdJRU7RWvL5/fuTP4pUn727OC1qULKDU1SEtyCK"
    "Pim+S05Kmm9WzPRr6EF3G4g5j9yNmHe5UO+7lHti35zErhedTagzDRlQW2/jVDdstHNsCb"
    "GcFaadsXNChDcOwLwQEQzGGQ3AKhmROZgOYJr4vvSMeYGAu4yBKUJtJzFOEudZlLrdrumI"
    "QXsvKts5HfR/BxMniGfXlJc/7lNvXOuGW2PMccS9Ojp6+vTF0ZOnz18+O37x4tnLJyuPXP"
    "lWk2vu9O3P0juX+5Zvd9fpz6+4fPZ0Ys0unxNqu0JHOV0B7qSb7pFIO1FOQ05vtI2vHAht"
    "rxa2Vxhf+55jTelCi+ccColuQbRUGOwo5lSH5xzIQJoPj1624Bla1RKt7n3rlSZ8HkS8wd"
    "FfatNC/6WyeTvV9wI0S9VcaqRSzVS66BvQx7zxmHLpkh/FgkrHexxKFYMwTuCxNKpWdbfQ"
    "X4Vq+7nk+BX0y8HfBY233CqyOXSShQxIuZUKIxT7xehA1x7q/Y0O3OMUuP3wgBzxJY6bbM"
    "EUsB1D8L7J3aEpiKaf4aZfso5MgUmdSSuPMnDKOnzeRmkrCi6jsz0vTlnZBVuPZmPXhe1b"
    "IAlh8Oupr8/zCmYg1UdP2qzB0KqWbHUvz/aNZ+uwnDY3kN3tzxZeqB+VD+/mFupZpLj7iL"
    "xK29KckfMoA4dyJ3OyZh7PGoEEtyA4dRgokjRYLsAMpHr7dmfON6NJNE4ZuiNaW48r4gwk"
    "uxNFjsWRw2Zas0cGYiDL21foXBrZXsVgro+xrhEYZL1DkHVKF5rz9Rph4MjuILyKUexd0K"
    "zLMJJ7C7l9iqf+Qm33lnBqpsng9miqTNBR7Vrt/KVyN9KI2Ot9St+JZRBUbrz1mTMl8GQZ"
    "C5WpfXPuRfDv6u28d+nsDhmC/Yq/PajQZ/+jcU+6YvpeQnG4FJi5FHykDqfR74LWLwXFJo"
    "1LgVCNrVjQdkvBL2wOM3dEg/X+VgJgF+ZyEEJAlVsOJvOkX0FGcF+2DGMOWjhVO2C9BDzz"
    "gjii5QWim0e0yr5Z97+c6ZM+FTeZQFvSbylRB/NrML+mp5NgB/Ujit9KW7bLHxnSfTvdmZ"
    "mofXryCoIUt6AY0y924KNIl84Sxc15YmsUbr/sc6qYw+KgIgmwydBbQTDxcvPES8zQ22WG"
    "HiaPYfLYng9kTG0y31d0fkOD6Ewur5TXu4sqWg2aPEZUtrecBNA+fuDbIiKgbniqVKcs4R"
    "kQFkfEC7JhgIGqehaHqiDaxHMma4h6riBzWVwg5HFA3erYQlcPwrhDf224epfQUqp6OmkW"
    "hRGIzXTS5NOB70WT+iwMuW/PfZ8WnVtWm9bLTLvlRe7Nddhs5kUwJqCRU7N/t6JNq6jAaj"
    "a4fWNu2beZw2JwAIMDPdR6O/BW79Gya5w3SDvL39z0/u37r5njxJxvVC6yAMVdzz13Zd9r"
    "fLPXW+06qNYQX/8bSNPeoVTEGTiHdUe23rjOowwkuqu95hiXwcoJ5oxmDH7tJvjlMNAVk5"
    "OttBWQItJAzrc/vKXnoExzw+a7tD1uvdPcetcTT+WPMf3E+LTeV5lvMGjyVroxtaSjqL3D"
    "MvSoQ+UmGICqsNRjMhyOaODQ4VDW0+aRPLBukRbTDlwy5mwuyPUiyYqOknLajm97M3XinU"
    "sdDx5D5hNGZvYi2TJT7QfdzaP/Cv4KhkPPhT49AQ+Q+szrVIccDt/AFd8O5BOTcuDy9mAd"
    "n1PPFTDFAX1JfC6yp5REMQ+EfF1JuB0lfUu5plXH4W3mtkijfnEoW/rUFtRic/gMk5+3EM"
    "sS5STkzKFCENej7l+BOp3JTn6YRHrCUo8Zw9cxHL4mwplQN/ZlJnpA50R4wNjyiQpE3TcJ"
    "zJOxUR6H8NlLYHqTjDibqf1MLrXbBhU/H0ialBzVT0ZH8o5qqQ4afMm6Gr3BuvzToxZ0Pz"
    "2qZVveqrRONzBNDaX4VRvt8lW9cvmqpFtiLGSX3ha5immN5iXAQHq3r7Yvl8e27C7bG0ju"
    "YavBe9gweg/LwzdVO0oMN8c61qgthDlu94Vjvv5mQY6VSruBiItYjGf1WtRZa6Ys6lPGwF"
    "AKakyFArQg6WvAdiXc1ZXdSvf04uJdTrCnbwth9w+/vz89h8lUSRQagckrL5ej8Rn7U2uZ"
    "ysPMiyFu33BIKIuDqKqIVvNcVoDuZM3CmWzDmUy5qiqmsIbMohUE04o2TivK+7X0l5ACGB"
    "cRjUXEjiI6C6OKA9hqh3wWYkwe9dHh8Yvjl0+fH69G+upK0wAvEzqyPR+eZyknru5qUQLj"
    "etHn9UJFA6w43MDGKUBRzn2Ws9z5ZYWcAdEzPY9QHmeern3cJiZyXB8SOX5Zyk7AQ9NN/a"
    "R6Ep4/cWRo9opNadBQ9rLUaNBY+FI1tyLZXrVscYT2jMojor8TJAETBR6QwOaczakrw+LC"
    "YSDlqvOx9cB32GKKsd8D3ERkAveZ89xtvXLzy/YGBnZetiH3ZT25L8unVMiJSLskdx5l3P"
    "zRQUVur6ocUkMZVq+yFpIJY3j7Sd/Jylmmtz5lc43ApM07nJeAyv8motgL5T8rZvo19KC7"
    "DcScR6LXpM9SVt4PWV95AzkXsSjpPkua0xvQ3zaRcx6JUu6zlBOXg6Z9mgMZqHxuxzotec"
    "aKrJcp/4lx6o2DX+lCEf8W3tGuDhqlHq33qqO1M2vPaP+2HFnLq+uPndvzleMqP+CABfjt"
    "NAl+XsIXcPn27Org2/34HXMCqHA5FgVU721cj4k2fsaQcsGCUpm6dFMKZ37Fbp7WKPQs9m"
    "H+GDR4FtHb1aG3S34HOuQu2xtI7vbdMOgNeBB6pU9H0SYm4hqGdkOf5dv30JbJ1sOKwy0Y"
    "EJ+WfRlvQxRHnrYZkS1tsk4MqIgonKbwn369TAtr1PNfmZJgiATy4Rf4mdDvHen6mPRiOF"
    "XwBVteYPleML0rX9DV2+AddGQeZV2a9flxVmHXlwZi06GJqmlby15Kn7qPwEa/loU0KK8y"
    "5Ksbod3eh5V70GC3911t2n/uMWllx0kraNDftnQZYfCp4K2g8G1sGPjNYFHUvRZ1jzI5er"
    "ZkGSVlYHCTWTuLQx9dnyWMsX2M7d/7l7THsf2S86TKD1DhYGlwBWQ8O239ASygj+RcSub2"
    "gnjBgIRc7o1307KUskAkC+XAYJzYvqy5CWq1K4hXca7RnXtDD0MfZp/BHnsY9n7qz1fddq"
    "m2hyEHMm6Eo4MBtVW0OlHKNVLecOsA7hrYE/mizYk2571/SXtscxbzcSpMzoqUnXqLM5cr"
    "1MbcjGhgB9FjIg9Hl+bfzHbVKQ4jj4soOe+BTBj8FCJ8FpHDAREMzEZoEc1ZtpUA6DTpY/"
    "USVRZp9w9Eo7UP09egwWjFdPYO09nlZ1Mmt7YS4LL5RlUAi5rV/Y7iLVcBREPUWBW2pFu1"
    "SQNNtIg7ZugZqnF1mp0HH5sNOm3DWVy5Bo0KklqTpnTRTj+6yCoX3wki0QTQAzLn8Azqyp"
    "OgQBuJaHLY1MnZ1dt/ng/Ij+dnl3/+dmVdfHj3J2Ec/gY18+LP8x+rz9za7iOSs7Xgd3k3"
    "1JLTOwATjUq6+7PP8ly5N1BeTVoTzubqbK2ARRN4v+VdJvUo8ZpcU3kxGYsD4kV/BaBHC6"
    "WYpYdl0YxWluhq8FMAF80pVX3NHpMTAixHnC2oq+5OKQ1lxEGsHu8z2dFwmDIwHLY+DmtK"
    "p6maL/91A28tJYmnYmGUojfuva6DFJkPX4fqAmwrZU4NHOMZPVvOyToMrwAGmjHb3zi6ns"
    "nb8rtGGEjws8M2J2JAq1qK1b0yx8s1UpPoDMxAtrd4TmRmEUy0mTLTV/RrjXGegZhQd7rJ"
    "bDz/4ypnMZZK0a2sxncXH35eNi/Wp0ML/oFY8LlD6JbmxCZH0RWwGG7sm6Q1fDVdOiF+pY"
    "uzCXUacgMLLQZNbgiwey1HNm4bpwHAIxo4fKGuKbs5CYpMvMRncG0LSia2IHLjxarGjzy4"
    "gCYtWeAvkuYSzEIaVBYl7+ZBiU+i5MZIHBdrR8aA2ImXQr4PPMRVJ2hPEteB6k4ep50Gga"
    "RHAfDw5BmL5OnalzBAL89/JCO4Omas9hDtRjcBhola6kjdew3QBEATwCwTQM2SOgbACmAE"
    "w7vW/9FFg7W9+jfSUenWqMth+9RtKsuRud+ocAvV0rqx/bhlbpQMzCUoolAqMiXV0NC3HS"
    "oV02vqs2Asz+15Q4bDdIQCOtFwZVOHxfJcS8JGKr7lsFloc/oIenok5nZYHQ3cxUMrtWJ1"
    "nrCVUCaFqv7kMCqWXzdqyD3TkDGutrt4T+HraEt1AWagYrH9LUDlmac10SkIaW5B82jJY1"
    "uKVwCktwW967W5zHFtOmYeZNKB5FvLy1ymcGmueQUYLnktUhyUJqrjr1gjjJgiMGC5F6LY"
    "B4s6tysydDcUcx6JYu6dmHviODkJQ99zlB7RcD5yqdGg8XzkdfO2UUvH92gQyTxj6ccQFG"
    "apiHA69kREuaxCsgoe3ngu5W+U/yJt5omlJyTNQr6RI43EMC55El4EXV8lMVeFMXf05DSu"
    "mSRZeypneWlav5aFVsaJLvda0jkcvlZ50Rke5Qkt2ZNZMhD13hKGe9p6pBuhK6YXeqlmbv"
    "Odkpr7PKwPn7fhFlo1RHVK7GYmIa2ZIw8zQv/v2kUg53cdjpftDSS3gxOgWcyrDs1omCdW"
    "CCS4TfxX6Via610OZCDNnWTpJAqH9W9RNSXXn2hegO3+WPOD/x7FgaPU2evY8yMvEI/lY/"
    "/noCNZNFDfyWHnicWwVAg1RFMConC6Es4kdZu3XgXyMBM2XnS+1CaUbRTxqMTuLvDxpCvK"
    "txz1kJmAPp3pzDEZyJ1ml54N5l1PI5zeeNX5sbVjOgvZ3VA+3JOhjFGOTcb2Xri/McrxIM"
    "TclyhHDCODe/97W5yjotmgMdKRBcAojOgsjNrFPGQCZwogESOyJzB3pbufrgq5qGrQsigL"
    "/I8mOZsX8h2JupuEIm4o94AFXhOMqM4c3dWDMRrRD4/4/kYj7tH66aIsfBBQZUjr+sKKQA"
    "z+tKhvAxOWNYOJh2lxXYAZOLC3H57IRKo1R3YZaZ4bpZPSTYxbU/h1WlznUAYO7O37qxLK"
    "NId0BmMgyV2NZvj11NfneQUzkOrDo1ZR+6OGqP1ROSfCYbKXEtENIYgVoh+xB/k8Y2IPnE"
    "YxB0pZWSL12dM5kAkL5q7zp0OQCFi92rkrRZyJk872gz64u35N71Eb5fuoXvk+Kinfgn7R"
    "iqJ9wbhZVbBBRDTUWhXT9hgx23zxw1jl/akdrsepE1kx9/Q0jzwOlY8Nq81oHw+ZR5lWdn"
    "n7PqlrzuaCcm2eizgTRnjXXC9jQZsl9tSgUUUppfYw398gSp6B7aRqKZ6BuVkehPxp8Wyz"
    "fJc8FIvT9lrOmNb0EMSMBxc/BCmPvMATk42+5gIUJ+2+ybmP2WsfpRnYMoUt23bQPo9t5X"
    "69PYvtHHT3RZIVRuyA5Pohc7mxPppwFo8ncss6gfegfKDKbnMa+vainJ22jQ4raxbmf2IS"
    "nZW+UKxU2K+EtCo56aTuFLEGhhC2H4HHLMCdFsvqdbymS2a3HrLBwGKXgUWMiGFE7MEwr2"
    "+/oRcG7bZBg912tsrar7fXSm0GTXbaeh9AO/PshKwRcnNPUvp4ShfDoSobNhzK10kvfO/Y"
    "gj4aMd+l7g/J6czyrkjPcSb2jAVjVZhMdfOdyHReeULUzp6dFFeLqJC+0f+C7oS9IPOJ50"
    "yIw6krtzcBP+qpABt54zgtnSZ3K6VfD5Fw4tvwn9AWIq38dlsN/PSA8OUvKVmTn0sqct6F"
    "C9cAUW616jBtg1YpbpPqzfKwmwL66ehvy3QOZCDNr9qkZb6qT8t8VUrLVP/XYHjZ3kByO0"
    "m0z87hOhwbPIiPWk0WRw2zxVF5usi+WYnq+ky2Amx3bB8c3IPa3kUeG9Z/3GWCle7Ji2af"
    "uoglNnELyL7S+7RN4cen9XUfn5bKPia5wcILqsqYNjuxClD0ZvXOm4Xu4T64hxPHkQ7xa0"
    "Q/ts0aVbIzIdfKlODU2tJcA++HoIza35wyvUFtxAoklkgshcDl3nwtxWoJ2KHB++ni8teP"
    "v52cnXc1qLtWXykYU1YacaAVDuBTxnxqBzXZvCVwgfprQHfF/erKbqeS04uLd7mp5PRt0a"
    "Hw+/vTcxCDkgI08iJaPcLTsM5GO4sqsRtNIj3TfrY9jaREbT5Z13eAdNfSrZ9ykANiwnif"
    "TTWsBo3VoPG72Xx33LVW4CyPMtBp2EE10hVl+rXXqrAGkt5JXBjLnRs7j/Ul8XCV9NaQeF"
    "hsM2hMPFy1Vu1uTTz8NLEjuYsrcAW5psJzKbEzKXvfrUqGZ/LzXhO173UxIEnBwQGxHYfF"
    "QTQgawNuQMDQFlTl8rkxJWrEHxQG144fn6QfrhsNh+QJmVE7kJXT4UUCFk3gxdaF0mU6JK"
    "DhO04Og51PaEA44Oe2T75nPMlLtD1/Ic+dvaY/yEYAeCOfo17AUulOq0zK5Bq8q+fnsh9l"
    "+hnlSddCPtUTlsvia5gQ5CGz8jH5hMi5LYgzsQMYVkTFhP4K4OU4JZ4sFh87shp8pmK8Yk"
    "Sw5GfC1QWxuTwdN5A/OgGqlyJMJk4CHTKxE/7pcRL6tnPnI2v7VlAbcyIxJxKLme95Isge"
    "FDPf/2llTfdGjl2sFNXsK+lR7RF0MXboYhxBbxNrc2lX94BS77PUfW+kpGBVZDzUTph5EM"
    "ZkylMmp/CzVHRFv0J+FRZzSXIf1DZyScbcDjYTUBmJuXB32CqdOEa0z0XJoswrq9rJge5L"
    "0jY4HaUARMJ1CNeZXDKQfkz6RmV6aud2YjZnh9mcdmApb3JZII05cDkcpr9ppL+N4BUoD7"
    "lXNSfVT/8FmHF+qO27/dahEc2xnQfi4NYY3Ek4bAO/RQ6I7oo+uytSF9NGYi5iUdJ9lnQS"
    "0taV8RqFhxP0WLgj2/NjXuV1qfU5ZiEYoikpdsAOPG+zXbslMM6Mff54Mjk7Okp8AWaeB2"
    "f7WnwmE0r3mypA8Yvq2xfVk+zKyyRR7ySK6CyM6jMsK9sNmrIs0xRAUIcURDW+NdXyakKJ"
    "LKkjS+OzJNVvQBw2m3nQi0uu6YhxmqT62b7/WlbVZ6HMN2RzYo8iymVqJLfFJJuyKJuzOI"
    "JuqMw9jIMpCCIoJ1ru+uF3yBXESokHmBVoWFZg3/Jf++QhfOCZanuUeXGP2nHvqO1YPRaR"
    "zTfbe5RH4t6j3mnHeCjZw5NzqiXrzJoZiHn+hO1U1uuNnXnDks0ETTZmoc2g2b5ctm5nWp"
    "5liuezUW4LXWKpgXU2ZgEgwfi7pkT2PwWzL7XhQs5uPJfyN+qvG1VlXwbupJlHZ2DXwT34"
    "J3TiuWXTctcPR9OyH/o2mpa9MHbQtLwntnXL8ldADRzgnVRiwALmWMDcHIqxgHmHFSCx/G"
    "+v8pAxS79vAsH6BFifwEjVHI+u6PSQ4dRtozOTZyD9mMmN2uJj+95NxXhvWFiXABTG1oWB"
    "dTweQhgnzffSya3OQjC3GksFP8jvBsPcD0POuLHIYOGOQXu04nADAeeROFf3Wsy4BQa3wN"
    "w/9/v+RfUkNemKiugybshLyjcYNCUlySNtLB63TEm6CCiBgePEyugv5QVBX7LMtaBfhkOi"
    "/P0q34fMqBDwU1QmkQfXQs6kKASB51F7Vs4+6vA5tycafS4nUeTtErj2N2YjYTZSb+ZVzE"
    "Yyiu4p/C4dlpftDSQXz0LfM3pvKJeRBx2CMxDzDIztM4yHkN9b+b1VTvxm56HW4rEgdEUQ"
    "YT9Prt4jhsHSYxXeoKYcrhSw+1CzQbMIWK0agzltjUFGDDI+GDdbT7dM92zBNUnKGEp+GH"
    "J2qe36XrBRPDkPxWm734LGnAFzhYvBZAwm3z/3Jn1Rjh041LdWB1mVhX3b+Q4lOFbCv6US"
    "fo+C+R8jGjZH8zMtBreG82EIhKpZq3i+bJ2E2HkcvCZzWdxDHkTtquoeEzYnPpPHZ8sak2"
    "w6WDcQlAaDpL5H4sGvjuNvuf+K+P3nA+g5DTCqcZqE57F2SMt1q/to/Vo+baleIwwMu20/"
    "ZIzpEDskO5ljSizX+nBX7TEMUXkKTa/94XvEJOaNdLhTFvNGuk7L6Yufv2/Um2TounGS9W"
    "DNdLZbFlCYLlGe+9PU5zKpV/RrDasZyO6mqIODe/hKzv+4yn0gpTD+6iN5d/Hh52XzYmy/"
    "sDdc1resPDuoPoEii+nHdn2jquBgZtz9FUpwJnZQNf00fAwZDHKvx31PfJcnlHvO5KDCZ5"
    "neGTT5Ku11m9sclfXkb7lucL0NX2UpVWge6WDsr+dvK3pHvacPK00WLdFnz9qYos+e1dui"
    "8l6pCJkOw2lzA9k9fNKqMO2ThsK0T6q2O8kztXQWswwEk2P3aTH79v8L3w9M"
)
