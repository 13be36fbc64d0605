"""The topics and the tables: what outlives consumers. Its template is the same for one subscriber or fifty."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import ArnFormat, CfnOutput, Stack
from constructs import Construct

from messaging.metrics import namespace_of
from messaging.tables import EXPIRATION, TABLES, Table
from messaging.topic import TOPIC_ARN_OUTPUT
from stacks.accounts import allow_publishers, allow_subscribers
from stacks.alarms import TOPIC_ALARMS
from stacks.archive import archive_policy, clear_first
from stacks.deployment import Deployment
from stacks.encryption import make_key
from stacks.metrics import Names
from stacks.permissions import TableAddress, allow_alarms, deny_without_tls, policy
from stacks.references import Part
from stacks.resources import Value, add_resource
from stacks.watch import Watch

ALARM_TOPIC_ARN_OUTPUT = "AlarmTopicArn"
KEY_ARN_OUTPUT = "KeyArn"


class MessagingStack(Stack):
    """Everything that more than one consumer touches. It reads no subscription."""

    def __init__(self, scope: Construct, construct_id: str, *, topic_name: str, deployment: Deployment) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"Waybill ({deployment.stage}): the topic and the tables",
            termination_protection=deployment.prod,
        )
        self.key_arn = self._make_key(topic_name, deployment) if deployment.kms else None
        self.alarm_topic_arn = self._make_alarm_topic(deployment)
        self.topic_arn, self.topic_name = self._make_topic(topic_name, deployment)
        self.topic_unwell_arn = self._watch_topic(deployment)
        self.tables: Mapping[str, TableAddress] = {table.name: self._make_table(table, deployment) for table in TABLES}

    def _make_key(self, topic_name: str, deployment: Deployment) -> str:
        topic_arn = self.format_arn(
            service="sns", resource=self._physical_name(topic_name), arn_format=ArnFormat.NO_RESOURCE_NAME
        )
        arn = make_key(self, topic_arn=topic_arn, deployment=deployment)
        CfnOutput(self, KEY_ARN_OUTPUT, value=arn, description="The key of the messages: for who publishes or redrives")
        self.export_value(arn)
        return arn

    def _physical_name(self, topic_name: str) -> str:
        return f"{self.stack_name}-{topic_name}.fifo"  # CloudFormation generates no name that ends in .fifo

    def _make_topic(self, name: str, deployment: Deployment) -> tuple[str, Value]:
        # Throughput and deduplication per message group: by default a FIFO topic stops at 3,000 messages/s.
        # https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.aws_sns/FifoThroughputScope.html
        # Without a key of ours SNS encrypts what it stores by itself; with it, every publisher needs rights on the key.
        # https://docs.aws.amazon.com/sns/latest/dg/sns-data-encryption.html
        properties = {
            "TopicName": self._physical_name(name),
            "FifoTopic": True,
            "FifoThroughputScope": "MessageGroup",
            "ContentBasedDeduplication": False,  # the publisher gives every event its id
            "KmsMasterKeyId": self.key_arn,
            "ArchivePolicy": archive_policy(deployment.archive_days),
        }
        topic = add_resource(self, f"{name.capitalize()}Topic", "AWS::SNS::Topic", properties)
        arn: str = topic.ref
        if deployment.archive_days and not deployment.prod:
            clear_first(self, arn)
        statements = [
            deny_without_tls("sns:Publish", arn),
            *allow_publishers(arn, deployment.publisher_accounts),
            *allow_subscribers(self, arn, deployment.subscriber_accounts),
        ]
        secured = {"Topics": [arn], "PolicyDocument": policy(statements)}
        add_resource(self, f"{name.capitalize()}TopicPolicy", "AWS::SNS::TopicPolicy", secured)
        CfnOutput(self, TOPIC_ARN_OUTPUT, value=arn, description=f"The {name} topic, to publish to")
        physical_name = topic.get_att("TopicName")
        self.export_value(arn)
        self.export_value(physical_name)
        return arn, physical_name

    def _make_alarm_topic(self, deployment: Deployment) -> str:
        """Where alarms tell people. A standard topic: only that delivers e-mail, and alarms publish to no other.

        Not encrypted with SNS's own key, which CloudWatch may not use; with ours it is, for that key's policy lets it.

        Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
        """
        properties = {
            "DisplayName": f"Waybill {deployment.stage}",  # who an e-mail is from
            "KmsMasterKeyId": self.key_arn,
        }
        arn: str = add_resource(self, "AlarmTopic", "AWS::SNS::Topic", properties).ref
        statements = [deny_without_tls("sns:Publish", arn), allow_alarms(self, arn)]
        secured = {"Topics": [arn], "PolicyDocument": policy(statements)}
        add_resource(self, "AlarmTopicPolicy", "AWS::SNS::TopicPolicy", secured)
        if deployment.alarm_email is not None:
            mail = {"TopicArn": arn, "Protocol": "email", "Endpoint": deployment.alarm_email}
            add_resource(self, "AlarmMail", "AWS::SNS::Subscription", mail)
        CfnOutput(self, ALARM_TOPIC_ARN_OUTPUT, value=arn, description="Where alarms tell people: subscribe to it")
        self.export_value(arn)
        return arn

    def _watch_topic(self, deployment: Deployment) -> str:
        names: Names = {"Topic": self.topic_name, "Namespace": namespace_of(deployment.stage)}
        watch = Watch(self, self.alarm_topic_arn)
        return watch.over(Part(self, "Topic"), TOPIC_ALARMS, service="topic", names=names)

    def _make_table(self, table: Table, deployment: Deployment) -> TableAddress:
        keys = {"HASH": table.partition_key} | ({"RANGE": table.sort_key} if table.sort_key else {})
        expires = {"AttributeName": EXPIRATION, "Enabled": True}
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
