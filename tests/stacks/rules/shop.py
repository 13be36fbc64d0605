"""A small shop in CloudFormation's words that breaks no rule: each test spoils one thing of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aws_cdk import App, CfnResource, Stack

from messaging.events import CATALOGUE, EventType
from messaging.subscription import Subscription
from messaging.topic import Topic
from stacks import rules
from stacks.resources import add_resource
from stacks.rules.enforcement import PLUGIN

Json = Any

ROW = Subscription(consumer="ledger", events=CATALOGUE, ordering="group")
ROWS = Topic(name="orders", subscriptions=(ROW,))
DAY_SECONDS = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Report:
    """What our rules report of one synth: (rule, construct path) of each finding, and the words of all of them."""

    findings: list[tuple[str, str]] = field(default_factory=list)
    allowed: list[tuple[str, str]] = field(default_factory=list)  # (finding, reason)
    text: str = ""


class Shop:
    """Resources by logical id, as plain data until they are synthesized."""

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}
        self.of: dict[str, Json] = {}
        self._add_topic()
        for name in ("Queue", "DeadLetterQueue", "TopicDeadLetterQueue"):
            self._add_queue(name)
        self.of["Queue"] |= {
            "VisibilityTimeout": ROW.visibility_timeout_seconds,
            "MessageRetentionPeriod": ROW.retention_seconds,
            "RedrivePolicy": {
                "deadLetterTargetArn": arn("DeadLetterQueue"),
                "maxReceiveCount": ROW.max_receive_count,
            },
            "RedriveAllowPolicy": {"redrivePermission": "denyAll"},
        }
        self._add_function()
        self._add_alarms()

    def add(self, name: str, kind: str, **properties: Json) -> None:
        """One more resource."""
        self.kinds[name] = kind
        self.of[name] = properties

    def remove(self, name: str) -> None:
        """One less."""
        del self.kinds[name], self.of[name]

    def synthesize(
        self,
        folder: Path,
        *,
        topic: Topic = ROWS,
        catalogue: Sequence[EventType] = CATALOGUE,
        allowed: Mapping[tuple[str, str], str] | None = None,
    ) -> Report:
        """Judge it. Raises what the CDK does where a rule is broken; `allowed` are reasons by resource and finding."""
        app = App(outdir=str(folder), analytics_reporting=False, tree_metadata=False)
        rules.enforce(app, topic, catalogue)
        stack = Stack(app, "S")
        made: dict[str, CfnResource] = {
            name: add_resource(stack, name, kind, self.of[name]) for name, kind in self.kinds.items()
        }
        for (name, finding), reason in (allowed or {}).items():
            rules.allow(made[name], finding, reason=reason)
        app.synth()
        return reported(folder)

    def _add_topic(self) -> None:
        self.add("Topic", "AWS::SNS::Topic", FifoTopic=True, FifoThroughputScope="MessageGroup")
        policy = statements(without_tls("sns:Publish", {"Ref": "Topic"}))
        self.add("TopicPolicy", "AWS::SNS::TopicPolicy", Topics=[{"Ref": "Topic"}], PolicyDocument=policy)

    def _add_queue(self, name: str) -> None:
        self.add(
            name,
            "AWS::SQS::Queue",
            FifoQueue=True,
            DeduplicationScope="messageGroup",
            FifoThroughputLimit="perMessageGroupId",
            SqsManagedSseEnabled=True,
            MessageRetentionPeriod=14 * DAY_SECONDS,
        )
        delivery = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn(name),
            "Condition": {"ArnEquals": {"aws:SourceArn": {"Ref": "Topic"}}},
        }
        policy = statements(without_tls("sqs:*", arn(name)), delivery)
        self.add(f"{name}Policy", "AWS::SQS::QueuePolicy", Queues=[{"Ref": name}], PolicyDocument=policy)

    def _add_function(self) -> None:
        self.add(
            "Subscription",
            "AWS::SNS::Subscription",
            TopicArn={"Ref": "Topic"},
            Protocol="sqs",
            Endpoint=arn("Queue"),
            RawMessageDelivery=True,
            FilterPolicy=ROW.filter_policy,
            RedrivePolicy={"deadLetterTargetArn": arn("TopicDeadLetterQueue")},
        )
        consume = {"Effect": "Allow", "Action": ["sqs:ReceiveMessage"], "Resource": [arn("Queue")]}
        inline = [{"PolicyName": "Function", "PolicyDocument": statements(consume)}]
        self.add("Role", "AWS::IAM::Role", AssumeRolePolicyDocument=statements(), Policies=inline)
        self.add("Function", "AWS::Lambda::Function", Handler=ROW.handler, Timeout=ROW.timeout_seconds)
        self.add(
            "Mapping",
            "AWS::Lambda::EventSourceMapping",
            FunctionName={"Ref": "Function"},
            EventSourceArn=arn("Queue"),
            FunctionResponseTypes=["ReportBatchItemFailures"],
        )

    def _add_alarms(self) -> None:
        visible = "ApproximateNumberOfMessagesVisible"
        self._add_alarm("AgeAlarm", "ApproximateAgeOfOldestMessage", QueueName={"Fn::GetAtt": ["Queue", "QueueName"]})
        self._add_alarm("LettersAlarm", visible, QueueName={"Fn::GetAtt": ["DeadLetterQueue", "QueueName"]})
        self._add_alarm("UndeliveredAlarm", visible, QueueName={"Fn::GetAtt": ["TopicDeadLetterQueue", "QueueName"]})
        self._add_alarm("ErrorsAlarm", "Errors", FunctionName={"Ref": "Function"})

    def _add_alarm(self, name: str, metric: str, **dimensions: Json) -> None:
        listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
        self.add(name, "AWS::CloudWatch::Alarm", MetricName=metric, Dimensions=listed, TreatMissingData="notBreaching")


def arn(name: str) -> Json:
    """The ARN of another resource."""
    return {"Fn::GetAtt": [name, "Arn"]}


def statements(*given: Json) -> Json:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": [*given]}


def without_tls(action: str, resource: Json) -> Json:
    """The statement that denies it."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def reported(folder: Path, text: str = "") -> Report:
    """What our rules found, of the report that the CDK has written beside the templates."""
    path = folder / "validation-report.json"
    plugins = [each for each in json.loads(path.read_text())["pluginReports"] if each["pluginName"] == PLUGIN]
    return Report(
        findings=[
            (violation["ruleName"], construct["constructPath"])
            for plugin in plugins
            for violation in plugin["violations"]
            for construct in violation["violatingConstructs"]
        ],
        allowed=[
            (violation["ruleName"], violation.get("reason", ""))
            for plugin in plugins
            for violation in plugin.get("suppressedViolations") or ()
        ],
        text=text,
    )
