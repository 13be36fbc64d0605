"""Other AWS accounts at the topic: who may publish to it, who may subscribe queues of its own, and nobody else.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-send-message-to-sqs-cross-account.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from aws_cdk import Stack

from stacks.errors import SynthError


def parse_accounts(option: str, text: str | None) -> tuple[str, ...]:
    """The account ids in `111122223333,444455556666`, each once. Raises SynthError for what is no account id."""
    if text is None:
        return ()
    accounts = [each.strip() for each in text.split(",")]
    for account in accounts:
        if re.fullmatch(r"[0-9]{12}", account) is None:
            raise SynthError(f"-c {option}={text}: it must be account ids of 12 digits with commas between them")
    return tuple(dict.fromkeys(accounts))


def allow_publishers(topic_arn: str, accounts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """These accounts may publish; which of their roles may is then their own policies' business."""
    if accounts:
        yield {
            "Effect": "Allow",
            "Principal": {"AWS": [*accounts]},
            "Action": "sns:Publish",
            "Resource": topic_arn,
        }


def allow_subscribers(stack: Stack, topic_arn: str, accounts: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Each account may subscribe SQS queues of its own, in the topic's region, and no other endpoint: with the account
    alone it could have events sent to any queue, URL or address.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-using-identity-based-policies.html
    """
    for account in accounts:
        queues = f"arn:{stack.partition}:sqs:{stack.region}:{account}:*"
        yield {
            "Effect": "Allow",
            "Principal": {"AWS": account},
            "Action": "sns:Subscribe",
            "Resource": topic_arn,
            "Condition": {"StringEquals": {"sns:Protocol": "sqs"}, "StringLike": {"sns:Endpoint": queues}},
        }
