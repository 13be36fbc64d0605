"""A DynamoDB stream as a source: Lambda's records in, the partial batch response out.

Source of the shapes: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from messaging.errors import InvalidResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One change of a table. `item` is the item as it was left, in the wire format; None where it went.

    `written_at`: epoch seconds.
    """

    sequence_number: str
    written_at: float
    item: Mapping[str, Any] | None


def records(event: Mapping[str, Any]) -> list[Record]:
    """The records of a Lambda event from a stream with new images, in the order of their shard."""
    return [_record(entry["dynamodb"]) for entry in event["Records"]]


def response(batch: Sequence[Record], unfinished: Collection[Record]) -> dict[str, list[dict[str, str]]]:
    """The partial batch response that has the batch delivered again from its first unfinished record on.

    Lambda goes on from the lowest sequence number that it is given, so one is all it needs. Raises InvalidResponse for
    a record that the batch does not hold, or that has no sequence number: Lambda would go on past what failed, or
    take the whole batch as failed.
    """
    numbers = {record.sequence_number for record in unfinished}
    if not numbers <= {record.sequence_number for record in batch} or "" in numbers:
        raise InvalidResponse(f"unfinished records {sorted(numbers)} are not all of this batch")
    first = [record.sequence_number for record in batch if record.sequence_number in numbers][:1]
    return {"batchItemFailures": [{"itemIdentifier": number} for number in first]}


def _record(change: Mapping[str, Any]) -> Record:
    return Record(
        sequence_number=change["SequenceNumber"],
        written_at=float(change["ApproximateCreationDateTime"]),
        item=change.get("NewImage"),
    )
