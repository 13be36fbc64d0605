"""The canary as AWS resources: a subscription like any other, and the function that publishes to it each minute."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Stack

from messaging.heartbeat import HeartbeatSettings
from messaging.subscription import Subscription
from stacks.alarms import CANARY_ALARMS, SUBSCRIPTION_ALARMS
from stacks.bundle import Bundle
from stacks.deployment import Deployment
from stacks.functions import make_function
from stacks.permissions import PUBLISH, TableAddress, allow
from stacks.references import Part
from stacks.schedule import schedule
from stacks.subscriber import Subscriber
from stacks.watch import Watch

SERVICE = "heartbeat"
# Five attempts that hang for as long as the client allows, and the waits between them.
TIMEOUT_SECONDS = 30


class Heartbeats(Part):
    """What publishes a heartbeat each minute."""

    def __init__(self, scope: Stack, *, topic_arn: str, bundle: Bundle, deployment: Deployment) -> None:
        super().__init__(scope, "Heartbeats")
        function = make_function(
            self,
            SERVICE,
            description="the publisher of the canary's heartbeats",
            handler=f"lambdas.{SERVICE}.handler",
            timeout_seconds=TIMEOUT_SECONDS,
            settings=HeartbeatSettings(topic_arn=topic_arn).to_environment(),
            statements=[allow(PUBLISH, topic_arn)],
            bundle=bundle,
            deployment=deployment,
        )
        schedule(self, "EachMinute", function, every_minutes=1, description="Has a heartbeat published")
        self.log_group = function.log_group


def make_canary(
    stack: Stack,
    row: Subscription,
    *,
    topic_arn: str,
    tables: Mapping[str, TableAddress],
    bundle: Bundle,
    deployment: Deployment,
    watch: Watch,
) -> tuple[Subscriber, Heartbeats]:
    """The canary's consumer, with the alarm on its silence beside those of every subscription, and its publisher."""
    subscriber = Subscriber(
        stack,
        row,
        topic_arn=topic_arn,
        tables=tables,
        bundle=bundle,
        deployment=deployment,
        watch=watch,
        rules=(*SUBSCRIPTION_ALARMS, *CANARY_ALARMS),
    )
    return subscriber, Heartbeats(stack, topic_arn=topic_arn, bundle=bundle, deployment=deployment)
