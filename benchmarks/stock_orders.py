"""A handler that writes an order, as Powertools' documentation has it built: cold_start.py measures ours by it."""

from __future__ import annotations

import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.parser import BaseModel, parse
from aws_lambda_powertools.utilities.typing import LambdaContext


class Order(BaseModel):
    """What the table keeps of an order."""

    order_id: str
    customer_id: str
    placed_at: str


logger = Logger()
metrics = Metrics()
tracer = Tracer()
dynamodb = boto3.client("dynamodb")
config = IdempotencyConfig(event_key_jmespath="messageId")
persistence = DynamoDBPersistenceLayer(table_name=os.environ["WAYBILL_TABLE_INBOX"])
processor = BatchProcessor(event_type=EventType.SQS)


@idempotent_function(data_keyword_argument="record", persistence_store=persistence, config=config)  # type: ignore[untyped-decorator] # Powertools does not type it
def write(record: SQSRecord) -> None:
    """Keep the order of one record."""
    order = parse(event=record.json_body, model=Order)
    item = {name: {"S": value} for name, value in order.model_dump().items()}
    dynamodb.put_item(TableName=os.environ["WAYBILL_TABLE_ORDERS"], Item=item)


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Process one batch."""
    config.register_lambda_context(context)
    return process_partial_response(
        event=event, record_handler=lambda record: write(record=record), processor=processor, context=context
    )
