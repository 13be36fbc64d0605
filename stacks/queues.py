"""The queues of one subscription: encrypted, TLS only, high throughput where they are FIFO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import CfnResource

from messaging.subscription import Subscription
from stacks.deployment import Deployment
from stacks.encryption import queue_at_rest
from stacks.permissions import allow_deliveries, deny_without_tls, policy
from stacks.references import Part, attribute
from stacks.resources import Value, add_resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue as CloudFormation will know it. `policy` must be there before somebody is told to send to it."""

    url: str
    arn: Value
    name: Value
    policy: CfnResource


def make_source_queue(
    scope: Part, row: Subscription, *, dead_letter_queue: Queue, topic_arn: str, deployment: Deployment
) -> Queue:
    """The queue that the topic delivers to and the consumer reads."""
    return _make_queue(
        scope,
        "Queue",
        fifo=row.fifo,
        topic_arn=topic_arn,
        deployment=deployment,
        properties={
            "VisibilityTimeout": row.visibility_timeout_seconds,
            "MessageRetentionPeriod": row.retention_seconds,
            "RedrivePolicy": {"deadLetterTargetArn": dead_letter_queue.arn, "maxReceiveCount": row.max_receive_count},
            # A source queue is nobody's dead-letter queue, and must not become one by mistake.
            "RedriveAllowPolicy": {"redrivePermission": "denyAll"},
        },
    )


def make_dead_letter_queue(scope: Part, row: Subscription, *, deployment: Deployment) -> Queue:
    """Where messages go that the consumer gave up, or that SQS did.

    It has the type of its source, as SQS demands, and outlives it: a standard one keeps the time of sending. Which
    queues may redrive to it is left at SQS's default, all of this account: `byQueue` with the ARN of a source that
    already points here is circular in one template.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
    """
    return _make_queue(
        scope,
        "DeadLetterQueue",
        fifo=row.fifo,
        deployment=deployment,
        properties={"MessageRetentionPeriod": row.dead_letter_retention_seconds},
    )


def make_topic_dead_letter_queue(scope: Part, row: Subscription, *, topic_arn: str, deployment: Deployment) -> Queue:
    """Where the topic puts what it can't deliver: FIFO whatever the type of the source queue, as a FIFO topic demands.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
    """
    return _make_queue(
        scope,
        "TopicDeadLetterQueue",
        fifo=True,
        topic_arn=topic_arn,
        deployment=deployment,
        properties={"MessageRetentionPeriod": row.dead_letter_retention_seconds},
    )


# Per message group, or the whole queue stops at 300 calls a second.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html
_FIFO: dict[str, Any] = {
    "FifoQueue": True,
    "ContentBasedDeduplication": False,
    "DeduplicationScope": "messageGroup",
    "FifoThroughputLimit": "perMessageGroupId",
}


def _make_queue(
    scope: Part,
    construct_id: str,
    *,
    fifo: bool,
    deployment: Deployment,
    properties: Mapping[str, Any],
    topic_arn: str | None = None,
) -> Queue:
    """A queue and its policy; `topic_arn` names the topic that may send to it."""
    given = {**queue_at_rest(deployment.key_arn), **(_FIFO if fifo else {}), **properties}
    resource = add_resource(scope, construct_id, "AWS::SQS::Queue", given)
    deployment.keep(resource)
    url, arn = resource.ref, attribute(scope, construct_id, "Arn")
    statements = [deny_without_tls("sqs:*", arn)]
    if topic_arn is not None:
        statements.append(allow_deliveries(topic_arn, arn))
    secured = {"Queues": [url], "PolicyDocument": policy(statements)}
    queue_policy = add_resource(scope, f"{construct_id}Policy", "AWS::SQS::QueuePolicy", secured)
    return Queue(url=url, arn=arn, name=attribute(scope, construct_id, "QueueName"), policy=queue_policy)
