"""A function that publishes, as people build it with Powertools: cold_start.py measures relay and heartbeat by it."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
tracer = Tracer()
sns = boto3.client("sns")


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], _: LambdaContext) -> None:
    """Publish what came."""
    sns.publish(TopicArn=os.environ["WAYBILL_TOPIC_ARN"], Message=json.dumps(event), MessageGroupId="all")
    metrics.add_metric(name="Published", unit=MetricUnit.Count, value=1)
