"""Reading for a whole batch: consistent, bounded, and no call for nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from messaging.effects import Key
from messaging.errors import RetryLater
from messaging.reads import MAX_FRUITLESS_READS, Reader
from messaging.tables import TABLES
from tests.doubles import Wire


@pytest.fixture
def reader(dynamodb: Wire) -> Reader:
    return Reader(dynamodb, tables={table.name: table.name for table in TABLES}, sleep=lambda _: None)


@pytest.mark.fault(35)
def test_unprocessed_keys_are_read_until_none_is_left(reader: Reader, dynamodb: Wire) -> None:
    """DynamoDB may answer in part; a missing item is then told from one not yet read."""
    dynamodb.put_item(TableName="stock", Item={"sku": {"S": "A"}, "units": {"N": "1"}})
    unprocessed = {"stock": {"Keys": [{"sku": {"S": "A"}}]}}
    dynamodb.replies["batch_get_item"] = [{"Responses": {}, "UnprocessedKeys": unprocessed}]
    items = reader.fetch([Key("stock", "A"), Key("stock", "B"), Key("stock", "A")])
    assert items == {Key("stock", "A"): {"sku": "A", "units": Decimal(1)}, Key("stock", "B"): None}


@pytest.mark.fault(31)
def test_keys_that_stay_unprocessed_hand_the_work_back(reader: Reader, dynamodb: Wire) -> None:
    """Reading is bounded: a throttled table ends in a retry of the record, not in a loop."""
    unprocessed = {"stock": {"Keys": [{"sku": {"S": "A"}}]}}
    dynamodb.replies["batch_get_item"] = [{"Responses": {}, "UnprocessedKeys": unprocessed} for _ in range(99)]
    with pytest.raises(RetryLater):
        reader.fetch([Key("stock", "A")])
    assert len(dynamodb.calls) == MAX_FRUITLESS_READS


def test_reading_many_keys_takes_a_call_for_each_hundred(reader: Reader, dynamodb: Wire) -> None:
    """BatchGetItem's limit."""
    assert len(reader.fetch(Key("stock", str(n)) for n in range(250))) == 250
    assert dynamodb.calls == ["batch_get_item"] * 3


@pytest.mark.fault(36)
def test_reads_are_consistent(reader: Reader, dynamodb: Wire) -> None:
    """A stale read could take an applied event for a new one."""
    requests: list[dict[str, Any]] = []
    dynamodb.before["batch_get_item"] = [requests.append]
    reader.fetch([Key("stock", "A"), Key("reservations", "1")])
    assert [each["ConsistentRead"] for each in requests[0]["RequestItems"].values()] == [True, True]


def test_nothing_to_read_is_no_call(reader: Reader, dynamodb: Wire) -> None:
    """Consumers without reads pay none."""
    assert reader.fetch([]) == {}
    assert dynamodb.calls == []
