"""The topic and the tables: what outlives consumers. Its template is the same for one subscriber or fifty.

The stacks use CloudFormation's own resources (CDK's L1): every property is one that we decided on, and a synth takes
half the time that it takes with L2 constructs.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sns as sns
from constructs import Construct

from messaging import topology
from stacks.deployment import Deployment
from stacks.permissions import TableAddress, deny_without_tls, policy


class MessagingStack(Stack):
    """Everything that more than one consumer touches. It reads no subscription."""

    def __init__(self, scope: Construct, construct_id: str, *, topic_name: str, deployment: Deployment) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"Waybill ({deployment.stage}): the topic and the tables",
            termination_protection=deployment.prod,
        )
        self.topic_arn = self._make_topic(topic_name)
        self.tables: Mapping[str, TableAddress] = {
            table.name: self._make_table(table, deployment) for table in topology.TABLES
        }

    def _make_topic(self, name: str) -> str:
        # Throughput and deduplication per message group: by default a FIFO topic stops at 3,000 messages/s.
        # https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.aws_sns/FifoThroughputScope.html
        # No KMS key: SNS encrypts what it stores by itself, and a key of ours would ask every publisher for KMS rights.
        # https://docs.aws.amazon.com/sns/latest/dg/sns-data-encryption.html
        topic = sns.CfnTopic(
            self,
            f"{name.capitalize()}Topic",
            topic_name=f"{self.stack_name}-{name}.fifo",  # CloudFormation generates no name that ends in .fifo
            fifo_topic=True,
            fifo_throughput_scope="MessageGroup",
            content_based_deduplication=False,  # the publisher gives every event its id
        )
        arn = topic.ref
        sns.CfnTopicPolicy(
            self,
            f"{name.capitalize()}TopicPolicy",
            topics=[arn],
            policy_document=policy([deny_without_tls("sns:Publish", arn)]),
        )
        CfnOutput(self, topology.TOPIC_ARN_OUTPUT, value=arn, description=f"The {name} topic, to publish to")
        self.export_value(arn)
        return arn

    def _make_table(self, table: topology.Table, deployment: Deployment) -> TableAddress:
        keys = {"HASH": table.partition_key} | ({"RANGE": table.sort_key} if table.sort_key else {})
        resource = dynamodb.CfnTable(
            self,
            table.construct_id,
            key_schema=[
                dynamodb.CfnTable.KeySchemaProperty(attribute_name=name, key_type=role) for role, name in keys.items()
            ],
            attribute_definitions=[
                dynamodb.CfnTable.AttributeDefinitionProperty(attribute_name=name, attribute_type="S")
                for name in keys.values()
            ],
            billing_mode="PAY_PER_REQUEST",
            time_to_live_specification=_time_to_live(table),
            point_in_time_recovery_specification=dynamodb.CfnTable.PointInTimeRecoverySpecificationProperty(
                point_in_time_recovery_enabled=True
            ),
            # A key that AWS owns: encrypted, free, and no KMS call that could be throttled in a transaction.
            # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
            sse_specification=dynamodb.CfnTable.SSESpecificationProperty(sse_enabled=False),
            deletion_protection_enabled=deployment.prod,
        )
        deployment.keep(resource)
        address = TableAddress(name=resource.ref, arn=resource.attr_arn)
        CfnOutput(self, table.output_key, value=address.name, description=f"The {table.name} table")
        # Exported whether a consumer uses it today or not: a row may come or go without a change of this stack,
        # and an export in use can't deadlock the deployment that stops using it.
        self.export_value(address.arn)
        self.export_value(address.name)
        return address


def _time_to_live(table: topology.Table) -> dynamodb.CfnTable.TimeToLiveSpecificationProperty | None:
    if not table.expires:
        return None
    return dynamodb.CfnTable.TimeToLiveSpecificationProperty(attribute_name=topology.EXPIRATION, enabled=True)
