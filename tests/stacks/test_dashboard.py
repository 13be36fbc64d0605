"""The page for three in the morning, read as CloudWatch would."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from messaging import metrics
from messaging.events import OrderPlaced
from messaging.subscription import Subscription
from messaging.tables import TABLES
from messaging.topology import ORDERS
from stacks.alarm_rule import AlarmRule
from stacks.alarms import GROWING
from stacks.dashboard import DASHBOARD_NAME_OUTPUT
from stacks.function_alarms import FAILING
from tests.stacks.conftest import Synthesize
from tests.stacks.synthesized import MAIL_FROM, Assembly, Json, export_of_topic_name

ROW = Subscription(consumer="audit", events=(OrderPlaced,), ordering="group")


def widgets(assembly: Assembly) -> list[Json]:
    """The widgets, in their order; what CloudFormation will fill in stands there as its own text."""
    body = assembly.consumers.behind(DASHBOARD_NAME_OUTPUT)["Properties"]["DashboardBody"]["Fn::Join"]
    assert body[0] == ""
    joined = "".join(word if isinstance(word, str) else filled(word) for word in body[1])
    found: list[Json] = json.loads(joined)["widgets"]
    return found


def filled(value: Json) -> str:
    """A reference as text that can stand in a JSON string."""
    return json.dumps(value).replace('"', "'")


def part_of(row: Subscription, shown: list[Json]) -> dict[str, Json]:
    """The graphs under one consumer's heading, by title."""
    headings = [number for number, each in enumerate(shown) if each["type"] == "text"]
    (begin,) = [
        number for number in headings if shown[number]["properties"]["markdown"].startswith(f"## {row.consumer} ")
    ]
    end = next(number for number in headings if number > begin)
    return {each["properties"]["title"]: each["properties"] for each in shown[begin + 1 : end]}


def lines(graph: Json) -> list[tuple[Any, ...]]:
    """What a graph shows: namespace, metric, dimension and its value, statistic."""
    return [(*line[:-1], line[-1]["stat"]) for line in graph["metrics"] if "stat" in line[-1]]


def test_the_top_says_what_is_unwell(dev: Assembly) -> None:
    """The composite of the topic, of the relay and of each consumer."""
    top = widgets(dev)[0]
    assert (top["type"], top["y"], top["width"]) == ("alarm", 0, 24)
    ends = [arn.rpartition(":alarm:")[2] for arn in top["properties"]["alarms"]]
    composites = [
        each["AlarmName"]
        for template in (dev.messaging, dev.consumers)
        for each in template.properties("AWS::CloudWatch::CompositeAlarm")
    ]
    assert sorted(ends) == sorted(composites)


def test_the_flow_goes_from_left_to_right(dev: Assembly) -> None:
    """Published, delivered, waiting and how long, applied, dead letters; in a line below the states."""
    flow = [each for each in widgets(dev) if each["y"] == 4]
    assert [each["x"] for each in flow] == [0, 4, 8, 12, 16, 20]
    topic = filled(export_of_topic_name(dev))
    assert [lines(each["properties"])[0][:2] for each in flow] == [
        ("AWS/SNS", "NumberOfMessagesPublished"),
        ("AWS/SNS", "NumberOfNotificationsDelivered"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
        ("Waybill/dev", "Applied"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    ]
    assert lines(flow[0]["properties"])[0][2:] == ("TopicName", topic, "Sum")
    for each in flow[2:]:
        assert [line[-1]["label"] for line in each["properties"]["metrics"]] == [
            row.consumer for row in ORDERS.subscriptions
        ]


def test_each_consumer_has_its_part(dev: Assembly, row: Subscription) -> None:
    """Backlog, forecast, lag, rates, latencies as percentiles, outcomes and errors, dead letters by reason."""
    _hold(dev, row)


def _hold(assembly: Assembly, row: Subscription) -> None:
    graphs, names = part_of(row, widgets(assembly)), assembly.consumers.names(row)
    queue, function = filled(names["Queue"]), filled(names["Function"])
    of_queue, of_service = ("QueueName", queue), ("service", row.consumer)
    assert [*graphs] == [
        *("Backlog", "Drained in", "Lag: age of the oldest message", "In and out"),
        *("A batch takes", "From publication until applied", "Outcomes and errors", "Error rate: handed back"),
        "Dead letters by reason",
    ]
    assert lines(graphs["Backlog"])[0] == ("AWS/SQS", "ApproximateNumberOfMessagesVisible", *of_queue, "Maximum")
    assert lines(graphs["In and out"]) == [
        ("AWS/SQS", "NumberOfMessagesSent", *of_queue, "Sum"),
        ("AWS/SQS", "NumberOfMessagesDeleted", *of_queue, "Sum"),
    ]
    for title, metric in (
        ("A batch takes", metrics.EFFECT_LATENCY),
        ("From publication until applied", metrics.END_TO_END_LATENCY),
    ):
        assert lines(graphs[title]) == [("Waybill/dev", metric, *of_service, each) for each in ("p50", "p95", "p99")]
    outcomes = {line[1] for line in lines(graphs["Outcomes and errors"]) if line[2:4] == of_service}
    assert outcomes == {*metrics.OUTCOMES.values(), metrics.CONFLICTS}
    assert {line[1] for line in lines(graphs["Outcomes and errors"]) if line[3] == function} == {"Errors", "Throttles"}
    (search,) = [line[0]["expression"] for line in graphs["Dead letters by reason"]["metrics"]]
    assert (
        search
        == f"""SEARCH('{{Waybill/dev,service,reason}} MetricName="DeadLettered" service="{row.consumer}"', 'Sum', 60)"""
    )


def test_thresholds_are_drawn(dev: Assembly, row: Subscription) -> None:
    """The lines that the alarms of the same consumer compare with."""
    graphs, alarms = part_of(row, widgets(dev)), dev.consumers.alarms(row.consumer)
    drawn = {
        title: [each["value"] for each in graph["annotations"]["horizontal"]]
        for title, graph in graphs.items()
        if "annotations" in graph
    }
    assert drawn == {
        "Backlog": [alarms["Depth"]["Threshold"], alarms["InFlight"]["Threshold"]],
        "Drained in": [alarms["Growing"]["Threshold"]],
        "Lag: age of the oldest message": [alarms["Age"]["Threshold"]],
        "A batch takes": [alarms["Duration"]["Threshold"]],
        "Error rate: handed back": [alarms["Failing"]["Threshold"]],
    }


@pytest.mark.parametrize(("title", "rule"), [("Drained in", GROWING), ("Error rate: handed back", FAILING)])
def test_what_an_alarm_calculates_is_shown(dev: Assembly, row: Subscription, title: str, rule: AlarmRule) -> None:
    """The same expressions over the same metrics and periods, of which only the result is shown."""
    graph = part_of(row, widgets(dev))[title]
    last = [line[-1] for line in graph["metrics"]]
    assert {each["id"]: each["expression"] for each in last if "expression" in each} == dict(rule.expressions)
    assert [each["id"] for each in last if each["visible"]] == [[*rule.expressions][-1]]
    assert {each["id"] for each in last if "expression" not in each} == rule.metrics.keys()
    assert graph["period"] == rule.period_seconds == 300


def test_a_new_row_brings_its_part(synth: Synthesize) -> None:
    """Without another line."""
    more = synth(replace(ORDERS, subscriptions=(*ORDERS.subscriptions, ROW)), mail_from=MAIL_FROM)
    _hold(more, ROW)


def test_tables_and_publishers_are_at_the_end(dev: Assembly) -> None:
    """Throttles by table; failures and latency of all publishers, whatever they call themselves."""
    graphs = {each["properties"].get("title"): each["properties"] for each in widgets(dev)}
    for title in ("DynamoDB: throttled writes", "DynamoDB: throttled reads"):
        assert [line[-1]["label"] for line in graphs[title]["metrics"]] == [table.name for table in TABLES]
    assert lines(graphs["Published, of all publishers"]) == [
        ("Waybill/dev", each, "Sum") for each in (metrics.PUBLISHED, metrics.PUBLISH_FAILED, metrics.UNROUTED)
    ]
    assert lines(graphs["A run of a publisher takes"])[-1] == ("Waybill/dev", metrics.PUBLISH_LATENCY, "p99")


def test_widgets_neither_overlap_nor_leave_the_page(dev: Assembly) -> None:
    """On a grid of 24 columns."""
    taken: set[tuple[int, int]] = set()
    for each in widgets(dev):
        cells = {
            (x, y)
            for x in range(each["x"], each["x"] + each["width"])
            for y in range(each["y"], each["y"] + each["height"])
        }
        assert not cells & taken, each["properties"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
MEMBERS = {
    "alarm": {"title", "alarms", "sortBy"},
    "text": {"markdown", "background"},
    "metric": {"title", "view", "metrics", "period", "yAxis", "annotations", "region"},
}
OPTIONS = {"stat", "label", "id", "expression", "visible"}


def test_widgets_have_the_members_that_cloudwatch_knows(dev: Assembly) -> None:
    """An id begins with a small letter and is there once in its graph; an expression stands alone in its line."""
    for each in widgets(dev):
        assert each.keys() == {"type", "x", "y", "width", "height", "properties"}
        assert each["properties"].keys() <= MEMBERS[each["type"]]
        lines = each["properties"].get("metrics", [])
        ids = [line[-1]["id"] for line in lines if "id" in line[-1]]
        assert all(re.fullmatch(r"[a-z]\w*", name) for name in ids)
        assert len(set(ids)) == len(ids)
        for line in lines:
            assert line[-1].keys() <= OPTIONS
            if "expression" in line[-1]:
                assert len(line) == 1
            else:
                assert all(isinstance(word, str) for word in line[:-1])
                assert len(line) % 2 == 1  # namespace, name, dimensions in pairs, options
