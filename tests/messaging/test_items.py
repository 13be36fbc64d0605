"""The wire format of items: the same as boto3's, which functions do without."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from messaging.items import attributes, insert, plain, serialize

NUMBERS = st.integers(-(10**37), 10**37) | st.decimals(-(10**9), 10**9, places=4)
SCALARS = st.none() | st.booleans() | st.text() | NUMBERS | st.binary()
SETS = st.sets(st.text(), min_size=1) | st.sets(NUMBERS, min_size=1) | st.sets(st.binary(), min_size=1)
VALUES = st.recursive(
    SCALARS | SETS, lambda values: st.lists(values) | st.dictionaries(st.text(), values), max_leaves=8
)


@given(st.dictionaries(st.text(min_size=1), VALUES, max_size=4))
def test_items_are_written_as_boto3_writes_them(item: dict[str, Any]) -> None:
    """Every type, nested too; and read back they are the same."""
    theirs = {name: TypeSerializer().serialize(value) for name, value in item.items()}
    assert unordered(attributes(item)) == unordered(theirs)
    assert plain(theirs) == item


def unordered(value: Any) -> Any:
    """A value whose sets have no order."""
    if isinstance(value, dict):
        return {
            name: sorted(part) if name in ("SS", "NS", "BS") and isinstance(part, list) else unordered(part)
            for name, part in value.items()
        }
    return [unordered(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "value",
    [1.5, 1j, set(), {1: 2}.items(), {True}, Decimal("NaN"), Decimal("Infinity"), Decimal("1." + "1" * 38), 10**38 + 1],
    ids=str,
)
def test_what_dynamodb_has_no_type_for_is_refused(value: Any) -> None:
    """No float slips in, no digit is lost in silence; what boto3 refuses is refused here."""
    with pytest.raises((TypeError, ArithmeticError)):
        serialize(value)
    if value not in (
        {True},
        set(),
    ):  # boto3 takes a boolean for a number in a set, and lets DynamoDB refuse an empty one
        with pytest.raises((TypeError, ArithmeticError)):
            TypeSerializer().serialize(value)


def test_numbers_come_back_as_decimals() -> None:
    """As boto3 gives them, so that sums stay exact."""
    value = plain({"n": {"N": "0.10"}, "s": {"NS": ["1", "2"]}})
    assert value == {"n": Decimal("0.10"), "s": {Decimal(1), Decimal(2)}}
    assert TypeDeserializer().deserialize({"N": "0.10"}) == value["n"]


def test_an_insert_names_each_attribute_and_quotes_it() -> None:
    """PartiQL takes parameters for values only."""
    statement = insert("t", attributes({"id": "1", "it's": 2}))
    assert statement == {
        "Statement": "INSERT INTO \"t\" VALUE {'id': ?, 'it''s': ?}",
        "Parameters": [{"S": "1"}, {"N": "2"}],
    }
