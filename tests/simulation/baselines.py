"""What Waybill is compared with: consumers as people write them from tutorials and from Powertools' documentation.

Each has the same effect, one more for its event, so that doubles can be counted. Powertools is the library itself, on
the virtual clock: its functions start and run within `virtual_time`.
"""

from __future__ import annotations

import datetime as dt
import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    SqsFifoPartialProcessor,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency import base as handling
from aws_lambda_powertools.utilities.idempotency.persistence import base as persisting
from aws_lambda_powertools.utilities.idempotency.persistence import datarecord
from aws_lambda_powertools.utilities.idempotency.persistence import dynamodb as persisting_in_dynamodb

from testing.functions.fleet import Function, Invocation
from testing.functions.process import Process

# Called right before the effect of the event of that id. What it raises is what goes wrong.
Strike = Callable[[Process, str], None]
Effect = Callable[[Any], None]

MARKED_SECONDS = 24 * 60 * 60  # ours to choose: tutorials differ, from five seconds on
TUNED_SECONDS = 30 * 24 * 60 * 60

# Every module in which Powertools 3.37 asks for the time, when it keeps its records in DynamoDB. All do
# `import datetime as dt` and `dt.datetime.now()`, nothing else.
_CLOCKED = (handling, persisting, datarecord, persisting_in_dynamodb)


class GroupFailed(Exception):
    """An earlier record of the same message group was not processed."""


class Naive:
    """The loop of the tutorials: look the event up, process it, mark it. What raises is handed back.

    After a failure it goes on; with `stops_group` it hands back the rest of that message group untried.
    """

    def __init__(self, strike: Strike, *, stops_group: bool = False) -> None:
        self._strike = strike
        self._stops_group = stops_group

    def start(self, machine: Any) -> Invocation:
        """Bind it to a machine."""
        dynamodb, effect = machine.clients.dynamodb, _effect(machine, self._strike)
        table, consumer = machine.environment["WAYBILL_TABLE_INBOX"], machine.environment["WAYBILL_CONSUMER"]

        def process(record: Mapping[str, Any]) -> None:
            document = json.loads(record["body"])
            key = {"id": {"S": f"{consumer}#{document['id']}"}}
            if "Item" in dynamodb.get_item(TableName=table, Key=key):
                return
            effect(document)
            expiration = int(machine.clock()) + MARKED_SECONDS
            dynamodb.put_item(TableName=table, Item={**key, "expiration": {"N": str(expiration)}})

        def invocation(event: dict[str, Any], context: Any) -> dict[str, Any]:
            del context
            stops, failures, failed_groups = self._stops_group and _is_fifo(event), [], set()
            for record in event["Records"]:
                group = record["attributes"].get("MessageGroupId")
                try:
                    if stops and group in failed_groups:
                        raise GroupFailed(group)
                    process(record)
                except Exception:  # noqa: BLE001  # as tutorials have it
                    failures.append({"itemIdentifier": record["messageId"]})
                    failed_groups.add(group)
            return {"batchItemFailures": failures}

        return invocation


class Powertools:
    """Powertools' batch processor with its idempotency utility, as its documentation has the two together.

    Source: https://docs.aws.amazon.com/powertools/python/latest/utilities/idempotency/#batch-integration
    """

    def __init__(
        self,
        strike: Strike,
        *,
        config: Callable[[], IdempotencyConfig],
        fifo_processor: Callable[[], BatchProcessor] = SqsFifoPartialProcessor,
    ) -> None:
        self._strike = strike
        self._config = config
        self._fifo_processor = fifo_processor

    def start(self, machine: Any) -> Invocation:
        """Decorate a function for one machine. Call it, and what it returns, within `virtual_time`; raises RuntimeError
        where that is not so."""
        if not _time_is_virtual():
            raise RuntimeError("Powertools would read the wall clock: start it within virtual_time()")
        effect, config = _effect(machine, self._strike), self._config()
        standard, fifo = BatchProcessor(event_type=EventType.SQS), self._fifo_processor()
        persistence = DynamoDBPersistenceLayer(
            table_name=machine.environment["WAYBILL_TABLE_INBOX"], boto3_client=machine.clients.dynamodb
        )

        # Its own prefix begins with the name of the Lambda function, which here is the same for all.
        @idempotent_function(  # type: ignore[untyped-decorator]  # it may be called with or without a function
            data_keyword_argument="record",
            persistence_store=persistence,
            config=config,
            key_prefix=machine.environment["WAYBILL_CONSUMER"],
        )
        def record_handler(record: SQSRecord) -> None:
            effect(json.loads(record.body))

        def invocation(event: dict[str, Any], context: Any) -> Any:
            config.register_lambda_context(context)
            processor = fifo if _is_fifo(event) else standard
            try:
                return process_partial_response(
                    event=event, record_handler=record_handler, processor=processor, context=context
                )
            except BatchProcessingError as error:  # every record failed, or there was none
                error.child_exceptions = []  # its message would be their tracebacks: slow, and not the same everywhere
                raise

        return invocation


def naive(strike: Strike) -> Function:
    """The usual tutorial's loop."""
    return Naive(strike)


def naive_stopping(strike: Strike) -> Function:
    """The same loop, for FIFO queues: what follows a failure in its group is handed back with it."""
    return Naive(strike, stops_group=True)


def powertools_quick_start(strike: Strike) -> Function:
    """By SQS's message id, kept for the default hour; on FIFO queues the first failure ends the batch."""
    return Powertools(strike, config=lambda: IdempotencyConfig(event_key_jmespath="messageId"))


def powertools_tuned(strike: Strike) -> Function:
    """By the event's own id, kept for 30 days; on FIFO queues a failure ends its group."""
    return Powertools(
        strike,
        config=lambda: IdempotencyConfig(
            event_key_jmespath="powertools_json(body).id", expires_after_seconds=TUNED_SECONDS
        ),
        fifo_processor=lambda: SqsFifoPartialProcessor(skip_group_on_error=True),
    )


BASELINES: Mapping[str, Callable[[Strike], Function]] = {
    "naive": naive,
    "naive_stopping": naive_stopping,
    "powertools_quick_start": powertools_quick_start,
    "powertools_tuned": powertools_tuned,
}


@contextmanager
def virtual_time() -> Iterator[None]:
    """Powertools' time is that of the process that runs in the current task, and its warnings are not shown.

    In a task of no process it raises AttributeError, lest it read the wall clock.
    """
    with ExitStack() as restored, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"aws_lambda_powertools\.")
        for module in _CLOCKED:
            restored.enter_context(patch.object(module, "dt", _VIRTUAL))
        yield


class _VirtualDatetime(dt.datetime):
    """A datetime whose `now` is aware of its zone, where Powertools takes Lambda's to be UTC."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> _VirtualDatetime:
        return cls.fromtimestamp(Process.current().clock(), tz or dt.UTC)


_VIRTUAL = SimpleNamespace(**{**vars(dt), "datetime": _VirtualDatetime})


def _time_is_virtual() -> bool:
    return all(vars(module)["dt"] is _VIRTUAL for module in _CLOCKED)


def _is_fifo(event: Mapping[str, Any]) -> bool:
    """Standard queues may have groups too, and no order in them."""
    return any(record["eventSourceARN"].endswith(".fifo") for record in event["Records"])


def _effect(machine: Any, strike: Strike) -> Effect:
    """One more for the event of a CloudEvents document."""
    dynamodb, table = machine.clients.dynamodb, machine.environment["WAYBILL_TABLE_REVENUE"]

    def effect(document: Any) -> None:
        event_id = document["id"]
        strike(machine.process, event_id)
        dynamodb.update_item(
            TableName=table,
            Key={"day_country": {"S": event_id}, "shard": {"S": "times"}},
            UpdateExpression="ADD amount :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    return effect
