"""How Lambda reads what a function on a queue or a stream answers.

Documented for queues at https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html and for streams at
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html; recorded on AWS by LocalStack in
its tests test_report_batch_item_failures* and test_*_report_batch_item_{success,failure}_scenarios.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def failed_ids(response: Any, batch: Sequence[str]) -> list[str]:
    """Which ids of a batch the answer hands back, as it names them.

    An answer that says nothing of failures is success, so a misspelt key loses messages. One that can't be read hands
    back the whole batch: an entry whose identifier is missing, empty, no text or none of the batch's. So does what is
    no object at all; AWS says that of "an invalid JSON response", and where it draws that line is not known.
    """
    if response in (None, "", []):  # recorded as success
        return []
    if not isinstance(response, dict):
        return [*batch]
    failures = response.get("batchItemFailures")
    if failures is None:
        return []
    if not isinstance(failures, list):
        return [*batch]
    known = frozenset(batch)
    ids = []
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if not isinstance(identifier, str) or identifier not in known:
            return [*batch]
        ids.append(identifier)
    return ids
