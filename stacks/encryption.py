"""Encryption at rest of what is on its way: by AWS's own keys, or with `-c kms=true` by one key of the customer's.

The key is the topics' and the queues'. Tables and logs stay with keys that AWS owns: docs/security.md says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from aws_cdk import ArnFormat, Stack, Token
from constructs import Construct

from stacks.deployment import Deployment
from stacks.permissions import Statement, allow, allow_alarms, allow_deliveries, policy
from stacks.resources import add_resource

# How long SQS works with a data key before it asks for another. At its default of 300 s that is over a dollar a month
# for the shop's queues; at a day, the longest, whoever takes the key away is obeyed tomorrow. An hour costs ten cents
# and bridges short troubles of KMS.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
DATA_KEY_REUSE_SECONDS = 3600

# To send to what is encrypted: the data key is made, and read back.
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
USE = ("kms:GenerateDataKey*", "kms:Decrypt")
# A role names no family of actions: SQS and SNS ask for this one of it.
SEND = ("kms:GenerateDataKey", "kms:Decrypt")
RECEIVE = ("kms:Decrypt",)

# By what a function may do: what it needs of the key for that.
_NEEDS = {"sqs:ReceiveMessage": RECEIVE, "sqs:SendMessage": SEND, "sns:Publish": SEND}


def make_key(scope: Construct, *, topic_arn: str, deployment: Deployment) -> str:
    """The key, rotated every year; its ARN. `topic_arn` without a reference: the topic has one to the key."""
    stack = Stack.of(scope)
    properties = {
        "Description": f"Waybill ({deployment.stage}): messages in topics and queues",
        "EnableKeyRotation": True,
        # The longest there is, where messages outlive their stack; the shortest in dev.
        "PendingWindowInDays": 30 if deployment.prod else 7,
        "KeyPolicy": policy([*_key_policy(stack, topic_arn, deployment)]),
    }
    key = add_resource(scope, "Key", "AWS::KMS::Key", properties)
    deployment.keep(key)
    arn: str = Token.as_string(key.get_att("Arn"))
    return arn


def queue_at_rest(key_arn: str | None) -> dict[str, Any]:
    """The properties of a queue that say how it is encrypted."""
    if key_arn is None:
        return {"SqsManagedSseEnabled": True}
    return {"KmsMasterKeyId": key_arn, "KmsDataKeyReusePeriodSeconds": DATA_KEY_REUSE_SECONDS}


def key_statements(statements: Sequence[Statement], key_arn: str | None) -> Iterator[Statement]:
    """What a function with these statements may do with the key besides: nothing, where there is none or no need."""
    allowed = {action for statement in statements for action in statement["Action"]}
    needed = sorted({needs for action in allowed & _NEEDS.keys() for needs in _NEEDS[action]})
    if key_arn is not None and needed:
        yield allow(needed, key_arn)


def _key_policy(stack: Stack, topic_arn: str, deployment: Deployment) -> Iterator[Statement]:
    """In a key's policy, the resource `*` is the key itself.

    Source: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
    """
    root = stack.format_arn(service="iam", region="", resource="root", arn_format=ArnFormat.NO_RESOURCE_NAME)
    # All of it, or nobody could ever change the policy again; and so that the roles' own policies count.
    # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    yield {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"}
    # The topic's deliveries into encrypted queues.
    # https://docs.aws.amazon.com/sns/latest/dg/sns-enable-encryption-for-topic-sqs-queue-subscriptions.html
    yield allow_deliveries(topic_arn, "*", USE)
    yield allow_alarms(stack, "*", USE)
    if deployment.publisher_accounts:
        # Through the topic only. https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
        through_sns = {"StringEquals": {"kms:ViaService": f"sns.{stack.region}.{stack.url_suffix}"}}
        yield {
            "Effect": "Allow",
            "Principal": {"AWS": [*deployment.publisher_accounts]},
            "Action": [*USE],
            "Resource": "*",
            "Condition": through_sns,
        }
