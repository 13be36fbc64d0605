"""One subscription as AWS resources: queue, dead-letter queue, filter, function, event source mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never, get_args

from aws_cdk import CfnOutput, CfnResource, Stack
from constructs import Construct

from messaging.settings import Settings
from messaging.topology import Output, Subscription
from stacks.alarms import add_alarms
from stacks.bundle import ARCHITECTURE, RUNTIME, Bundle
from stacks.deployment import Deployment
from stacks.permissions import TableAddress, assumed_by, consumer_statements, policy, table_actions
from stacks.queues import make_dead_letter_queue, make_source_queue, make_topic_dead_letter_queue
from stacks.resources import Value, add_resource

# Memory buys CPU in proportion: 512 MB is 0.29 of a core, enough for ten records with a deadline of seconds.
MEMORY_MB = 512


class Subscriber(Construct):
    """Everything that one consumer owns; it shares the topic, the tables and the bundle with the others."""

    def __init__(
        self,
        scope: Construct,
        row: Subscription,
        *,
        topic_arn: str,
        tables: Mapping[str, TableAddress],
        bundle: Bundle,
        deployment: Deployment,
    ) -> None:
        super().__init__(scope, row.construct_id)
        self._row = row
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
        self._log_group = self._make_log_group()
        self._function_name = self._make_function()
        self._mapping_id = self._make_event_source_mapping()
        add_alarms(
            self,
            row,
            {
                "Queue": self._queue.name,
                "DeadLetterQueue": self._dead_letter_queue.name,
                "TopicDeadLetterQueue": self._topic_dead_letter_queue.name,
            },
        )
        self._output()

    def _subscribe(self) -> None:
        properties = {
            "TopicArn": self._topic_arn,
            "Protocol": "sqs",
            "Endpoint": self._queue.arn,
            "RawMessageDelivery": True,
            "FilterPolicy": self._row.filter_policy,
            "FilterPolicyScope": "MessageAttributes",
            "RedrivePolicy": {"deadLetterTargetArn": self._topic_dead_letter_queue.arn},
        }
        subscription = add_resource(self, "Subscription", "AWS::SNS::Subscription", properties)
        # A delivery before the queue allows it would be refused, and lost if its dead-letter queue refused it too.
        subscription.add_resource_dependency(self._queue.policy)
        subscription.add_resource_dependency(self._topic_dead_letter_queue.policy)

    def _make_log_group(self) -> CfnResource:
        # Logs outlive the dead letters that they explain, by far in prod.
        kept_days = 180 if self._deployment.prod else 30
        group = add_resource(self, "LogGroup", "AWS::Logs::LogGroup", {"RetentionInDays": kept_days})
        self._deployment.keep(group)
        return group

    def _make_function(self) -> str:
        properties = {
            "Description": f"Waybill: the consumer {self._row.consumer}",
            "Runtime": RUNTIME,
            "Architectures": [ARCHITECTURE],
            "Handler": self._row.handler,
            "Code": self._bundle.code,
            "Layers": [*self._bundle.layer_arns] or None,
            "Role": self._make_role(),
            "Timeout": self._row.timeout_seconds,
            "MemorySize": MEMORY_MB,
            "TracingConfig": {"Mode": "Active"},
            "LoggingConfig": {"LogGroup": self._log_group.ref},
            "Environment": {"Variables": self._environment()},
        }
        name: str = add_resource(self, "Function", "AWS::Lambda::Function", properties).ref
        return name

    def _make_role(self) -> Value:
        """The function's role, its policy inline: the function never exists without it."""
        statements = consumer_statements(
            self._row,
            Stack.of(self),
            queue_arn=self._queue.arn,
            dead_letter_queue_arn=self._dead_letter_queue.arn,
            log_group_arn=self._log_group.get_att("Arn"),
            tables=self._tables,
            deployment=self._deployment,
        )
        properties = {
            "AssumeRolePolicyDocument": assumed_by("lambda.amazonaws.com"),
            "Policies": [{"PolicyName": "Consumer", "PolicyDocument": policy([*statements])}],
        }
        arn: Value = add_resource(self, "Role", "AWS::IAM::Role", properties).get_att("Arn")
        return arn

    def _environment(self) -> dict[str, str]:
        settings = Settings(
            consumer=self._row.consumer,
            queue_url=self._queue.url,
            dead_letter_queue_url=self._dead_letter_queue.url,
            tables={name: self._tables[name].name for name in table_actions(self._row)},
            code_version=self._bundle.code_version,
            newer_version_patience_seconds=self._row.newer_version_patience_seconds,
            mail_from=self._deployment.mail_from if "ses:SendEmail" in self._row.calls else None,
        )
        return settings.to_environment() | {
            "POWERTOOLS_SERVICE_NAME": self._row.consumer,
            "POWERTOOLS_METRICS_NAMESPACE": "Waybill",
            "POWERTOOLS_LOG_LEVEL": self._deployment.log_level,
        }

    def _make_event_source_mapping(self) -> str:
        properties = {
            "FunctionName": self._function_name,
            "EventSourceArn": self._queue.arn,
            "BatchSize": self._row.batch_size,
            # A FIFO mapping takes no window.
            # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
            "MaximumBatchingWindowInSeconds": None if self._row.fifo else self._row.batching_window_seconds,
            "ScalingConfig": {"MaximumConcurrency": self._row.maximum_concurrency},
            # Without it Lambda ignores the response and deletes the whole batch, failed records included.
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        }
        mapping_id: str = add_resource(self, "EventSourceMapping", "AWS::Lambda::EventSourceMapping", properties).ref
        return mapping_id

    def _output(self) -> None:
        stack = Stack.of(self)
        what: Output
        for what in get_args(Output):
            # In the stack's own scope the construct id is the logical id: names that people and scripts can read.
            CfnOutput(stack, self._row.output_key(what), value=self._physical_name(what))

    def _physical_name(self, what: Output) -> str:
        match what:
            case "QueueUrl":
                return self._queue.url
            case "DeadLetterQueueUrl":
                return self._dead_letter_queue.url
            case "TopicDeadLetterQueueUrl":
                return self._topic_dead_letter_queue.url
            case "FunctionName":
                return self._function_name
            case "LogGroupName":
                return self._log_group.ref
            case "EventSourceMappingId":
                return self._mapping_id
        assert_never(what)
