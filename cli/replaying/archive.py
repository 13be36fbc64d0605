"""The topic's archive, from which SNS itself delivers again: all that a subscription's filter takes since a moment.

Source: https://docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-subscriber.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from cli.errors import CliError, NotFound

POLL_SECONDS = 5.0
COMPLETED, FAILED = "Completed", "Failed"


def begins_at(sns: Any, topic_arn: str) -> datetime | None:
    """The earliest moment that the archive can be replayed from; None where SNS does not say.

    Raises CliError for a topic without an archive, with what to do instead.
    """
    attributes = sns.get_topic_attributes(TopicArn=topic_arn)["Attributes"]
    if not _object(attributes.get("ArchivePolicy")):
        raise CliError(
            "this topic keeps no archive: deploy with -c archive_days=N to have one from then on (the local engine "
            "never has). Replay what you have: -f FILE of messages or of `waybill dlq export`, or --from outbox"
        )
    begins = attributes.get("BeginningArchiveTime")
    return None if not begins else datetime.fromisoformat(begins).astimezone(UTC)


def subscription_arn(sns: Any, topic_arn: str, queue_arn: str) -> str:
    """The subscription by which a queue gets the topic's messages. Raises NotFound."""
    for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn):
        for each in page["Subscriptions"]:
            if each["Endpoint"] == queue_arn:
                return str(each["SubscriptionArn"])
    raise NotFound(f"no subscription of {topic_arn} delivers to {queue_arn}: deploy its stack again")


def start(sns: Any, arn: str, since: datetime) -> None:
    """Have SNS deliver everything since then to one subscription again, and go on with what is new.

    Never with an EndingPoint: SNS stops a subscription there, and it gets nothing more until somebody replays it again.
    """
    starting = since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    policy = json.dumps({"PointType": "Timestamp", "StartingPoint": starting})
    sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName="ReplayPolicy", AttributeValue=policy)


def follow(sns: Any, arn: str, *, sleep: Callable[[float], None] = time.sleep) -> Iterator[str]:
    """How far SNS is, in its own words, until it has finished. Raises CliError where it has failed."""
    while True:
        status = str(sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"].get("ReplayStatus", ""))
        yield status
        if status == FAILED:
            raise CliError(
                "SNS could not complete the replay: look at what it could not deliver: waybill dlq list CONSUMER/topic"
            )
        if status in (COMPLETED, ""):
            return
        sleep(POLL_SECONDS)


def _object(text: str | None) -> Any:
    try:
        return json.loads(text or "")
    except ValueError:
        return None
