"""A hundred subscribers synthesize within the limits of CloudFormation, SNS and CloudWatch."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.shops import ROWS_OF_A_STACK, shop
from messaging.topology import ORDERS
from stacks.dashboard import DASHBOARD_NAME_OUTPUT
from stacks.rules.limits import MAX_OUTPUTS, MAX_RESOURCES, MAX_SUBSCRIPTIONS_OF_FIFO_TOPIC, MAX_TEMPLATE_BYTES
from tests.stacks.conftest import Synthesize
from tests.stacks.synthesized import MAIL_FROM, Assembly, Template, imported, read_template

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
MAX_WIDGETS, MAX_METRICS_OF_WIDGET, MAX_METRICS_OF_DASHBOARD = 500, 500, 2_500
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
MAX_LOG_GROUPS_OF_QUERY = 50


@pytest.fixture(scope="module")
def crowd(synth: Synthesize) -> Assembly:
    """As many subscribers as a FIFO topic takes, nineteen a stack."""
    return synth(shop(MAX_SUBSCRIPTIONS_OF_FIFO_TOPIC), mail_from=MAIL_FROM)


@pytest.fixture(scope="module")
def templates(crowd: Assembly) -> Mapping[str, Template]:
    """Every template by the name of its stack."""
    files = crowd.folder.glob("*.template.json")
    return {path.name.removesuffix(".template.json"): read_template(path) for path in files}


def test_each_stack_has_its_rows_and_no_other(templates: Mapping[str, Template]) -> None:
    """Nineteen functions each, beside the relay's."""
    handlers = {
        name: [each["Handler"] for each in template.properties("AWS::Lambda::Function")]
        for name, template in templates.items()
    }
    topic = shop(MAX_SUBSCRIPTIONS_OF_FIFO_TOPIC)
    expected: dict[str, list[str]] = {f"waybill-dev-{stack}": [] for stack in ("messaging", *topic.stacks)}
    for row in topic.subscriptions:
        expected[f"waybill-dev-{row.stack}"].append(row.handler)
    expected["waybill-dev-consumers"].append("lambdas.relay.handler")
    assert handlers == expected


def test_no_stack_is_over_a_limit(templates: Mapping[str, Template]) -> None:
    """Resources, outputs, bytes: with room for what prod adds."""
    for template in templates.values():
        assert len(template.body["Resources"]) <= 0.95 * MAX_RESOURCES
        assert len(template.body["Outputs"]) <= 0.95 * MAX_OUTPUTS
        assert len(template.text.encode()) <= 0.95 * MAX_TEMPLATE_BYTES


def test_a_stack_holds_as_many_rows_as_the_handbook_says(synth: Synthesize, prod: Assembly) -> None:
    """docs/monitoring.md: the layer, which the tests leave out, is one more resource."""
    row = replace(ORDERS.subscriptions[-1], consumer="audit")
    one_more = synth(replace(ORDERS, subscriptions=(*ORDERS.subscriptions, row)), stage="prod", mail_from=MAIL_FROM)
    with_canary = synth(stage="prod", canary="on", mail_from=MAIL_FROM)
    now, more, watched = (len(each.consumers.body["Resources"]) + 1 for each in (prod, one_more, with_canary))
    room, room_beside_canary = (
        len(ORDERS.subscriptions) + (MAX_RESOURCES - used) // (more - now) for used in (now, watched)
    )
    handbook = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text(encoding="utf-8")
    assert f"A subscription is {more - now} CloudFormation resources" in handbook
    assert f"{room} fit into a stack, {room_beside_canary} into the first one with the canary" in handbook


def test_the_messaging_template_is_the_same_for_a_hundred_subscribers(crowd: Assembly, dev: Assembly) -> None:
    """To the byte."""
    assert crowd.messaging.text == dev.messaging.text


def test_stacks_of_consumers_depend_on_the_messaging_stack_alone(crowd: Assembly) -> None:
    """So that each is deployed, and destroyed, without the others."""
    artifacts = crowd.manifest["artifacts"]
    for stack in shop(MAX_SUBSCRIPTIONS_OF_FIFO_TOPIC).stacks:
        needed = artifacts[f"waybill-dev-{stack}"]["dependencies"]
        assert [each for each in needed if not each.endswith(".assets")] == ["waybill-dev-messaging"]


def test_imports_are_exports_of_the_messaging_stack(templates: Mapping[str, Template]) -> None:
    """Those of every stack."""
    outputs = templates["waybill-dev-messaging"].body["Outputs"].values()
    exports = {each["Export"]["Name"] for each in outputs if "Export" in each}
    for template in templates.values():
        assert set(imported(template.body)) <= exports


def test_output_keys_are_of_all_stacks_together(templates: Mapping[str, Template]) -> None:
    """Who reads a deployment puts the outputs of its stacks into one table."""
    keys = [key for template in templates.values() for key in template.body["Outputs"]]
    ours = [key for key in keys if not key.startswith("ExportsOutput")]
    assert len(ours) == len(set(ours))


def test_dashboards_are_within_the_limits_of_cloudwatch(templates: Mapping[str, Template]) -> None:
    """One a stack; a widget of alarms shows a hundred of them."""
    for name, template in templates.items():
        for dashboard in template.properties("AWS::CloudWatch::Dashboard"):
            widgets = shown(dashboard)
            metrics = [len(each["properties"].get("metrics", ())) for each in widgets]
            assert len(widgets) <= MAX_WIDGETS
            assert max(metrics) <= MAX_METRICS_OF_WIDGET
            assert sum(metrics) <= MAX_METRICS_OF_DASHBOARD
            assert all(len(each["properties"].get("alarms", ())) <= 100 for each in widgets)
        assert len(template.resources("AWS::CloudWatch::Dashboard")) == (0 if name.endswith("-messaging") else 1)


def test_the_first_dashboard_says_of_everybody_who_is_unwell(
    crowd: Assembly, templates: Mapping[str, Template]
) -> None:
    """The composites of every stack, by names that are fixed."""
    widgets = shown(crowd.consumers.behind(DASHBOARD_NAME_OUTPUT)["Properties"])
    told = [arn.rpartition(":alarm:")[2] for each in widgets for arn in each["properties"].get("alarms", ())]
    composites = [
        each["AlarmName"]
        for template in templates.values()
        for each in template.properties("AWS::CloudWatch::CompositeAlarm")
    ]
    assert sorted(told) == sorted(composites)
    assert len(told) == MAX_SUBSCRIPTIONS_OF_FIFO_TOPIC + len(("topic", "relay"))


def test_a_dashboard_elsewhere_shows_its_own_consumers(templates: Mapping[str, Template]) -> None:
    """Their states on top, and their flow."""
    template = templates["waybill-dev-consumers-2"]
    widgets = shown(template.behind(f"Consumers2{DASHBOARD_NAME_OUTPUT}")["Properties"])
    assert len(widgets[0]["properties"]["alarms"]) == ROWS_OF_A_STACK
    assert not any(each["properties"].get("title", "").startswith("Relay") for each in widgets)


def test_saved_queries_are_within_the_limits_of_logs_insights(templates: Mapping[str, Template]) -> None:
    """A query reads at most fifty log groups: each stack's reads its own."""
    for template in templates.values():
        for query in template.properties("AWS::Logs::QueryDefinition"):
            assert 0 < len(query["LogGroupNames"]) <= MAX_LOG_GROUPS_OF_QUERY


def test_a_row_keeps_its_place_whatever_comes_or_goes(synth: Synthesize, dev: Assembly) -> None:
    """A row in a stack of its own changes nothing of the first stack's but the page on top: no queue moves."""
    more = synth(replace(ORDERS, subscriptions=shop(7, rows_of_a_stack=6).subscriptions[1:]), mail_from=MAIL_FROM)
    kept = {row.output_key("QueueUrl") for row in ORDERS.subscriptions[1:]}
    assert {key: more.consumers.logical_id(key) for key in kept} == {key: dev.consumers.logical_id(key) for key in kept}


def shown(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The widgets of a dashboard; what CloudFormation will fill in stands there as a mark."""
    body = dashboard["DashboardBody"]
    text = (
        body
        if isinstance(body, str)
        else "".join(each if isinstance(each, str) else "?" for each in body["Fn::Join"][1])
    )
    found: list[dict[str, Any]] = json.loads(re.sub(r"\n", " ", text))["widgets"]
    return found
