"""Dataclasses are read from plain values, and written as such, as their fields declare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

import pytest

from app.foundation.plain_data import from_data, to_data


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Wheel:
    size: int
    spoke_count: int | None


@dataclass(frozen=True)
class Cart:
    wheels: tuple[Wheel, ...]
    colour: Colour
    kind: Literal["hand", "horse"] = field(metadata={"key": "type", "default": "hand"})
    named: Mapping[str, Wheel]
    schema: Mapping[str, Any]
    spare: Wheel | None
    owner: str = "nobody"


def test_members_are_read_by_name_type_and_key():
    data = {
        "wheels": [{"size": 1, "spokeCount": 8}],
        "colour": "red",
        "type": "horse",
        "named": {"left": {"size": 2}},
        "schema": {"type": "object"},
        "spare": {"size": 3},
        "owner": "Ada",
        "unknown": 1,
    }
    cart = from_data(Cart, data)
    named = MappingProxyType({"left": Wheel(2, None)})
    assert cart == Cart((Wheel(1, 8),), Colour.RED, "horse", named, {"type": "object"}, Wheel(3, None), "Ada")
    assert isinstance(cart.named, MappingProxyType)
    assert cart.schema is data["schema"]
    del data["unknown"]
    data["wheels"][0].setdefault("spokeCount", None)
    written = to_data(cart)
    assert written == {
        **data,
        "named": {"left": {"size": 2, "spokeCount": None}},
        "spare": {"size": 3, "spokeCount": None},
    }
    assert type(written["colour"]) is str
    assert from_data(Cart, written) == cart


def test_what_is_left_out_is_the_default_or_empty_and_what_is_given_is_not_looked_for():
    cart = from_data(Cart, {"colour": "red", "spare": {}}, spare=None)
    assert cart == Cart((), Colour.RED, "hand", {}, {}, None)


@pytest.mark.parametrize("data", [{}, {"colour": "red", "wheels": [{}]}])
def test_a_member_that_must_be_there_is_missed(data):
    with pytest.raises(KeyError):
        from_data(Cart, data)
