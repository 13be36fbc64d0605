"""What CloudFormation and SNS would refuse at deployment, for there is too much of it, is refused at synth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from messaging.events import CATALOGUE
from messaging.subscription import Subscription
from messaging.topic import Topic
from messaging.topology import ORDERS
from stacks.rules import limits
from stacks.rules.blueprint import Blueprint
from stacks.rules.rule import Breach
from tests.stacks.rules.shop import Shop

ROWS = tuple(Subscription(consumer=name, events=CATALOGUE) for name in ("first", "second", "third"))


def blueprint(folder: Path, topic: Topic, resources: dict[str, Any], **sections: Any) -> Blueprint:
    """One template with these resources."""
    path = folder / "waybill-dev-consumers.template.json"
    path.write_text(json.dumps({"Resources": resources, **sections}))
    return Blueprint.read([path], topic)


def consumers(*rows: Subscription, padding: int) -> dict[str, Any]:
    """A function and a mapping of each row, and resources of no row."""
    made: dict[str, Any] = {f"Padding{number}": {"Type": "AWS::SQS::Queue"} for number in range(padding)}
    for row in rows:
        made[f"{row.consumer}Function"] = {"Type": "AWS::Lambda::Function", "Properties": {"Handler": row.handler}}
        invoked = {"FunctionName": {"Ref": f"{row.consumer}Function"}}
        made[f"{row.consumer}Mapping"] = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": invoked}
    return made


def breaches(rule: str, found: Blueprint) -> list[Breach]:
    (judge,) = [each.judge for each in limits.RULES if each.name == rule]
    return [*judge(found)]


def test_a_stack_at_the_limit_is_taken(tmp_path: Path) -> None:
    """500 resources are 500 resources."""
    topic = Topic(name="orders", subscriptions=ROWS)
    assert breaches("full-stack", blueprint(tmp_path, topic, consumers(*ROWS, padding=494))) == []


def test_a_stack_over_the_limit_names_the_rows_that_are_too_many(tmp_path: Path) -> None:
    """The last of the table, in whatever order they stand in the template, and where they can go."""
    topic = Topic(name="orders", subscriptions=ROWS)
    (breach,) = breaches("full-stack", blueprint(tmp_path, topic, consumers(*reversed(ROWS), padding=495)))
    assert breach.value == "waybill-dev-consumers has 501 resources with 3 subscriptions, and the most is 500"
    assert "stack='consumers-2'" in breach.mend
    assert "at least 1 of them; the last here: third." in breach.mend
    assert "keeps its stack" in breach.mend
    assert breach.resource.logical_id == "thirdMapping"


@pytest.mark.parametrize(("section", "most"), [("Outputs", limits.MAX_OUTPUTS), ("Parameters", limits.MAX_PARAMETERS)])
def test_outputs_and_parameters_are_counted(tmp_path: Path, section: str, most: int) -> None:
    """Each by itself."""
    topic = Topic(name="orders", subscriptions=ROWS)
    full = {section: {f"Each{number}": {"Value": "", "Type": "String"} for number in range(most + 1)}}
    (breach,) = breaches("full-stack", blueprint(tmp_path, topic, consumers(*ROWS, padding=0), **full))
    assert f"{most + 1} {section.lower()}" in breach.value


def test_a_large_template_is_refused(tmp_path: Path) -> None:
    """A megabyte, as it is uploaded."""
    topic = Topic(name="orders", subscriptions=ROWS)
    large = {"Metadata": "x" * limits.MAX_TEMPLATE_BYTES}
    (breach,) = breaches("full-stack", blueprint(tmp_path, topic, consumers(*ROWS, padding=0), **large))
    assert breach.detail == "bytes"


def test_a_stack_without_rows_is_told_so(tmp_path: Path) -> None:
    """Whatever somebody puts into a stack of their own."""
    (breach,) = breaches("full-stack", blueprint(tmp_path, ORDERS, consumers(padding=501)))
    assert breach.mend == "make some of them in another stack"


def test_a_fifo_topic_with_too_many_subscriptions_is_refused(tmp_path: Path) -> None:
    """SNS takes a hundred."""
    crowded = Shop()
    for number in range(limits.MAX_SUBSCRIPTIONS_OF_FIFO_TOPIC):
        crowded.add(f"More{number}", crowded.kinds["Subscription"], **crowded.of["Subscription"])
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        crowded.synthesize(tmp_path)
    report = json.loads((tmp_path / "validation-report.json").read_text())
    assert "101 subscriptions, and the most of a FIFO topic is 100" in json.dumps(report)


def test_filters_are_counted_by_topic(tmp_path: Path) -> None:
    """A standard topic takes many subscriptions, and 200 filters."""
    resources: dict[str, Any] = {"Topic": {"Type": "AWS::SNS::Topic"}}
    for number in range(limits.MAX_FILTERS_OF_TOPIC + 1):
        filtered = {"TopicArn": {"Ref": "Topic"}, "FilterPolicy": {"type": ["OrderPlaced"]}}
        resources[f"Each{number}"] = {"Type": "AWS::SNS::Subscription", "Properties": filtered}
    found = blueprint(tmp_path, ORDERS, resources)
    (breach,) = breaches("topic-filters", found)
    assert "201 filter policies" in breach.value
    assert breaches("topic-subscriptions", found) == []
