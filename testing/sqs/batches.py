"""Batch requests: what refuses all of one, and an outcome for each of its entries otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from testing.sqs.errors import Refused, legacy

Entry = Mapping[str, Any]

MAX_ENTRIES = 10
_ID = re.compile("[0-9A-Za-z_-]{1,80}")


def check(entries: Sequence[Entry], kind: str) -> None:
    """Raises Refused for a batch that SQS does not look into; `kind` is what it calls an entry.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html#API_SendMessageBatch_Errors
    """
    if not entries:
        raise legacy("EmptyBatchRequest", f"There should be at least one {kind} in the request.")
    if len(entries) > MAX_ENTRIES:
        raise legacy(
            "TooManyEntriesInBatchRequest",
            f"Maximum number of entries per request are {MAX_ENTRIES}. You have sent {len(entries)}.",
        )
    seen: set[str] = set()
    for entry in entries:
        if not _ID.fullmatch(entry["Id"]):
            raise legacy(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
                "It can be at most 80 letters long.",
            )
        if entry["Id"] in seen:
            raise legacy("BatchEntryIdsNotDistinct", f"Id {entry['Id']} repeated.")
        seen.add(entry["Id"])


def each(entries: Sequence[Entry], run: Callable[[Entry], dict[str, Any]]) -> dict[str, Any]:
    """Run every entry, in their order. Lists without members are not in a reply, as with AWS."""
    successful: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for entry in entries:
        try:
            successful.append({"Id": entry["Id"], **run(entry)})
        except Refused as error:
            failed.append({"Id": entry["Id"], "SenderFault": True, "Code": error.code, "Message": error.message})
    reply = {"Successful": successful, "Failed": failed}
    return {name: outcomes for name, outcomes in reply.items() if outcomes}
