"""The topic and the tables: what outlives consumers. Its template is the same for one subscriber or fifty."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sns as sns
from constructs import Construct

from messaging import topology
from stacks.deployment import Deployment


class MessagingStack(Stack):
    """Everything that more than one consumer touches. It reads no subscription."""

    def __init__(self, scope: Construct, construct_id: str, *, topic_name: str, deployment: Deployment) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"Waybill ({deployment.stage}): the topic and the tables",
            termination_protection=deployment.prod,
        )
        self.topic = self._topic(topic_name)
        self.tables: Mapping[str, dynamodb.Table] = {
            table.name: self._table(table, deployment) for table in topology.TABLES
        }

    def _topic(self, name: str) -> sns.Topic:
        # Throughput and deduplication per message group: by default a FIFO topic stops at 3,000 messages/s.
        # https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.aws_sns/FifoThroughputScope.html
        # No KMS key: SNS encrypts what it stores by itself, and a key of ours would ask every publisher for KMS rights.
        # https://docs.aws.amazon.com/sns/latest/dg/sns-data-encryption.html
        topic = sns.Topic(
            self,
            f"{name.capitalize()}Topic",
            fifo=True,
            fifo_throughput_scope=sns.FifoThroughputScope.MESSAGE_GROUP,
            content_based_deduplication=False,  # the publisher gives every event its id
            enforce_ssl=True,
        )
        CfnOutput(
            self, topology.TOPIC_ARN_OUTPUT, value=topic.topic_arn, description=f"The {name} topic, to publish to"
        )
        self.export_value(topic.topic_arn)
        return topic

    def _table(self, table: topology.Table, deployment: Deployment) -> dynamodb.Table:
        resource = dynamodb.Table(
            self,
            table.construct_id,
            partition_key=_key(table.partition_key),
            sort_key=_key(table.sort_key) if table.sort_key else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute=topology.EXPIRATION if table.expires else None,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            # A key that AWS owns: encrypted, free, and no KMS call that could be throttled in a transaction.
            # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
            encryption=dynamodb.TableEncryption.DEFAULT,
            deletion_protection=deployment.prod,
            removal_policy=deployment.removal_policy,
        )
        CfnOutput(self, table.output_key, value=resource.table_name, description=f"The {table.name} table")
        # Exported whether a consumer uses it today or not: a row may come or go without a change of this stack,
        # and an export in use can't be deadlocked by the deployment that stops using it.
        self.export_value(resource.table_arn)
        self.export_value(resource.table_name)
        return resource


def _key(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
