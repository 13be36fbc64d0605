"""One subscription as AWS resources: queue, dead-letter queue, filter, function, event source mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never, get_args

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from messaging.settings import Settings
from messaging.topology import Output, Subscription
from stacks.alarms import add_alarms
from stacks.bundle import ARCHITECTURE, RUNTIME, Bundle
from stacks.deployment import Deployment
from stacks.permissions import TableAddress, assumed_by, consumer_statements, policy, table_actions
from stacks.queues import make_dead_letter_queue, make_source_queue, make_topic_dead_letter_queue

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
        subscription = sns.CfnSubscription(
            self,
            "Subscription",
            topic_arn=self._topic_arn,
            protocol="sqs",
            endpoint=self._queue.arn,
            raw_message_delivery=True,
            filter_policy=self._row.filter_policy,
            filter_policy_scope="MessageAttributes",
            redrive_policy={"deadLetterTargetArn": self._topic_dead_letter_queue.arn},
        )
        # A delivery before the queue allows it would be refused, and lost if its dead-letter queue refused it too.
        subscription.add_resource_dependency(self._queue.policy)
        subscription.add_resource_dependency(self._topic_dead_letter_queue.policy)

    def _make_log_group(self) -> logs.CfnLogGroup:
        # Logs outlive the dead letters that they explain, by far in prod.
        group = logs.CfnLogGroup(self, "LogGroup", retention_in_days=180 if self._deployment.prod else 30)
        self._deployment.keep(group)
        return group

    def _make_function(self) -> str:
        function = lambda_.CfnFunction(
            self,
            "Function",
            description=f"Waybill: the consumer {self._row.consumer}",
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            handler=self._row.handler,
            code=self._bundle.code,
            layers=[*self._bundle.layer_arns] or None,
            role=self._make_role(),
            timeout=self._row.timeout_seconds,
            memory_size=MEMORY_MB,
            tracing_config=lambda_.CfnFunction.TracingConfigProperty(mode="Active"),
            logging_config=lambda_.CfnFunction.LoggingConfigProperty(log_group=self._log_group.ref),
            environment=lambda_.CfnFunction.EnvironmentProperty(variables=self._environment()),
        )
        return function.ref

    def _make_role(self) -> str:
        """The function's role, its policy inline: the function never exists without it."""
        statements = consumer_statements(
            self._row,
            Stack.of(self),
            queue_arn=self._queue.arn,
            dead_letter_queue_arn=self._dead_letter_queue.arn,
            log_group_arn=self._log_group.attr_arn,
            tables=self._tables,
            deployment=self._deployment,
        )
        role = iam.CfnRole(
            self,
            "Role",
            assume_role_policy_document=assumed_by("lambda.amazonaws.com"),
            policies=[iam.CfnRole.PolicyProperty(policy_name="Consumer", policy_document=policy([*statements]))],
        )
        return role.attr_arn

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
        mapping = lambda_.CfnEventSourceMapping(
            self,
            "EventSourceMapping",
            function_name=self._function_name,
            event_source_arn=self._queue.arn,
            batch_size=self._row.batch_size,
            # A FIFO mapping takes no window.
            # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
            maximum_batching_window_in_seconds=None if self._row.fifo else self._row.batching_window_seconds,
            scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(
                maximum_concurrency=self._row.maximum_concurrency
            ),
            # Without it Lambda ignores the response and deletes the whole batch, failed records included.
            function_response_types=["ReportBatchItemFailures"],
        )
        return mapping.ref

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
