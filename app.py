"""The CDK app: the messaging stack, and the stacks of consumers that build on it.

Options, as context (`cdk deploy --all -c stage=prod -c mail_from=orders@example.com`):

stage      dev (default): everything goes when it is destroyed; prod: data stays, and the stacks are protected
mail_from  the sender of the notifications, an address that SES has verified; without it that consumer is left out
mail_configuration_set  the SES configuration set that is mail_from's default, where it has one
layer      on (default) | off: without the dependency layer, for an engine that brings the packages itself
log_level  DEBUG | INFO | WARNING | ERROR; by default DEBUG in dev, INFO in prod
newer_version_patience_seconds  how long a message of a newer version is retried, in place of each row's own value
maximum_concurrency  how many batches of a subscription are worked on at once, in place of each row's own value
alarm_email  who is told when an alarm is raised and when it is over; SNS asks that address to confirm first
canary     off (default) | on, in prod alone: a heartbeat a minute through the whole path, and an alarm when it stops
archive_days  for how many days the topic keeps events, for `waybill replay`: 0 to 26; by default 26 in prod, 0 in dev
kms        false (default) | true: topics and queues are encrypted with a key of your own (docs/security.md)
publisher_accounts   other accounts that may publish to the topic: 111122223333,444455556666
subscriber_accounts  other accounts that may subscribe queues of their own to it
"""

from __future__ import annotations

import gc
import sys

if __name__ == "__main__":
    gc.disable()  # the CDK's modules are objects by the million that all stay: looking for garbage is 0.2 s of a synth

from aws_cdk import App

from messaging.errors import TopologyError
from messaging.subscription import MESSAGING_STACK
from messaging.topic import Topic
from messaging.topology import ORDERS
from stacks import rules
from stacks.consumers_stack import ConsumersStack
from stacks.deployment import Deployment
from stacks.errors import SynthError
from stacks.messaging_stack import MessagingStack


def wire(app: App, topic: Topic = ORDERS) -> None:
    """The stacks of one stage. Raises SynthError on a wrong option, TopologyError on one that AWS refuses."""
    rules.enforce(app, topic)
    deployment = Deployment.from_context(app.node)
    stack_name = deployment.stack_name
    messaging = MessagingStack(app, stack_name(MESSAGING_STACK), topic_name=topic.name, deployment=deployment)
    for name in topic.stacks:
        ConsumersStack(app, stack_name(name), name=name, topic=topic, messaging=messaging, deployment=deployment)


def main() -> None:
    """Synthesize for whoever called: the CDK's command line, or a person. No call to AWS, ever."""
    app = App(analytics_reporting=False)
    try:
        wire(app)
        app.synth()
    except (SynthError, TopologyError) as error:
        sys.exit(f"waybill: {error}")
    except RuntimeError as error:  # whatever the CDK raises; what it finds invalid it has told already
        if not str(error).startswith("ValidationFailed"):
            raise
        sys.exit("waybill: not synthesized, for the errors that stand beside this line")


if __name__ == "__main__":
    main()
