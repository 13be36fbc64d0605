"""The canary: off unless prod is told to have one, and then a subscription like any other with a voice of its own."""

from __future__ import annotations

import json

import pytest
from aws_cdk import App

from messaging.heartbeat import HeartbeatSettings
from messaging.topic import Topic
from messaging.topology import ORDERS
from stacks.deployment import Deployment
from stacks.errors import SynthError
from tests.stacks.conftest import Synthesize
from tests.stacks.synthesized import MAIL_FROM, Assembly, Json, export_of_alarm_topic, export_of_topic

CANARY = ORDERS.canary
assert CANARY is not None


@pytest.fixture(scope="module")
def canary(synth: Synthesize) -> Assembly:
    """A deployment that has one."""
    return synth(stage="prod", canary="on", mail_from=MAIL_FROM)


def function(assembly: Assembly) -> Json:
    """The function that publishes heartbeats."""
    functions = assembly.consumers.properties("AWS::Lambda::Function")
    (found,) = [each for each in functions if each["Handler"] == "lambdas.heartbeat.handler"]
    return found


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_it_is_off_by_default(request: pytest.FixtureRequest, stage: str) -> None:
    """Nothing of it is deployed."""
    consumers = request.getfixturevalue(stage).consumers
    assert "canary" not in consumers.text.lower()
    assert "heartbeat" not in consumers.text.lower()


def test_dev_has_none() -> None:
    """Nobody would be woken by it."""
    with pytest.raises(SynthError, match="-c canary=on with -c stage=dev: it must be prod"):
        Deployment.from_context(App(context={"canary": "on"}).node)


def test_a_topic_without_a_row_for_it_is_refused(synth: Synthesize) -> None:
    """Heartbeats that nobody takes would wake people for nothing."""
    with pytest.raises(SynthError, match="no row `canary`"):
        synth(Topic(name="orders", subscriptions=()), stage="prod", canary="on")


def test_it_leaves_the_messaging_stack_as_it_is(canary: Assembly, prod: Assembly) -> None:
    """As any subscription does."""
    assert canary.messaging.text == prod.messaging.text


def test_it_takes_heartbeats_and_nothing_else(canary: Assembly) -> None:
    """Through a queue of its own, and into the inbox alone."""
    assert CANARY is not None
    assert canary.consumers.subscription(CANARY)["Properties"]["FilterPolicy"] == {"type": ["Heartbeat"]}
    assert not any(row.filter_policy["type"].count("Heartbeat") for row in ORDERS.subscriptions)
    assert (CANARY.reads, CANARY.writes, CANARY.calls) == ((), (), ())


def test_a_heartbeat_is_published_each_minute(canary: Assembly) -> None:
    """EventBridge's own event, which has the minute, invokes the function; the rule alone may."""
    rules = {
        name: each["Properties"]
        for name, each in canary.consumers.body["Resources"].items()
        if each["Type"] == "AWS::Events::Rule" and each["Properties"]["ScheduleExpression"] == "rate(1 minute)"
    }
    ((rule_id, rule),) = rules.items()
    (target,) = rule["Targets"]
    assert "Input" not in target
    assert canary.consumers.value_of(target["Arn"])["Properties"] == function(canary)
    source = {"Fn::GetAtt": [rule_id, "Arn"]}
    (permission,) = [
        each for each in canary.consumers.properties("AWS::Lambda::Permission") if each["SourceArn"] == source
    ]
    assert canary.consumers.value_of(permission["FunctionName"])["Properties"] == function(canary)


def test_its_publisher_may_publish_and_no_more(canary: Assembly) -> None:
    """Beside logs and traces."""
    role = canary.consumers.value_of(function(canary)["Role"])["Properties"]
    (policy,) = role["Policies"]
    allowed = {action: each["Resource"] for each in policy["PolicyDocument"]["Statement"] for action in each["Action"]}
    assert {action: on for action, on in allowed.items() if not action.startswith(("logs:", "xray:"))} == {
        "sns:Publish": [export_of_topic(canary)]
    }


def test_its_publisher_can_read_its_settings(canary: Assembly) -> None:
    """The environment that the stack writes is the one that the function reads."""
    variables = function(canary)["Environment"]["Variables"]
    read = HeartbeatSettings.from_environment({name: str(value) for name, value in variables.items()})
    assert read == HeartbeatSettings(topic_arn=str(export_of_topic(canary)))


def test_silence_is_an_alarm(canary: Assembly) -> None:
    """Not one heartbeat applied in five minutes, whether its metric is zero or not there at all."""
    alarms = canary.consumers.alarms("canary")
    silent = alarms["Silent"]
    assert (silent["Namespace"], silent["MetricName"]) == ("Waybill", "Applied")
    assert silent["Dimensions"] == [{"Name": "service", "Value": "canary"}]
    assert (silent["Statistic"], silent["Threshold"], silent["ComparisonOperator"]) == ("Sum", 1, "LessThanThreshold")
    assert (silent["DatapointsToAlarm"], silent["EvaluationPeriods"], silent["Period"]) == (5, 5, 60)
    assert silent["TreatMissingData"] == "breaching"
    assert silent["AlarmActions"] == [export_of_alarm_topic(canary)]
    assert alarms.keys() - canary.consumers.alarms("inventory").keys() == {"Silent"}


def test_it_is_on_the_page_and_in_the_queries(canary: Assembly) -> None:
    """As the consumers are; and the log of its publisher too."""
    (dashboard,) = canary.consumers.properties("AWS::CloudWatch::Dashboard")
    assert "canary-unwell" in json.dumps(dashboard)
    groups = len(canary.consumers.resources("AWS::Logs::LogGroup"))
    for each in canary.consumers.properties("AWS::Logs::QueryDefinition"):
        assert len(each["LogGroupNames"]) == groups
