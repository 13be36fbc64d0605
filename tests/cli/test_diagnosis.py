"""Each thing that can be wrong with a deployment is found, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from cli import diagnosis
from cli.alarms import Alarm
from cli.depths import Depth
from cli.diagnosis import Finding, Level
from cli.mappings import Mapping
from cli.subscriptions import Deployed
from messaging.topology import ORDERS

ROW = ORDERS.subscription("inventory")
TOPIC = "arn:aws:sns:us-east-1:1:orders.fifo"
MAPPING = Mapping(
    uuid="m", state="Enabled", last_result="OK", reports_failures=True, batch_size=10, maximum_concurrency=2
)
SUBSCRIBED = Deployed(
    arn="s",
    endpoint="queue",
    protocol="sqs",
    policy=ROW.filter_policy,
    scope="MessageAttributes",
    raw=True,
    dead_letters_to="d",
)
ALARM = Alarm(
    name="waybill-dev-x", kind="metric", state="OK", since=None, means="look", reason="", actions=("arn:aws:sns:a",)
)


def found(findings: Iterable[Finding]) -> list[tuple[Level, str]]:
    """What is not as it should be."""
    return [(each.level, each.finding) for each in findings if each.level != "ok"]


@pytest.mark.parametrize(
    ("status", "level"),
    [
        ("CREATE_COMPLETE", "ok"),
        ("UPDATE_COMPLETE", "ok"),
        ("UPDATE_IN_PROGRESS", "note"),
        ("UPDATE_ROLLBACK_COMPLETE", "wrong"),
        ("ROLLBACK_FAILED", "wrong"),
        (None, "wrong"),
    ],
)
def test_a_stack(status: str | None, level: Level) -> None:
    """One that was rolled back is not what somebody wanted."""
    assert [each.level for each in diagnosis.stacks([("s", status)])] == [level]


def test_rows_against_consumers() -> None:
    """A missing consumer is wrong, but the one that needs a sender; one more than the checkout knows is noted."""
    deployed = [row for row in ORDERS.subscriptions if row.consumer not in ("inventory", "notifications")]
    outputs = ["InventoryQueueUrl", "InventoryDeadLetterQueueUrl", "FraudQueueUrl", "TopicArn"]
    assert found(diagnosis.rows(ORDERS.subscriptions, deployed, outputs)) == [
        ("wrong", "is in the topology and not deployed"),
        ("note", "is not deployed"),
        ("note", "is deployed, and this checkout's topology does not have it"),
    ]
    fraud = replace(ROW, consumer="fraud")
    assert len(found(diagnosis.rows(ORDERS.subscriptions, deployed, outputs, optional=[fraud]))) == 2


@pytest.mark.parametrize(
    ("deployed", "says"),
    [
        ([SUBSCRIBED], None),
        ([], "has no subscription"),
        ([replace(SUBSCRIBED, endpoint="another")], "has no subscription"),
        ([replace(SUBSCRIBED, policy={"type": ["OrderPlaced"]})], "its filter policy is"),
        ([replace(SUBSCRIBED, scope="MessageBody")], "on MessageBody"),
        ([replace(SUBSCRIBED, raw=False)], "envelope"),
        ([replace(SUBSCRIBED, dead_letters_to=None)], "lost"),
        ([SUBSCRIBED, replace(SUBSCRIBED, arn="t")], "twice"),
    ],
)
def test_a_subscription(deployed: list[Deployed], says: str | None) -> None:
    """What the topic delivers is what the row says, once, raw, and nothing is lost."""
    findings = found(diagnosis.subscription(ROW, "queue", deployed))
    assert len(findings) == (says is not None)
    assert all(level == "wrong" and says is not None and says in finding for level, finding in findings)


def test_strangers_are_noted() -> None:
    """They may be meant so."""
    deployed = [SUBSCRIBED, replace(SUBSCRIBED, endpoint="https://x", protocol="https")]
    assert found(diagnosis.strangers(deployed, ["queue"])) == [
        ("note", "somebody else subscribes too: https https://x")
    ]


def allow(**changes: Any) -> dict[str, Any]:
    """The statement that lets a topic in, as the stacks write it."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC}},
    }
    return {**statement, **changes}


def attributes(**changes: str) -> dict[str, str]:
    redrive = {"deadLetterTargetArn": "d", "maxReceiveCount": ROW.max_receive_count}
    policy = {"Statement": [{"Effect": "Deny", "Principal": "*"}, allow()]}
    return {
        "Policy": json.dumps(policy),
        "RedrivePolicy": json.dumps(redrive),
        "VisibilityTimeout": str(ROW.visibility_timeout_seconds),
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, None),
        ({"Policy": ""}, "does not let the topic in"),
        (
            {"Policy": json.dumps({"Statement": [allow(Condition={"ArnEquals": {"aws:SourceArn": "another"}})]})},
            "does not let the topic in",
        ),
        ({"Policy": json.dumps({"Statement": [allow(Effect="Deny")]})}, "does not let the topic in"),
        ({"RedrivePolicy": ""}, "no dead-letter queue"),
        ({"RedrivePolicy": '{"maxReceiveCount": 3}'}, "given up after 3 receives"),
        ({"VisibilityTimeout": "5"}, "visibility timeout is 5 s"),
    ],
)
def test_a_queue(changes: dict[str, str], says: str | None) -> None:
    """It takes the topic's messages, hides them long enough, and parks them at last."""
    findings = found(diagnosis.queue(ROW, attributes(**changes), topic_arn=TOPIC))
    assert len(findings) == (says is not None)
    assert all(level == "wrong" and says is not None and says in finding for level, finding in findings)


@pytest.mark.parametrize(
    ("described", "says"),
    [
        (MAPPING, None),
        (replace(MAPPING, state="Disabled"), "takes no messages"),
        (replace(MAPPING, reports_failures=False), "deletes them"),
        (replace(MAPPING, last_result="PROBLEM: Function call failed"), "Function call failed"),
    ],
)
def test_a_mapping(described: Mapping, says: str | None) -> None:
    """A consumer takes messages, and Lambda listens to what it answers."""
    findings = found(diagnosis.mapping(ROW, described))
    assert len(findings) == (says is not None)
    assert all(says is not None and says in finding for _, finding in findings)


def test_the_relays_mapping() -> None:
    """Without it no follow-up event leaves the outbox."""
    assert found(diagnosis.relay(MAPPING)) == []
    assert len(found(diagnosis.relay(replace(MAPPING, state="Disabled", last_result="PROBLEM: x")))) == 2


@pytest.mark.parametrize(("dead", "undelivered", "number"), [(0, 0, 0), (2, 0, 1), (0, 1, 1), (2, 1, 2)])
def test_letters_that_wait(dead: int, undelivered: int, number: int) -> None:
    """Of both dead-letter queues."""
    depth = Depth(consumer="inventory", visible=9, in_flight=0, delayed=0, dead=dead, undelivered=undelivered)
    assert len(found(diagnosis.letters(depth))) == number


@pytest.mark.parametrize(
    ("described", "number"),
    [
        ({"TimeToLiveStatus": "ENABLED", "AttributeName": "expiration"}, 0),
        ({"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}, 1),
        ({"TimeToLiveStatus": "DISABLED"}, 1),
        ({}, 1),
    ],
)
def test_a_table_that_never_forgets(described: dict[str, str], number: int) -> None:
    """The inbox is the one that must."""
    assert len(found(diagnosis.expiry(lambda table: described if table.name == "inbox" else {}))) == number


def test_a_topic_without_order() -> None:
    """As an engine makes it that drops the property."""
    assert found(diagnosis.topic({"FifoTopic": "true"})) == []
    assert len(found(diagnosis.topic({}))) == 1


@pytest.mark.parametrize(
    ("alarms", "subscribers", "level"),
    [
        ([ALARM], ["s"], None),
        ([replace(ALARM, state="ALARM")], ["s"], "wrong"),
        ([], ["s"], "wrong"),
        ([replace(ALARM, actions=())], ["s"], "silent"),
        ([ALARM], [], "silent"),
        ([ALARM], ["PendingConfirmation"], "silent"),
    ],
)
@pytest.mark.parametrize("prod", [True, False])
def test_alarms(alarms: list[Alarm], subscribers: list[str], level: str | None, prod: bool) -> None:
    """Raised ones are wrong; that they tell nobody is so on prod."""
    findings = found(diagnosis.alarms(alarms, prod, lambda _: subscribers))
    expected = {"silent": "wrong" if prod else "note"}.get(level or "", level)
    assert [each for each, _ in findings] == ([] if expected is None else [expected])


def test_each_finding_says_how_to_mend_it() -> None:
    """What is wrong and can't be mended helps nobody."""
    findings = [
        *diagnosis.stacks([("s", None), ("t", "ROLLBACK_COMPLETE"), ("u", "UPDATE_IN_PROGRESS")]),
        *diagnosis.rows(ORDERS.subscriptions, [], ["FraudQueueUrl"]),
        *diagnosis.subscription(ROW, "queue", []),
        *diagnosis.queue(ROW, attributes(Policy="", RedrivePolicy=""), topic_arn=TOPIC),
        *diagnosis.mapping(ROW, replace(MAPPING, state="Disabled", reports_failures=False, last_result="PROBLEM")),
        *diagnosis.expiry(lambda _: {}),
        *diagnosis.topic({}),
        *diagnosis.alarms([replace(ALARM, state="ALARM")], True, lambda _: []),
    ]
    assert [each for each in findings if not each.mend] == []
