"""The consumers that people build instead: benchmarks/consumer.py measures ours against them.

stock     Powertools' BatchProcessor and idempotency utility, which keeps a record of each event for 30 days
threads   the same as coroutines, each record in a thread of its own (asyncio.to_thread)
fifo      Powertools' FIFO processor, which skips the rest of a failed record's group
loop      no library: look whether the event is known, apply it, note that it is known

Cheaper than what people write in one respect: the body is parsed, not validated, and effects go through a client
instead of a resource.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    AsyncBatchProcessor,
    BatchProcessor,
    EventType,
    SqsFifoPartialProcessor,
    async_process_partial_response,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

Document = dict[str, Any]
Effect = Callable[[Any, Document], None]
Handler = Callable[[Document, Any], Any]

TABLE = "idempotency"
KEPT_SECONDS = 30 * 24 * 60 * 60


def stock_handler(effect: Effect) -> Handler:
    """A handler whose effect gets a DynamoDB client and the body of each message."""
    return _batched(effect, BatchProcessor(event_type=EventType.SQS))


def fifo_handler(effect: Effect) -> Handler:
    """The same for FIFO queues."""
    return _batched(effect, SqsFifoPartialProcessor(skip_group_on_error=True))


def _batched(effect: Effect, processor: Any) -> Handler:
    logger = Logger(service="stock")
    config, apply = _idempotent(effect)

    def record_handler(record: SQSRecord) -> None:
        apply(body=record.json_body)

    def handler(event: Document, context: LambdaContext) -> Any:
        config.register_lambda_context(context)
        response = process_partial_response(
            event=event, record_handler=record_handler, processor=processor, context=context
        )
        logger.info("batch", extra={"records": len(event["Records"])})
        return response

    return handler


def threaded_handler(effect: Effect) -> Handler:
    """Coroutines that each wait for a thread. The client has a connection for each of the executor's threads."""
    logger = Logger(service="threads")
    processor = AsyncBatchProcessor(event_type=EventType.SQS)
    config, apply = _idempotent(effect)

    async def record_handler(record: SQSRecord) -> None:
        await asyncio.to_thread(apply, body=record.json_body)

    def handler(event: Document, context: LambdaContext) -> Any:
        config.register_lambda_context(context)
        response = async_process_partial_response(
            event=event, record_handler=record_handler, processor=processor, context=context
        )
        logger.info("batch", extra={"records": len(event["Records"])})
        return response

    return handler


def _idempotent(effect: Effect) -> tuple[IdempotencyConfig, Callable[..., None]]:
    dynamodb = boto3.client("dynamodb")
    config = IdempotencyConfig(event_key_jmespath="id", expires_after_seconds=KEPT_SECONDS)
    persistence = DynamoDBPersistenceLayer(table_name=TABLE)

    @idempotent_function(data_keyword_argument="body", persistence_store=persistence, config=config)  # type: ignore[untyped-decorator] # Powertools does not type it
    def apply(body: Document) -> None:
        effect(dynamodb, body)

    return config, apply


def loop_handler(effect: Effect) -> Handler:
    """A crash after the effect applies it again, and so does a repeat that runs beside the first."""
    logger = Logger(service="loop")
    dynamodb = boto3.client("dynamodb")

    def apply(body: Document) -> None:
        key = {"id": {"S": body["id"]}}
        if "Item" in dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True):
            return
        effect(dynamodb, body)
        dynamodb.put_item(TableName=TABLE, Item={**key, "expiration": {"N": str(int(time.time()) + KEPT_SECONDS)}})

    def handler(event: Document, _: LambdaContext) -> Any:
        failures = []
        for record in event["Records"]:
            try:
                apply(json.loads(record["body"]))
            except (ValueError, KeyError, ClientError):
                logger.exception("a record failed")
                failures.append({"itemIdentifier": record["messageId"]})
        logger.info("batch", extra={"records": len(event["Records"])})
        return {"batchItemFailures": failures}

    return handler


HANDLERS: Mapping[str, Callable[[Effect], Handler]] = {
    "stock": stock_handler,
    "loop": loop_handler,
    "threads": threaded_handler,
    "fifo": fifo_handler,
}


def count(dynamodb: Any, body: Document) -> None:
    """A counter on a key of its own."""
    dynamodb.update_item(
        TableName="revenue",
        Key={"day_country": {"S": body["data"]["order_id"]}, "shard": {"S": "0"}},
        UpdateExpression="ADD #n :one",
        ExpressionAttributeNames={"#n": "orders"},
        ExpressionAttributeValues={":one": {"N": "1"}},
    )


def write_order(dynamodb: Any, body: Document) -> None:
    """The item of one event of an order, unless it is there."""
    order = body["data"]
    dynamodb.put_item(
        TableName="orders",
        Item={
            "order_id": {"S": order["order_id"]},
            "event_id": {"S": body["id"]},
            "status": {"S": "placed"},
            "customer_id": {"S": order["customer_id"]},
            "priority": {"S": order["priority"]},
            "placed_at": {"S": order["placed_at"]},
            "currency": {"S": order["currency"]},
        },
        ConditionExpression="attribute_not_exists(event_id)",
    )


def call_provider(_: Any, body: Document) -> None:
    """A call that costs nothing."""
    assert body["id"]


def reserve(dynamodb: Any, body: Document) -> None:
    """The stock of every line and a reservation, whole or not at all."""
    order = body["data"]
    taken = [
        {
            "Update": {
                "TableName": "stock",
                "Key": {"sku": {"S": line["sku"]}},
                "UpdateExpression": "ADD #n :less",
                "ConditionExpression": "#n >= :units",
                "ExpressionAttributeNames": {"#n": "units"},
                "ExpressionAttributeValues": {
                    ":less": {"N": str(-line["quantity"])},
                    ":units": {"N": str(line["quantity"])},
                },
            }
        }
        for line in order["lines"]
    ]
    reservation = {"order_id": {"S": order["order_id"]}, "status": {"S": "reserved"}}
    dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": "reservations", "Item": reservation}}, *taken])
