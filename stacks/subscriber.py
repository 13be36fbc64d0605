"""One subscription as AWS resources: queue, dead-letter queue, filter, function, event source mapping, in that order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never, get_args

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from messaging.settings import Settings
from messaging.topology import Output, Subscription
from stacks.alarms import add_alarms
from stacks.bundle import ARCHITECTURE, RUNTIME, Bundle
from stacks.deployment import Deployment
from stacks.permissions import consumer_permissions, table_actions

# Memory buys CPU in proportion: 512 MB is 0.29 of a core, enough for ten records with a deadline of seconds.
MEMORY_MB = 512


class Subscriber(Construct):
    """Everything that one consumer owns; it shares the topic, the tables and the bundle with the others."""

    def __init__(
        self,
        scope: Construct,
        row: Subscription,
        *,
        topic: sns.Topic,
        tables: Mapping[str, dynamodb.Table],
        bundle: Bundle,
        deployment: Deployment,
    ) -> None:
        super().__init__(scope, row.construct_id)
        self._row = row
        self._topic = topic
        self._tables = tables
        self._bundle = bundle
        self._deployment = deployment

        self._dead_letter_queue = self._make_dead_letter_queue("DeadLetterQueue", fifo=row.fifo)
        self._queue = self._make_queue()
        self._topic_dead_letter_queue = self._make_topic_dead_letter_queue()
        self._subscribe()
        self._log_group = self._make_log_group()
        self._function = self._make_function()
        self._mapping = self._make_event_source_mapping()
        add_alarms(
            self,
            row,
            {
                "Queue": self._queue,
                "DeadLetterQueue": self._dead_letter_queue,
                "TopicDeadLetterQueue": self._topic_dead_letter_queue,
            },
        )
        self._output()

    def _make_queue(self) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            "Queue",
            visibility_timeout=Duration.seconds(self._row.visibility_timeout_seconds),
            retention_period=Duration.seconds(self._row.retention_seconds),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self._dead_letter_queue, max_receive_count=self._row.max_receive_count
            ),
            # A source queue is nobody's dead-letter queue, and must not become one by mistake.
            redrive_allow_policy=sqs.RedriveAllowPolicy(redrive_permission=sqs.RedrivePermission.DENY_ALL),
            **self._queue_defaults(fifo=self._row.fifo),
        )
        queue.add_to_resource_policy(_deliveries_of(self._topic, queue))
        return queue

    def _make_dead_letter_queue(self, construct_id: str, *, fifo: bool) -> sqs.Queue:
        # A dead-letter queue has the type of its source, and outlives it: a standard one keeps the time of sending.
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
        # It names no sources that may redrive to it: `byQueue` with the ARN of a queue that already points here is
        # circular in one template, and a redrive to it needs the rights to change a queue of this account anyway.
        return sqs.Queue(
            self,
            construct_id,
            retention_period=Duration.seconds(self._row.dead_letter_retention_seconds),
            **self._queue_defaults(fifo=fifo),
        )

    def _make_topic_dead_letter_queue(self) -> sqs.Queue:
        """Where the topic puts what it can't deliver to the queue."""
        # FIFO whatever the type of the queue: a FIFO topic takes no other.
        # https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
        queue = self._make_dead_letter_queue("TopicDeadLetterQueue", fifo=True)
        queue.add_to_resource_policy(_deliveries_of(self._topic, queue))
        return queue

    def _queue_defaults(self, *, fifo: bool) -> dict[str, Any]:
        """What every queue here has: encryption, TLS, what happens on deletion, and high throughput where it is FIFO."""
        defaults: dict[str, Any] = {
            "encryption": sqs.QueueEncryption.SQS_MANAGED,
            "enforce_ssl": True,
            "removal_policy": self._deployment.removal_policy,
        }
        if not fifo:
            return defaults
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html
        return defaults | {
            "fifo": True,
            "content_based_deduplication": False,
            "deduplication_scope": sqs.DeduplicationScope.MESSAGE_GROUP,
            "fifo_throughput_limit": sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
        }

    def _subscribe(self) -> None:
        subscription = sns.CfnSubscription(
            self,
            "Subscription",
            topic_arn=self._topic.topic_arn,
            protocol="sqs",
            endpoint=self._queue.queue_arn,
            raw_message_delivery=True,
            filter_policy=self._row.filter_policy,
            filter_policy_scope="MessageAttributes",
            redrive_policy={"deadLetterTargetArn": self._topic_dead_letter_queue.queue_arn},
        )
        # Their policies included: a delivery before the queue allows it would be refused.
        subscription.node.add_dependency(self._queue, self._topic_dead_letter_queue)

    def _make_log_group(self) -> logs.LogGroup:
        # Logs outlive the dead letters that they explain, by far in prod.
        retention = logs.RetentionDays.SIX_MONTHS if self._deployment.prod else logs.RetentionDays.ONE_MONTH
        return logs.LogGroup(self, "LogGroup", retention=retention, removal_policy=self._deployment.removal_policy)

    def _make_function(self) -> lambda_.Function:
        return lambda_.Function(
            self,
            "Function",
            description=f"Waybill: the consumer {self._row.consumer}",
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            handler=self._row.handler,
            code=self._bundle.code,
            layers=[*self._bundle.layers],
            role=self._make_role(),
            timeout=Duration.seconds(self._row.timeout_seconds),
            memory_size=MEMORY_MB,
            tracing=lambda_.Tracing.ACTIVE,
            log_group=self._log_group,
            environment=self._environment(),
        )

    def _make_role(self) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        for statement in consumer_permissions(
            self._row,
            queue=self._queue,
            dead_letter_queue=self._dead_letter_queue,
            log_group=self._log_group,
            tables=self._tables,
            mail_from=self._deployment.mail_from,
        ):
            role.add_to_policy(statement)
        return role

    def _environment(self) -> dict[str, str]:
        settings = Settings(
            consumer=self._row.consumer,
            queue_url=self._queue.queue_url,
            dead_letter_queue_url=self._dead_letter_queue.queue_url,
            tables={name: self._tables[name].table_name for name in table_actions(self._row)},
            code_version=self._bundle.code_version,
            newer_version_patience_seconds=self._row.newer_version_patience_seconds,
            mail_from=self._deployment.mail_from if self._row.calls else None,
        )
        return settings.to_environment() | {
            "POWERTOOLS_SERVICE_NAME": self._row.consumer,
            "POWERTOOLS_METRICS_NAMESPACE": "Waybill",
            "POWERTOOLS_LOG_LEVEL": self._deployment.log_level,
        }

    def _make_event_source_mapping(self) -> lambda_.EventSourceMapping:
        # A FIFO mapping takes no window.
        # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        window = None if self._row.fifo else Duration.seconds(self._row.batching_window_seconds)
        return lambda_.EventSourceMapping(
            self,
            "EventSourceMapping",
            target=self._function,
            event_source_arn=self._queue.queue_arn,
            batch_size=self._row.batch_size,
            max_batching_window=window,
            max_concurrency=self._row.maximum_concurrency,
            report_batch_item_failures=True,
        )

    def _output(self) -> None:
        what: Output
        for what in get_args(Output):
            key = self._row.output_key(what)
            CfnOutput(self, f"{what}Output", value=self._physical_name(what)).override_logical_id(key)

    def _physical_name(self, what: Output) -> str:
        match what:
            case "QueueUrl":
                return self._queue.queue_url
            case "DeadLetterQueueUrl":
                return self._dead_letter_queue.queue_url
            case "TopicDeadLetterQueueUrl":
                return self._topic_dead_letter_queue.queue_url
            case "FunctionName":
                return self._function.function_name
            case "LogGroupName":
                return self._log_group.log_group_name
            case "EventSourceMappingId":
                return self._mapping.event_source_mapping_id
        assert_never(what)


def _deliveries_of(topic: sns.Topic, queue: sqs.Queue) -> iam.PolicyStatement:
    """The topic, and no other, may send here.

    Source: https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
    """
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal("sns.amazonaws.com")],
        actions=["sqs:SendMessage"],
        resources=[queue.queue_arn],
        conditions={"ArnEquals": {"aws:SourceArn": topic.topic_arn}},
    )
