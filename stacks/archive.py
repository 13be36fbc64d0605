"""The topic's archive, from which a consumer can have old events again (`waybill replay`).

Source: https://docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-topic-owner.html
"""

from __future__ import annotations

from typing import Any

from constructs import Construct

from messaging.subscription import DAY_SECONDS, REPLAY_HORIZON_SECONDS
from stacks.errors import SynthError

# Markers outlive a replay of so much, and no more.
MAX_DAYS = REPLAY_HORIZON_SECONDS // DAY_SECONDS


def check_days(days: int) -> int:
    """The days, 0 for no archive. Raises SynthError for more than markers outlive."""
    if days > MAX_DAYS:
        raise SynthError(
            f"-c archive_days={days}: it must be from 0 to {MAX_DAYS}, for markers outlive no replay of more"
        )
    return days


def archive_policy(days: int) -> dict[str, Any] | None:
    """The topic's property: so many days, or none. SNS wants the number as a text."""
    return {"MessageRetentionPeriod": str(days)} if days else None


def clear_first(scope: Construct, topic_arn: str) -> None:
    """Give the archive up before the topic goes with its stack: SNS deletes no topic that has one.

    Only for a stack whose data may go. The resource does nothing until it is deleted, which is before the topic is.
    """
    from aws_cdk import aws_iam as iam  # both take a tenth of a second of a synth that has an archive to clear
    from aws_cdk import custom_resources

    custom_resources.AwsCustomResource(
        scope,
        "ArchiveCleared",
        on_delete=custom_resources.AwsSdkCall(
            service="SNS",
            action="setTopicAttributes",
            parameters={"TopicArn": topic_arn, "AttributeName": "ArchivePolicy", "AttributeValue": "{}"},
        ),
        policy=custom_resources.AwsCustomResourcePolicy.from_statements(
            [iam.PolicyStatement(actions=["sns:SetTopicAttributes"], resources=[topic_arn])]
        ),
        install_latest_aws_sdk=False,
    )
