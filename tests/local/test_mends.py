"""What the engine's CloudFormation drops, and that our mends bring it back. A mend that is not needed fails here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import assembly, engine, mends
from local.clients import client
from local.engine import Engine
from tests.local.conftest import end, eventually

STACK = "sample"
TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Orders": {
            "Type": "AWS::SNS::Topic",
            "Properties": {
                "TopicName": "orders.fifo",
                "FifoTopic": True,
                "ContentBasedDeduplication": False,
                "FifoThroughputScope": "MessageGroup",
            },
        },
        "Plain": {"Type": "AWS::SNS::Topic", "Properties": {}},
        "Inbox": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": "inbox",
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "TimeToLiveSpecification": {"AttributeName": "expiration", "Enabled": True},
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            },
        },
    }
}
TOPIC_ARN = "arn:aws:sns:us-east-1:000000000000:orders.fifo"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine with the sample stack, as its CloudFormation leaves it."""
    state_dir = tmp_path_factory.mktemp("mends") / "engine"
    running = engine.start(state_dir)
    try:
        cloudformation = client(running.endpoint, "cloudformation")
        cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(TEMPLATE))
        cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
        yield running
    finally:
        end(state_dir)


@pytest.fixture(scope="module")
def before(deployed: Engine) -> dict[str, Any]:
    """What was there before any mend."""
    return settings(deployed)


@pytest.fixture(scope="module")
def mended(deployed: Engine, before: dict[str, Any]) -> dict[str, Any]:
    """What is there after all mends, and after applying them again."""
    for _ in range(2):
        mends.apply({STACK: TEMPLATE}, services(deployed))
    return settings(deployed)


def services(running: Engine) -> Callable[[str], Any]:
    """Makes clients of this engine."""
    return lambda service: client(running.endpoint, service)


def settings(running: Engine) -> dict[str, Any]:
    """The settings that our templates ask for, as the engine describes them."""
    topic = client(running.endpoint, "sns").get_topic_attributes(TopicArn=TOPIC_ARN)["Attributes"]
    dynamodb = client(running.endpoint, "dynamodb")
    recovery = dynamodb.describe_continuous_backups(TableName="inbox")["ContinuousBackupsDescription"]
    return {
        **{name: topic.get(name) for name in mends.TOPIC_ATTRIBUTES},
        "TimeToLive": dynamodb.describe_time_to_live(TableName="inbox")["TimeToLiveDescription"],
        "PointInTimeRecovery": recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
    }


@pytest.mark.parametrize(
    ("setting", "dropped", "asked_for"),
    [
        ("FifoTopic", None, "true"),
        ("ContentBasedDeduplication", None, "false"),
        ("FifoThroughputScope", None, "MessageGroup"),
        (
            "TimeToLive",
            {"TimeToLiveStatus": "DISABLED"},
            {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiration"},
        ),
        ("PointInTimeRecovery", "DISABLED", "ENABLED"),
    ],
)
def test_dropped_setting_is_mended(
    before: dict[str, Any], mended: dict[str, Any], setting: str, dropped: object, asked_for: object
) -> None:
    """The engine drops the setting and the mend applies it; should the engine keep it one day, drop the mend."""
    assert before[setting] == dropped
    assert mended[setting] == asked_for


def test_message_groups_reach_the_queue(deployed: Engine, mended: dict[str, Any]) -> None:
    """Through a mended topic a message keeps its group on the way to a FIFO queue."""
    sqs, sns = client(deployed.endpoint, "sqs"), client(deployed.endpoint, "sns")
    url = sqs.create_queue(QueueName="groups.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=TOPIC_ARN, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})

    sns.publish(TopicArn=TOPIC_ARN, Message="body", MessageGroupId="customer", MessageDeduplicationId="event")

    (message,) = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])["Messages"]
    assert message["Attributes"]["MessageGroupId"] == "customer"


EXPRESSION = {
    "Metrics": [
        {"Id": "m", "MetricStat": {"Metric": {"Namespace": "N", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}},
        {"Id": "e", "Expression": "m + 1"},
    ],
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 1,
    "Threshold": 0,
}


# The CDK's custom resources are known, but this one needs a function that our stacks do not have.
@pytest.mark.parametrize("kind", sorted(assembly.UNSUPPORTED - {"Custom::LogRetention"}))
def test_what_is_left_out_the_engine_does_not_know(deployed: Engine, kind: str) -> None:
    """A stack with it is refused whole; should the engine know it one day, leave it in."""
    template = {"Resources": {"Unknown": {"Type": kind, "Properties": {}}}}
    with pytest.raises(ClientError, match=rf"Unrecognized resource types: \[{kind}\]"):
        client(deployed.endpoint, "cloudformation").create_stack(StackName="u", TemplateBody=json.dumps(template))


def test_an_alarm_on_an_expression_rolls_its_stack_back(deployed: Engine) -> None:
    """That is why those are made through the API; should the engine take one, leave it in."""
    cloudformation = client(deployed.endpoint, "cloudformation")
    template = {"Resources": {"Refused": {"Type": "AWS::CloudWatch::Alarm", "Properties": EXPRESSION}}}
    assert assembly.without_unsupported(template)[1] == ["Refused"]
    cloudformation.create_stack(StackName="expression", TemplateBody=json.dumps(template))

    def reasons() -> str:
        events = cloudformation.describe_stack_events(StackName="expression")["StackEvents"]
        return " ".join(event.get("ResourceStatusReason", "") for event in events)

    eventually(lambda: "Rollback complete" in reasons(), "the stack is rolled back")
    assert "metric math" in reasons()


def test_mends_outlive_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What was mended is still so after a stop and a start: the settings are part of the saved state."""
    state_dir = tmp_path_factory.mktemp("restart") / "engine"
    running = engine.start(state_dir)
    try:
        cloudformation = client(running.endpoint, "cloudformation")
        cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(TEMPLATE))
        cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
        mends.apply({STACK: TEMPLATE}, services(running))
        expected = settings(running)
        engine.stop(running)

        assert settings(engine.start(state_dir)) == expected
    finally:
        end(state_dir)


def test_template_without_such_settings_needs_no_mend() -> None:
    """A plain topic and a plain table are left as they are."""
    plain = {
        "Resources": {
            "Plain": {"Type": "AWS::SNS::Topic"},
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {"TimeToLiveSpecification": {"AttributeName": "x", "Enabled": False}},
            },
        }
    }

    assert mends.needed(plain) == []
