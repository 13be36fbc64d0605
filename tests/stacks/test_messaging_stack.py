from __future__ import annotations

from dataclasses import replace

import pytest

from messaging.events import CATALOGUE, StockReserved
from messaging.subscription import Subscription
from messaging.tables import EXPIRATION, TABLES, TABLES_BY_NAME, Table
from messaging.topic import TOPIC_ARN_OUTPUT, Topic
from messaging.topology import ORDERS
from stacks.messaging_stack import ALARM_TOPIC_ARN_OUTPUT
from tests.stacks.conftest import Synthesize
from tests.stacks.synthesized import MAIL_FROM, Assembly, Json, imported


def test_topic_is_fifo_with_high_throughput(dev: Assembly) -> None:
    """The topic is FIFO, counts throughput per message group, and leaves deduplication ids to the publisher."""
    topic = dev.messaging.behind(TOPIC_ARN_OUTPUT)["Properties"]
    assert topic["TopicName"].endswith(".fifo")
    assert topic["FifoTopic"] is True
    assert topic["FifoThroughputScope"] == "MessageGroup"
    assert topic["ContentBasedDeduplication"] is False


@pytest.mark.fault(61)
def test_topic_refuses_plain_http(dev: Assembly) -> None:
    """Publishing without TLS is denied to everybody."""
    topic = {"Ref": dev.messaging.logical_id(TOPIC_ARN_OUTPUT)}
    assert topic_policy(dev, topic) == [without_tls(topic)]


def topic_policy(assembly: Assembly, topic: Json) -> list[Json]:
    """The statements of a topic's policy."""
    (policy,) = [each for each in assembly.messaging.properties("AWS::SNS::TopicPolicy") if each["Topics"] == [topic]]
    statements: list[Json] = policy["PolicyDocument"]["Statement"]
    return statements


def without_tls(topic: Json) -> Json:
    """The statement that denies it."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def test_only_this_accounts_alarms_tell_people(dev: Assembly) -> None:
    """CloudWatch may publish to the alarm topic for alarms of this account and region, with TLS."""
    topic = {"Ref": dev.messaging.logical_id(ALARM_TOPIC_ARN_OUTPUT)}
    denied, allowed = topic_policy(dev, topic)
    assert denied == without_tls(topic)
    alarms = allowed["Condition"].pop("ArnLike")["aws:SourceArn"]["Fn::Join"]
    assert allowed == {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    }
    words = [word if isinstance(word, str) else word["Ref"] for word in alarms[1]]
    assert "".join(words) == "arn:AWS::Partition:cloudwatch:AWS::Region:AWS::AccountId:alarm:*"


def test_the_alarm_topic_is_a_standard_one(dev: Assembly) -> None:
    """E-mail and alarms know no other, and CloudWatch may not use SNS's own key."""
    topic = dev.messaging.behind(ALARM_TOPIC_ARN_OUTPUT)
    assert topic["Type"] == "AWS::SNS::Topic"
    assert topic["Properties"] == {"DisplayName": "Waybill dev"}


def test_alarms_are_mailed_to_whom_the_deployment_says(synth: Synthesize, dev: Assembly) -> None:
    """To nobody by default."""
    assert dev.messaging.resources("AWS::SNS::Subscription") == []
    mailed = synth(alarm_email="ops@shop.example.com")
    assert mailed.messaging.properties("AWS::SNS::Subscription") == [
        {
            "TopicArn": {"Ref": mailed.messaging.logical_id(ALARM_TOPIC_ARN_OUTPUT)},
            "Protocol": "email",
            "Endpoint": "ops@shop.example.com",
        }
    ]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_table_is_as_the_topology_says(dev: Assembly, table: Table) -> None:
    """A table has its row's keys and TTL, on-demand billing, point-in-time recovery and a stated encryption."""
    properties = dev.messaging.behind(table.output_key)["Properties"]
    keys = [{"AttributeName": table.partition_key, "KeyType": "HASH"}]
    if table.sort_key:
        keys.append({"AttributeName": table.sort_key, "KeyType": "RANGE"})
    assert properties["KeySchema"] == keys
    assert {each["AttributeName"]: each["AttributeType"] for each in properties["AttributeDefinitions"]} == {
        key["AttributeName"]: "S" for key in keys
    }
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": False}
    time_to_live = {"AttributeName": EXPIRATION, "Enabled": True} if table.expires else None
    assert properties.get("TimeToLiveSpecification") == time_to_live
    assert properties.get("StreamSpecification") == ({"StreamViewType": "NEW_IMAGE"} if table.streams else None)


def test_every_table_and_both_topics_are_exported(synth: Synthesize) -> None:
    """Names, ARNs and streams are exported whether a consumer uses them or not."""
    nobody = synth(Topic(name="orders", subscriptions=(), announced=CATALOGUE))
    exported = [each["Value"] for each in nobody.messaging.body["Outputs"].values() if "Export" in each]
    topic = nobody.messaging.logical_id(TOPIC_ARN_OUTPUT)
    expected: list[Json] = [{"Ref": topic}, {"Fn::GetAtt": [topic, "TopicName"]}]
    expected.append({"Ref": nobody.messaging.logical_id(ALARM_TOPIC_ARN_OUTPUT)})
    for table in TABLES:
        logical_id = nobody.messaging.logical_id(table.output_key)
        expected += [{"Fn::GetAtt": [logical_id, "Arn"]}, {"Ref": logical_id}]
        expected += [{"Fn::GetAtt": [logical_id, "StreamArn"]}] if table.streams else []
    assert sorted(map(str, exported)) == sorted(map(str, expected))


def test_more_consumers_leave_the_messaging_template_as_it_is(synth: Synthesize, dev: Assembly) -> None:
    """The consumers stack with three more rows over existing tables leaves the messaging template byte-identical."""
    rows = (
        Subscription(consumer="audit", events=ORDERS.subscriptions[0].events, reads=tuple(TABLES_BY_NAME)),
        Subscription(consumer="shipping", events=ORDERS.subscriptions[0].events, ordering="group", writes=("orders",)),
        Subscription(
            consumer="one_more_teller",
            events=ORDERS.subscriptions[0].events,
            writes=("revenue", "stock"),
            emits=(StockReserved,),
        ),
    )
    more = synth(replace(ORDERS, subscriptions=(*ORDERS.subscriptions, *rows)), mail_from=MAIL_FROM)
    assert len(more.consumers.consumer_functions()) == len(ORDERS.subscriptions) + 3
    assert more.messaging.text == dev.messaging.text


def test_consumers_import_only_what_is_exported(dev: Assembly) -> None:
    """Every import of the consumers stack has its export in the messaging stack."""
    exports = {each["Export"]["Name"] for each in dev.messaging.body["Outputs"].values() if "Export" in each}
    imports = set(imported(dev.consumers.body))
    assert imports
    assert imports <= exports
    assert not set(imported(dev.messaging.body))
