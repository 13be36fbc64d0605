"""The consumers: one Subscriber for each row of the topology, and the relay that sends what they emit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aws_cdk import Annotations, Stack
from constructs import Construct

from messaging.topology import OUTBOX, Subscription
from stacks import bytecode
from stacks.bundle import Bundle
from stacks.deployment import Deployment
from stacks.messaging_stack import MessagingStack
from stacks.relay import Relay
from stacks.subscriber import Subscriber


class ConsumersStack(Stack):
    """Queues and functions; a row added or removed changes this stack only."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        subscriptions: Sequence[Subscription],
        messaging: MessagingStack,
        deployment: Deployment,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"Waybill ({deployment.stage}): the consumers, their queues and their alarms",
            termination_protection=deployment.prod,
        )
        bundle = Bundle.of_project(self, with_layer=deployment.with_layer)
        if deployment.with_layer and bytecode.compiler() is None:
            self._warn_uncompiled()
        for row in self._deployable(subscriptions, deployment):
            Subscriber(
                self, row, topic_arn=messaging.topic_arn, tables=messaging.tables, bundle=bundle, deployment=deployment
            )
        Relay(
            self,
            topic_arn=messaging.topic_arn,
            outbox=messaging.tables[OUTBOX.name],
            bundle=bundle,
            deployment=deployment,
        )

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
