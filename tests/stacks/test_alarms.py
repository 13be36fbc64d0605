"""What each alarm watches, when it is raised, and whom it tells: held against the rows of the topology."""

from __future__ import annotations

from dataclasses import replace

import pytest

from local.assembly import without_unsupported
from messaging.events import OrderPlaced
from messaging.subscription import Subscription
from messaging.topic import TOPIC_ARN_OUTPUT
from messaging.topology import ORDERS
from stacks import thresholds
from stacks.messaging_stack import ALARM_TOPIC_ARN_OUTPUT
from tests.stacks.conftest import Synthesize
from tests.stacks.synthesized import (
    MAIL_FROM,
    Assembly,
    Json,
    export_of_alarm_topic,
)

ROW = Subscription(consumer="audit", events=(OrderPlaced,))

VISIBLE = "ApproximateNumberOfMessagesVisible"
DIMENSIONS = {
    "AWS/SQS": "QueueName",
    "AWS/Lambda": "FunctionName",
    "Waybill/dev": "service",
}
# Said a second time and on purpose: of which part, what, how summed, compared how, datapoints, periods, seconds.
ABOVE, AT_LEAST = "GreaterThanThreshold", "GreaterThanOrEqualToThreshold"
SINGLE = {
    "Depth": ("AWS/SQS", "Queue", VISIBLE, "Maximum", ABOVE, 15, 15, 60),
    "Age": ("AWS/SQS", "Queue", "ApproximateAgeOfOldestMessage", "Maximum", ABOVE, 15, 15, 60),
    "InFlight": ("AWS/SQS", "Queue", "ApproximateNumberOfMessagesNotVisible", "Maximum", ABOVE, 15, 15, 60),
    "Errors": ("AWS/Lambda", "Function", "Errors", "Sum", ABOVE, 3, 3, 60),
    "Throttles": ("AWS/Lambda", "Function", "Throttles", "Sum", ABOVE, 5, 5, 60),
    "Duration": ("AWS/Lambda", "Function", "Duration", "p99", ABOVE, 15, 15, 60),
    "DeadLetters": ("AWS/SQS", "DeadLetterQueue", VISIBLE, "Maximum", ABOVE, 1, 1, 60),
    "Undelivered": ("AWS/SQS", "TopicDeadLetterQueue", VISIBLE, "Maximum", ABOVE, 1, 1, 60),
}
# Whose, of which part, what and how summed, by id; compared how, datapoints, periods, seconds.
MATH = {
    "Growing": (
        "AWS/SQS",
        {
            "backlog": ("Queue", VISIBLE, "Minimum"),
            "sent": ("Queue", "NumberOfMessagesSent", "Sum"),
            "deleted": ("Queue", "NumberOfMessagesDeleted", "Sum"),
        },
        *(AT_LEAST, 3, 3, 300),
    ),
    "Failing": (
        "Waybill/dev",
        {
            "records": ("Service", "Records", "Sum"),
            "retried": ("Service", "Retried", "Sum"),
            "held": ("Service", "HeldBack", "Sum"),
        },
        *(AT_LEAST, 3, 3, 300),
    ),
    "DeadLettersGrow": ("AWS/SQS", {"letters": ("DeadLetterQueue", VISIBLE, "Maximum")}, ABOVE, 3, 3, 300),
}


def limits(row: Subscription) -> dict[str, float]:
    """The thresholds that follow from a row."""
    a_day_minutes = 1440
    return {
        "Depth": row.maximum_concurrency * row.batch_size * 900 // row.timeout_seconds,
        "Age": thresholds.age_seconds(row),
        "InFlight": min(row.maximum_concurrency * row.batch_size * row.visibility_timeout_seconds * 3 // 2, 96_000),
        "Duration": (row.timeout_seconds - 2) * 1000,
        "Growing": a_day_minutes,
        "Failing": 50,
        **dict.fromkeys(("Errors", "Throttles", "DeadLetters", "DeadLettersGrow", "Undelivered"), 0),
    }


def fewest_minutes(row: Subscription) -> int:
    """What a message has left once it is too old, less a minute for CloudWatch: a consumer with five minutes in all has
    one."""
    lost_after = min(row.max_age_seconds or row.outage_seconds, row.outage_seconds)
    return max(1, (lost_after - thresholds.age_seconds(row)) // 60 - 1)


def told(assembly: Assembly) -> Json:
    """What each alarm does when it is raised and when it is over."""
    topic = [export_of_alarm_topic(assembly)]
    return {"AlarmActions": topic, "OKActions": topic, "TreatMissingData": "notBreaching"}


@pytest.mark.fault(19)
def test_every_queue_has_depth_and_age_alarms(dev: Assembly, row: Subscription) -> None:
    """A stopped consumer raises both in 15 minutes, and age before messages expire."""
    alarms = dev.consumers.alarms(row.consumer)
    for name in ("Depth", "Age"):
        assert alarms[name]["Dimensions"] == [{"Name": "QueueName", "Value": dev.consumers.names(row)["Queue"]}]
    assert alarms["Depth"]["EvaluationPeriods"] * alarms["Depth"]["Period"] == 900
    heard_after = alarms["Age"]["Threshold"] + alarms["Age"]["EvaluationPeriods"] * alarms["Age"]["Period"]
    assert heard_after < (row.max_age_seconds or row.outage_seconds)


def test_each_row_has_its_alarms(dev: Assembly, row: Subscription) -> None:
    """Metric, dimension, statistic, period, M of N, threshold, missing data and actions of each, and no other."""
    _hold(dev, row)


def _hold(assembly: Assembly, row: Subscription) -> None:
    alarms, names = assembly.consumers.alarms(row.consumer), assembly.consumers.names(row)
    assert alarms.keys() == SINGLE.keys() | MATH.keys()
    for name, alarm in alarms.items():
        expected = {**told(assembly), "Threshold": limits(row)[name]}
        assert expected.items() <= alarm.items(), name
        assert alarm["AlarmDescription"].startswith(f"{row.consumer}: ")
    for name, (namespace, of, metric, statistic, comparison, datapoints, periods, seconds) in SINGLE.items():
        in_time = fewest_minutes(row) if name == "Age" else 15
        assert {
            **_metric(namespace, metric, names[of]),
            ("ExtendedStatistic" if statistic == "p99" else "Statistic"): statistic,
            **_compared(comparison, min(datapoints, in_time), min(periods, in_time)),
            "Period": seconds,
        }.items() <= alarms[name].items(), name
    for name, (namespace, metrics, comparison, datapoints, periods, seconds) in MATH.items():
        assert _compared(comparison, datapoints, periods).items() <= alarms[name].items(), name
        assert "Period" not in alarms[name]
        stats = {each["Id"]: each["MetricStat"] for each in alarms[name]["Metrics"] if "MetricStat" in each}
        assert stats == {
            key: {"Metric": _metric(namespace, metric, names[of]), "Period": seconds, "Stat": statistic}
            for key, (of, metric, statistic) in metrics.items()
        }


def _metric(namespace: str, metric: str, name: Json) -> Json:
    dimensions = [{"Name": DIMENSIONS[namespace], "Value": name}]
    return {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}


def _compared(comparison: str, datapoints: int, periods: int) -> Json:
    return {"ComparisonOperator": comparison, "DatapointsToAlarm": datapoints, "EvaluationPeriods": periods}


def test_a_new_row_brings_its_alarms(synth: Synthesize) -> None:
    """Without another line."""
    row = replace(ROW, timeout_seconds=30, maximum_concurrency=50)
    more = synth(replace(ORDERS, subscriptions=(*ORDERS.subscriptions, row)), mail_from=MAIL_FROM)
    _hold(more, row)


def test_expressions_come_to_one_series(dev: Assembly) -> None:
    """Of an alarm's queries the last one alone returns data, and none is there twice."""
    for row in ORDERS.subscriptions:
        for name in MATH:
            queries = dev.consumers.alarms(row.consumer)[name]["Metrics"]
            assert [each["ReturnData"] for each in queries] == [False] * (len(queries) - 1) + [True]
            assert len({each["Id"] for each in queries}) == len(queries) <= 20


def test_few_samples_are_a_percentile_too(dev: Assembly, row: Subscription) -> None:
    """Else nobody would hear of a slow consumer that works through fewer than a thousand batches in 15 minutes."""
    alarms = dev.consumers.alarms(row.consumer)
    assert {name: each.get("EvaluateLowSampleCountPercentile") for name, each in alarms.items()} == {
        name: "evaluate" if name == "Duration" else None for name in alarms
    }


@pytest.mark.fault(58)
@pytest.mark.parametrize("stack", ["messaging", "consumers"])
def test_every_alarm_decides_on_missing_data_and_names_its_consumer(prod: Assembly, stack: str) -> None:
    """Each alarm says its period, M of N and what missing data means, and tells the alarm topic of both changes."""
    alarms = getattr(prod, stack).properties("AWS::CloudWatch::Alarm")
    of_its_own_stack = {"Ref": prod.messaging.logical_id(ALARM_TOPIC_ARN_OUTPUT)}
    topic = of_its_own_stack if stack == "messaging" else export_of_alarm_topic(prod)
    assert alarms
    for alarm in alarms:
        periods = [each["MetricStat"]["Period"] for each in alarm.get("Metrics", ()) if "MetricStat" in each]
        assert set(periods or [alarm["Period"]]) <= {60, 300}
        assert alarm["TreatMissingData"] == "notBreaching"  # all but the canary's
        assert 1 <= alarm["DatapointsToAlarm"] <= alarm["EvaluationPeriods"]
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic]
        assert ": " in alarm["AlarmDescription"]


@pytest.mark.parametrize(("stage", "namespace"), [("dev", "Waybill/dev"), ("prod", "Waybill")])
def test_a_stage_reads_what_its_own_functions_write(request: pytest.FixtureRequest, stage: str, namespace: str) -> None:
    """Two stages in one account do not hear of each other."""
    assembly: Assembly = request.getfixturevalue(stage)
    functions = assembly.consumers.properties("AWS::Lambda::Function")
    assert {each["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"] for each in functions} == {namespace}
    for template in (assembly.messaging, assembly.consumers):
        alarms = template.properties("AWS::CloudWatch::Alarm")
        queries = [each["MetricStat"] for alarm in alarms for each in alarm.get("Metrics", ()) if "MetricStat" in each]
        single = [alarm["Namespace"] for alarm in alarms if "Namespace" in alarm]
        read = {*single, *(each["Metric"]["Namespace"] for each in queries)}
        assert {each for each in read if not each.startswith("AWS/")} == {namespace}


@pytest.mark.parametrize("stack", ["messaging", "consumers"])
def test_each_alarm_is_in_one_composite(dev: Assembly, stack: str) -> None:
    """A composite is red when any of its alarms is; it tells nobody, for the alarm did."""
    template = getattr(dev, stack)
    alarms = [name for name, each in template.body["Resources"].items() if each["Type"] == "AWS::CloudWatch::Alarm"]
    listed: list[str] = []
    for composite in template.properties("AWS::CloudWatch::CompositeAlarm"):
        assert not {"AlarmActions", "OKActions", "InsufficientDataActions"} & composite.keys()
        words = composite["AlarmRule"]["Fn::Join"][1]
        text = "".join(word if isinstance(word, str) else "x" for word in words)
        names = [word["Ref"] for word in words if isinstance(word, dict)]
        assert text == " OR ".join(['ALARM("x")'] * len(names))
        listed += names
    assert sorted(listed) == sorted(alarms)


@pytest.mark.parametrize("stack", ["messaging", "consumers"])
def test_the_engine_is_spared_only_what_it_refuses(dev: Assembly, stack: str) -> None:
    """Of alarms the composites and those on expressions: they are in the template that AWS gets, and left out of no
    other."""
    body = getattr(dev, stack).body
    _, left_out = without_unsupported(body)
    resources = {name: body["Resources"][name] for name in left_out}
    assert {each["Type"] for each in resources.values()} <= {
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::Logs::QueryDefinition",
    }
    refused = {
        name
        for name, each in body["Resources"].items()
        if each["Type"] == "AWS::CloudWatch::CompositeAlarm" or "Metrics" in each.get("Properties", {})
    }
    assert refused == {name for name in left_out if resources[name]["Type"] != "AWS::Logs::QueryDefinition"}


def test_composites_have_names_that_a_deployment_can_wait_for(dev: Assembly) -> None:
    """Of each consumer, of the relay and of the topic."""
    names = [each["AlarmName"] for each in dev.consumers.properties("AWS::CloudWatch::CompositeAlarm")]
    expected = [*(row.consumer for row in ORDERS.subscriptions), "relay"]
    assert sorted(names) == sorted(f"waybill-dev-consumers-{each}-unwell" for each in expected)
    assert dev.messaging.composite("topic")["AlarmName"] == "waybill-dev-messaging-topic-unwell"


def test_the_topic_is_watched(dev: Assembly) -> None:
    """What it can't deliver, can't read and can't park, and what nobody takes; what it filters out is no trouble."""
    alarms = dev.messaging.alarms("topic")
    name = {"Fn::GetAtt": [dev.messaging.logical_id(TOPIC_ARN_OUTPUT), "TopicName"]}
    of_topic = [{"Name": "TopicName", "Value": name}]
    told = [{"Ref": dev.messaging.logical_id(ALARM_TOPIC_ARN_OUTPUT)}]
    assert {
        each["MetricName"]: (
            each["Namespace"],
            each["Dimensions"],
            each["DatapointsToAlarm"],
            each["EvaluationPeriods"],
        )
        for each in alarms.values()
    } == {
        "NumberOfNotificationsFailed": ("AWS/SNS", of_topic, 5, 5),
        "NumberOfNotificationsFilteredOut-InvalidAttributes": ("AWS/SNS", of_topic, 1, 1),
        "NumberOfNotificationsRedrivenToDlq": ("AWS/SNS", of_topic, 5, 5),
        "NumberOfNotificationsFailedToRedriveToDlq": ("AWS/SNS", of_topic, 1, 1),
        "Unrouted": ("Waybill/dev", [], 1, 1),  # of all publishers, whatever they call themselves
    }
    for each in alarms.values():
        assert (each["Statistic"], each["Threshold"], each["ComparisonOperator"]) == ("Sum", 0, ABOVE)
        assert (each["Period"], each["AlarmActions"]) == (60, told)


def test_the_relay_is_watched(dev: Assembly) -> None:
    """A minute behind for five minutes, a single message that can never be sent, and the function's own trouble."""
    alarms = dev.consumers.alarms("relay")
    function = [{"Name": "FunctionName", "Value": {"Ref": dev.consumers.logical_id("RelayFunctionName")}}]
    service = [{"Name": "service", "Value": "relay"}]
    assert {
        each["MetricName"]: (
            *(each["Namespace"], each["Dimensions"], each["Statistic"]),
            *(each["Threshold"], each["DatapointsToAlarm"], each["EvaluationPeriods"]),
        )
        for each in alarms.values()
    } == {
        "IteratorAge": ("AWS/Lambda", function, "Maximum", 60_000, 5, 5),
        "Refused": ("Waybill/dev", service, "Maximum", 0, 1, 1),
        "Errors": ("AWS/Lambda", function, "Sum", 0, 3, 3),
        "Throttles": ("AWS/Lambda", function, "Sum", 0, 5, 5),
    }
    for each in alarms.values():
        assert told(dev).items() <= each.items()
