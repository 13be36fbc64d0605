"""Consumers: one Subscriber for each row of a stack, and the page on them.

The first stack of consumers has besides what is there whatever the rows say: the relay of what they emit, the canary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from aws_cdk import Annotations, Stack, Token
from constructs import Construct

from messaging.subscription import CONSUMERS_STACK, Subscription
from messaging.tables import OUTBOX
from messaging.topic import Topic
from stacks import bytecode
from stacks.bundle import Bundle
from stacks.canary import Heartbeats, make_canary
from stacks.dashboard import Shared, Watched, add_dashboard
from stacks.deployment import Deployment
from stacks.errors import SynthError
from stacks.messaging_stack import MessagingStack
from stacks.metrics import Names
from stacks.queries import save_queries
from stacks.relay import Relay
from stacks.resources import Value
from stacks.subscriber import Subscriber
from stacks.watch import Watch


class ConsumersStack(Stack):
    """Queues and functions; a row added or removed changes its stack only.

    `name` is the one of the topic's `stacks` that this is. Stacks of consumers know of one another only the names of
    composite alarms, so that each is deployed, and destroyed, without the others.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        topic: Topic,
        messaging: MessagingStack,
        deployment: Deployment,
    ) -> None:
        first = name == CONSUMERS_STACK
        super().__init__(
            scope,
            construct_id,
            description=f"Waybill ({deployment.stage}): {'the' if first else 'more'} consumers, their queues and their "
            "alarms",
            termination_protection=deployment.prod,
        )
        self._messaging = messaging
        deployment = replace(deployment, key_arn=messaging.key_arn)
        self._deployment = deployment
        self._watch = Watch(self, messaging.alarm_topic_arn)
        self._bundle = Bundle.of_project(self, with_layer=deployment.with_layer)
        if first and deployment.with_layer and bytecode.compiler() is None:
            self._warn_uncompiled()
        here = [row for row in topic.subscriptions if row.stack == name]
        subscribers = [self._make_subscriber(row) for row in self._deployable(here, deployment)]
        if first:
            elsewhere = [row for row in topic.subscriptions if row.stack != name and not _lacks_sender(row, deployment)]
            self._share(topic, subscribers, elsewhere)
        else:
            save_queries(self, [each.log_group for each in subscribers])
            add_dashboard(self, _watched(subscribers), topic=self._topic_names, prefix=_prefix(name))

    def _share(self, topic: Topic, subscribers: list[Subscriber], elsewhere: Sequence[Subscription]) -> None:
        """Add what all consumers share, those of other stacks too."""
        relay = self._make_relay()
        log_groups: list[Value] = [relay.log_group]
        if self._deployment.canary:
            canary, heartbeats = self._make_canary(topic)
            subscribers.append(canary)
            log_groups.append(heartbeats.log_group)
        save_queries(self, [*(each.log_group for each in subscribers), *log_groups])
        shared = self._shared(relay, elsewhere)
        add_dashboard(self, _watched(subscribers), topic=self._topic_names, shared=shared)

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

    def _make_relay(self) -> Relay:
        return Relay(
            self,
            topic_arn=self._messaging.topic_arn,
            outbox=self._messaging.tables[OUTBOX.name],
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

    @property
    def _topic_names(self) -> Names:
        return {"Topic": self._messaging.topic_name}

    def _shared(self, relay: Relay, elsewhere: Sequence[Subscription]) -> Shared:
        """What the dashboard shows of it."""
        messaging, stack_name = self._messaging, self._deployment.stack_name
        return Shared(
            relay=relay.names,
            unwell_arns=[messaging.topic_unwell_arn, relay.unwell_arn],
            elsewhere_unwell_arns=[self._watch.unwell_arn(stack_name(row.stack), row.consumer) for row in elsewhere],
            tables={name: table.name for name, table in messaging.tables.items()},
        )

    def _deployable(self, subscriptions: Sequence[Subscription], deployment: Deployment) -> Iterator[Subscription]:
        """The rows of this deployment, as its options change them."""
        for row in subscriptions:
            if _lacks_sender(row, deployment):
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


def _lacks_sender(row: Subscription, deployment: Deployment) -> bool:
    """Whether this deployment leaves a row out, as nobody is named whom its mails could be from."""
    return "ses:SendEmail" in row.calls and deployment.mail_from is None


def _watched(subscribers: Sequence[Subscriber]) -> list[Watched]:
    return [Watched(row=each.row, names=_shown(each.names), unwell_arn=each.unwell_arn) for each in subscribers]


def _shown(names: Names) -> Names:
    """Names of what a dashboard shows, as texts: it is a text of JSON, in which the CDK finds tokens alone."""
    shown = {what: value for what, value in names.items() if what != "TopicDeadLetterQueue"}
    return {what: Token.as_string(each) if isinstance(each, Mapping) else each for what, each in shown.items()}


def _prefix(name: str) -> str:
    """A stack's name as the beginning of output keys, which are of all stacks together."""
    return "".join(word.capitalize() for word in name.split("-"))
