"""Items read for a whole batch: consistently, in one call where they are at most a hundred."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from messaging.deadline import HasTime, always
from messaging.effects import Item, Key
from messaging.errors import RetryLater
from messaging.items import attributes, plain

# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
MAX_KEYS = 100
MAX_FRUITLESS_READS = 5
THROTTLES = {
    *("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "InternalServerError")
}


class Reader:
    """Reads items of one consumer's tables. `client` is boto3's DynamoDB client, `tables` gives physical names."""

    def __init__(self, client: Any, *, tables: Mapping[str, str], sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._tables = tables
        self._sleep = sleep

    def fetch(self, keys: Iterable[Key], has_time: HasTime = always) -> dict[Key, Item | None]:
        """The items of these keys, read consistently; None where there is none. Each call after the first needs time.

        Raises RetryLater when DynamoDB does not answer, or keeps leaving keys unprocessed.
        """
        missing = list(dict.fromkeys(keys))
        items: dict[Key, Item | None] = dict.fromkeys(missing)
        fruitless = calls = 0
        while missing:
            if calls and not has_time():
                raise RetryLater("reading failed: no time for another call")
            calls += 1
            chunk, missing = missing[:MAX_KEYS], missing[MAX_KEYS:]
            found, unprocessed = self._read(chunk)
            items |= found
            missing += unprocessed
            fruitless = fruitless + 1 if len(unprocessed) == len(chunk) else 0
            if fruitless == MAX_FRUITLESS_READS:
                raise RetryLater("reading failed: DynamoDB leaves every key unprocessed")
            if unprocessed:
                self._sleep(random.uniform(0, 0.02 * 2**fruitless))  # full jitter
        return items

    def check(self, keys: Iterable[Key]) -> None:
        """Raises ValueError or KeyError for a key that fits none of the function's tables."""
        for key in keys:
            if key.table not in self._tables:
                raise KeyError(f"table {key.table!r} is not one that the subscription's row names")
            attributes(key.attributes)

    def _read(self, keys: Sequence[Key]) -> tuple[dict[Key, Item], list[Key]]:
        try:
            return self._batch_get(keys)
        except ClientError as error:
            if error.response["Error"]["Code"] in THROTTLES:
                return {}, list(keys)
            raise RetryLater(f"reading failed: {error.response['Error']['Code']}") from error
        except BotoCoreError as error:  # no answer, and another wait like this may be one too long
            raise RetryLater(f"reading failed: {type(error).__name__}") from error

    def _batch_get(self, keys: Sequence[Key]) -> tuple[dict[Key, Item], list[Key]]:
        wanted: dict[str, list[Key]] = {}
        for key in keys:
            wanted.setdefault(self._tables[key.table], []).append(key)
        reply = self._client.batch_get_item(
            RequestItems={
                table: {"Keys": [attributes(key.attributes) for key in those], "ConsistentRead": True}
                for table, those in wanted.items()
            }
        )
        found: dict[Key, Item] = {}
        unprocessed: list[Key] = []
        for table, those in wanted.items():
            items = [plain(item) for item in reply["Responses"].get(table, [])]
            left = reply.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
            for key in those:
                if attributes(key.attributes) in left:
                    unprocessed.append(key)
                    continue
                for item in items:
                    if key.attributes.items() <= item.items():
                        found[key] = item
        return found, unprocessed
