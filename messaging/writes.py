"""Many items put or deleted, each for itself and without a condition, in calls of 25."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from messaging.deadline import HasTime
from messaging.reads import THROTTLES

# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
MAX_WRITES = 25
MAX_ATTEMPTS = 4


class Writer:
    """Writes to one table. `client` is boto3's DynamoDB client, `table` the physical name."""

    def __init__(self, client: Any, *, table: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

    def write(self, requests: Sequence[Mapping[str, Any]], has_time: HasTime) -> bool:
        """Whether DynamoDB took all of it. `requests` as in BatchWriteItem, no item twice.

        Each call needs time. What is throttled, unanswered or left undone is asked for again, a few times.
        """
        pending = list(requests)
        for attempt in range(MAX_ATTEMPTS * (1 + len(pending) // MAX_WRITES)):
            if not pending:
                return True
            if not has_time():
                return False
            if attempt and len(pending) <= MAX_WRITES:
                self._sleep(random.uniform(0, 0.02 * 2 ** min(attempt, 4)))  # full jitter
            try:
                reply = self._client.batch_write_item(RequestItems={self._table: pending[:MAX_WRITES]})
            except ClientError as error:
                if error.response["Error"]["Code"] not in THROTTLES:
                    return False
            except BotoCoreError:
                pass  # no answer: where it was written, it is written again
            else:
                pending = [*reply.get("UnprocessedItems", {}).get(self._table, []), *pending[MAX_WRITES:]]
        return not pending
