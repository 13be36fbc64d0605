"""One subscription as AWS resources: queue, dead-letter queue, filter, function, event source mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never, get_args

from aws_cdk import CfnOutput, Stack

from messaging.metrics import namespace_of
from messaging.settings import Settings
from messaging.subscription import Output, Subscription
from stacks.alarm_rule import AlarmRule
from stacks.alarms import SUBSCRIPTION_ALARMS
from stacks.bundle import Bundle
from stacks.deployment import Deployment
from stacks.functions import Function, make_function
from stacks.metrics import Names
from stacks.permissions import TableAddress, consumer_statements, table_actions
from stacks.queues import make_dead_letter_queue, make_source_queue, make_topic_dead_letter_queue
from stacks.references import Part
from stacks.resources import add_resource
from stacks.watch import Watch


class Subscriber(Part):
    """Everything that one consumer owns; it shares the topic, the tables and the bundle with the others."""

    def __init__(
        self,
        stack: Stack,
        row: Subscription,
        *,
        topic_arn: str,
        tables: Mapping[str, TableAddress],
        bundle: Bundle,
        deployment: Deployment,
        watch: Watch,
        rules: Sequence[AlarmRule] = SUBSCRIPTION_ALARMS,
    ) -> None:
        super().__init__(stack, row.construct_id)
        self._stack = stack
        self.row = row
        self._topic_arn = topic_arn
        self._tables = tables
        self._bundle = bundle
        self._deployment = deployment

        self._dead_letter_queue = make_dead_letter_queue(self, row, deployment=deployment)
        self._queue = make_source_queue(
            self, row, dead_letter_queue=self._dead_letter_queue, topic_arn=topic_arn, deployment=deployment
        )
        self._topic_dead_letter_queue = make_topic_dead_letter_queue(
            self, row, topic_arn=topic_arn, deployment=deployment
        )
        self._subscribe()
        self._function = self._make_function()
        self._mapping_id = self._make_event_source_mapping()
        self.log_group = self._function.log_group
        self.names: Names = {
            "Queue": self._queue.name,
            "DeadLetterQueue": self._dead_letter_queue.name,
            "TopicDeadLetterQueue": self._topic_dead_letter_queue.name,
            "Function": self._function.name,
            "Service": row.consumer,
            "Namespace": namespace_of(deployment.stage),
        }
        self.unwell_arn = watch.over(self, rules, service=row.consumer, names=self.names, row=row)
        self._output()

    def _subscribe(self) -> None:
        properties = {
            "TopicArn": self._topic_arn,
            "Protocol": "sqs",
            "Endpoint": self._queue.arn,
            "RawMessageDelivery": True,
            "FilterPolicy": self.row.filter_policy,
            "FilterPolicyScope": "MessageAttributes",
            "RedrivePolicy": {"deadLetterTargetArn": self._topic_dead_letter_queue.arn},
        }
        subscription = add_resource(self, "Subscription", "AWS::SNS::Subscription", properties)
        # A delivery before the queue allows it would be refused, and lost if its dead-letter queue refused it too.
        subscription.add_resource_dependency(self._queue.policy)
        subscription.add_resource_dependency(self._topic_dead_letter_queue.policy)

    def _make_function(self) -> Function:
        statements = consumer_statements(
            self.row,
            self._stack,
            queue_arn=self._queue.arn,
            dead_letter_queue_arn=self._dead_letter_queue.arn,
            tables=self._tables,
            deployment=self._deployment,
        )
        return make_function(
            self,
            self.row.consumer,
            description=f"the consumer {self.row.consumer}",
            handler=self.row.handler,
            timeout_seconds=self.row.timeout_seconds,
            settings=self._settings(),
            statements=[*statements],
            bundle=self._bundle,
            deployment=self._deployment,
        )

    def _settings(self) -> dict[str, str]:
        settings = Settings(
            consumer=self.row.consumer,
            queue_url=self._queue.url,
            dead_letter_queue_url=self._dead_letter_queue.url,
            tables={name: self._tables[name].name for name in table_actions(self.row)},
            code_version=self._bundle.code_version,
            newer_version_patience_seconds=self.row.newer_version_patience_seconds,
            mail_from=self._deployment.mail_from if "ses:SendEmail" in self.row.calls else None,
        )
        return settings.to_environment()

    def _make_event_source_mapping(self) -> str:
        properties = {
            "FunctionName": self._function.name,
            "EventSourceArn": self._queue.arn,
            "BatchSize": self.row.batch_size,
            # A FIFO mapping takes no window.
            # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
            "MaximumBatchingWindowInSeconds": None if self.row.fifo else self.row.batching_window_seconds,
            "ScalingConfig": {"MaximumConcurrency": self.row.maximum_concurrency},
            # Without it Lambda ignores the response and deletes the whole batch, failed records included.
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        }
        mapping_id: str = add_resource(self, "EventSourceMapping", "AWS::Lambda::EventSourceMapping", properties).ref
        return mapping_id

    def _output(self) -> None:
        what: Output
        for what in get_args(Output):
            # In the stack's own scope the construct id is the logical id: names that people and scripts can read.
            CfnOutput(self._stack, self.row.output_key(what), value=self._physical_name(what))

    def _physical_name(self, what: Output) -> str:
        match what:
            case "QueueUrl":
                return self._queue.url
            case "DeadLetterQueueUrl":
                return self._dead_letter_queue.url
            case "TopicDeadLetterQueueUrl":
                return self._topic_dead_letter_queue.url
            case "FunctionName":
                return self._function.name
            case "LogGroupName":
                return self._function.log_group
            case "EventSourceMappingId":
                return self._mapping_id
        assert_never(what)
