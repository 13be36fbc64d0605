"""The notifications handler as Powertools' documentation has it built: cold_start.py measures ours against it."""

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


class Line(BaseModel):
    """One line of an order."""

    sku: str
    quantity: int
    unit_price: str


class Order(BaseModel):
    """What the e-mail needs of an order."""

    order_id: str
    customer_id: str
    lines: list[Line]


logger = Logger()
metrics = Metrics()
tracer = Tracer()
ses = boto3.client("sesv2")
config = IdempotencyConfig(event_key_jmespath="messageId")
persistence = DynamoDBPersistenceLayer(table_name=os.environ["WAYBILL_TABLE_INBOX"])
processor = BatchProcessor(event_type=EventType.SQS)


@idempotent_function(data_keyword_argument="record", persistence_store=persistence, config=config)  # type: ignore[untyped-decorator] # Powertools does not type it
def confirm(record: SQSRecord) -> None:
    """Send the e-mail of one record."""
    order = parse(event=record.json_body, model=Order)
    ses.send_email(
        FromEmailAddress=os.environ["WAYBILL_MAIL_FROM"],
        Destination={"ToAddresses": [f"success+{order.customer_id}@simulator.amazonses.com"]},
        Content={"Simple": {"Subject": {"Data": order.order_id}, "Body": {"Text": {"Data": str(order.lines)}}}},
    )


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Process one batch."""
    config.register_lambda_context(context)
    return process_partial_response(
        event=event, record_handler=lambda record: confirm(record=record), processor=processor, context=context
    )
