"""The topic and the tables: what outlives consumers. Its template is the same for one subscriber or fifty."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from messaging import topology
from stacks.deployment import Deployment
from stacks.permissions import TableAddress, deny_without_tls, policy
from stacks.resources import add_resource


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
        properties = {
            "TopicName": f"{self.stack_name}-{name}.fifo",  # CloudFormation generates no name that ends in .fifo
            "FifoTopic": True,
            "FifoThroughputScope": "MessageGroup",
            "ContentBasedDeduplication": False,  # the publisher gives every event its id
        }
        arn: str = add_resource(self, f"{name.capitalize()}Topic", "AWS::SNS::Topic", properties).ref
        secured = {"Topics": [arn], "PolicyDocument": policy([deny_without_tls("sns:Publish", arn)])}
        add_resource(self, f"{name.capitalize()}TopicPolicy", "AWS::SNS::TopicPolicy", secured)
        CfnOutput(self, topology.TOPIC_ARN_OUTPUT, value=arn, description=f"The {name} topic, to publish to")
        self.export_value(arn)
        return arn

    def _make_table(self, table: topology.Table, deployment: Deployment) -> TableAddress:
        keys = {"HASH": table.partition_key} | ({"RANGE": table.sort_key} if table.sort_key else {})
        expires = {"AttributeName": topology.EXPIRATION, "Enabled": True}
        properties = {
            "KeySchema": [{"AttributeName": name, "KeyType": role} for role, name in keys.items()],
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in keys.values()],
            "BillingMode": "PAY_PER_REQUEST",
            "TimeToLiveSpecification": expires if table.expires else None,
            # New images alone: who reads a stream wants what is there now.
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"} if table.streams else None,
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            # A key that AWS owns: encrypted, free, and no KMS call that could be throttled in a transaction.
            # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
            "SSESpecification": {"SSEEnabled": False},
            "DeletionProtectionEnabled": deployment.prod,
        }
        resource = add_resource(self, table.construct_id, "AWS::DynamoDB::Table", properties)
        deployment.keep(resource)
        stream_arn = resource.get_att("StreamArn") if table.streams else None
        address = TableAddress(name=resource.ref, arn=resource.get_att("Arn"), stream_arn=stream_arn)
        CfnOutput(self, table.output_key, value=address.name, description=f"The {table.name} table")
        # Exported whether a consumer uses it today or not: a row may come or go without a change of this stack,
        # and an export in use can't deadlock the deployment that stops using it.
        self.export_value(address.arn)
        self.export_value(address.name)
        if address.stream_arn is not None:
            self.export_value(address.stream_arn)
        return address
