"""A stream's batch as Lambda sends it, and the answer that it understands."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.errors import InvalidResponse
from messaging.stream import Record, records, response


def change(sequence_number: str, **image: Any) -> dict[str, Any]:
    """One record of a Lambda event, in the shape of AWS's documentation."""
    return {
        "eventID": "1",
        "eventName": "INSERT" if image else "REMOVE",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_790_000_000,
            "Keys": {"message_group": {"S": "A"}},
            "SequenceNumber": sequence_number,
            "SizeBytes": 26,
            "StreamViewType": "NEW_IMAGE",
            **({"NewImage": image} if image else {}),
        },
    }


def test_records_keep_the_order_of_their_shard() -> None:
    """A removal leaves no item."""
    batch = records({"Records": [change("2", a={"S": "x"}), change("10")]})
    assert batch == [
        Record(sequence_number="2", written_at=1_790_000_000, item={"a": {"S": "x"}}),
        Record(sequence_number="10", written_at=1_790_000_000, item=None),
    ]


BATCH = [Record(sequence_number=number, written_at=0, item=None) for number in ("9", "10", "11")]


def test_all_well_is_an_empty_list() -> None:
    """Lambda goes on after the batch."""
    assert response(BATCH, []) == {"batchItemFailures": []}
    assert response([], []) == {"batchItemFailures": []}


def test_the_first_unfinished_record_alone_is_named() -> None:
    """First in the batch, not in the list, and not as a text: "10" sorts before "9"."""
    assert response(BATCH, [BATCH[2], BATCH[1]]) == {"batchItemFailures": [{"itemIdentifier": "10"}]}
    assert response(BATCH, BATCH) == {"batchItemFailures": [{"itemIdentifier": "9"}]}


@pytest.mark.parametrize("number", ["12", ""])
def test_a_record_that_the_batch_does_not_hold_is_refused(number: str) -> None:
    """Rather an error, and the whole batch again, than going on past what was not sent."""
    unfinished = Record(sequence_number=number, written_at=0, item=None)
    with pytest.raises(InvalidResponse, match="not all of this batch"):
        response([*BATCH, *([unfinished] if not number else [])], [unfinished])
