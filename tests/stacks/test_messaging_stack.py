from __future__ import annotations

import pytest

from messaging.events import StockReserved
from messaging.topology import (
    EXPIRATION,
    ORDERS,
    TABLES,
    TABLES_BY_NAME,
    TOPIC_ARN_OUTPUT,
    Subscription,
    Table,
    Topic,
)
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
    (policy,) = dev.messaging.properties("AWS::SNS::TopicPolicy")
    topic = {"Ref": dev.messaging.logical_id(TOPIC_ARN_OUTPUT)}
    assert policy["Topics"] == [topic]
    assert policy["PolicyDocument"]["Statement"] == [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": topic,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
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


def test_every_table_and_the_topic_are_exported(synth: Synthesize) -> None:
    """Names, ARNs and streams are exported whether a consumer uses them or not."""
    nobody = synth(Topic(name="orders", subscriptions=()))
    exported = [each["Value"] for each in nobody.messaging.body["Outputs"].values() if "Export" in each]
    expected: list[Json] = [{"Ref": nobody.messaging.logical_id(TOPIC_ARN_OUTPUT)}]
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
    more = synth(Topic(name=ORDERS.name, subscriptions=(*ORDERS.subscriptions, *rows)), mail_from=MAIL_FROM)
    assert len(more.consumers.consumer_functions()) == len(ORDERS.subscriptions) + 3
    assert more.messaging.text == dev.messaging.text


def test_consumers_import_only_what_is_exported(dev: Assembly) -> None:
    """Every import of the consumers stack has its export in the messaging stack."""
    exports = {each["Export"]["Name"] for each in dev.messaging.body["Outputs"].values() if "Export" in each}
    imports = set(imported(dev.consumers.body))
    assert imports
    assert imports <= exports
    assert not set(imported(dev.messaging.body))
