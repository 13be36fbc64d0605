"""The consumers: one Subscriber for each row of the topology, the relay of what they emit, and the page on them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from aws_cdk import Annotations, Stack
from constructs import Construct

from messaging.topology import OUTBOX, Subscription, Topic
from stacks import bytecode
from stacks.bundle import Bundle
from stacks.canary import Heartbeats, make_canary
from stacks.dashboard import Shared, Watched, add_dashboard
from stacks.deployment import Deployment
from stacks.errors import SynthError
from stacks.messaging_stack import MessagingStack
from stacks.queries import save_queries
from stacks.relay import Relay
from stacks.resources import Value
from stacks.subscriber import Subscriber
from stacks.watch import Watch


class ConsumersStack(Stack):
    """Queues and functions; a row added or removed changes this stack only."""

    def __init__(
        self, scope: Construct, construct_id: str, *, topic: Topic, messaging: MessagingStack, deployment: Deployment
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"Waybill ({deployment.stage}): the consumers, their queues and their alarms",
            termination_protection=deployment.prod,
        )
        self._messaging = messaging
        deployment = replace(deployment, key_arn=messaging.key_arn)
        self._deployment = deployment
        self._watch = Watch(messaging.alarm_topic_arn)
        self._bundle = Bundle.of_project(self, with_layer=deployment.with_layer)
        if deployment.with_layer and bytecode.compiler() is None:
            self._warn_uncompiled()
        subscribers = [self._make_subscriber(row) for row in self._deployable(topic.subscriptions, deployment)]
        relay = Relay(
            self,
            topic_arn=messaging.topic_arn,
            outbox=messaging.tables[OUTBOX.name],
            bundle=self._bundle,
            deployment=deployment,
            watch=self._watch,
        )
        log_groups: list[Value] = [relay.log_group]
        if deployment.canary:
            canary, heartbeats = self._make_canary(topic)
            subscribers.append(canary)
            log_groups.append(heartbeats.log_group)
        save_queries(self, [*(each.log_group for each in subscribers), *log_groups])
        self._show(subscribers, relay)

    def _make_subscriber(self, row: Subscription) -> Subscriber:
        return Subscriber(
            self,
            row,
            topic_arn=self._messaging.topic_arn,
            tables=self._messaging.tables,
            bundle=self._bundle,
            deployment=self._deployment,
            watch=self._watch,
        )

    def _make_canary(self, topic: Topic) -> tuple[Subscriber, Heartbeats]:
        if topic.canary is None:
            raise SynthError(f"-c canary=on: the topic {topic.name} has no row `canary`, which takes the heartbeats")
        return make_canary(
            self,
            topic.canary,
            topic_arn=self._messaging.topic_arn,
            tables=self._messaging.tables,
            bundle=self._bundle,
            deployment=self._deployment,
            watch=self._watch,
        )

    def _show(self, subscribers: Sequence[Subscriber], relay: Relay) -> None:
        messaging = self._messaging
        shared = Shared(
            topic={"Topic": messaging.topic_name},
            relay=relay.names,
            unwell_arns=[messaging.topic_unwell_arn, relay.unwell_arn],
            tables={name: table.name for name, table in messaging.tables.items()},
        )
        consumers = [Watched(row=each.row, names=each.names, unwell_arn=each.unwell_arn) for each in subscribers]
        add_dashboard(self, consumers, shared)

    def _deployable(self, subscriptions: Sequence[Subscription], deployment: Deployment) -> Iterator[Subscription]:
        """The rows of this deployment, as its options change them."""
        for row in subscriptions:
            if "ses:SendEmail" in row.calls and deployment.mail_from is None:
                self._warn_left_out(row)
            else:
                yield deployment.applied_to(row)

    def _warn_uncompiled(self) -> None:
        Annotations.of(self).add_warning_v2(
            "waybill:uncompiled",
            f"no Python {bytecode.VERSION} here to compile the functions' modules: each cold start does, and takes "
            f"more than twice as long. Put python{bytecode.VERSION} on the PATH.",
        )

    def _warn_left_out(self, row: Subscription) -> None:
        Annotations.of(self).add_warning_v2(
            f"waybill:no-mail-from:{row.consumer}",
            f"{row.consumer} is left out, as it has no sender: deploy with -c mail_from=orders@example.com",
        )
