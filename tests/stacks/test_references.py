"""References that are made without asking the CDK name what the CDK has made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from messaging.subscription import Output
from messaging.topology import ORDERS
from stacks.references import logical_id
from tests.stacks.conftest import Synthesize
from tests.stacks.synthesized import MAIL_FROM, Assembly, Template


@pytest.fixture(scope="module")
def everything(synth: Synthesize) -> Assembly:
    """As much as can be asked for."""
    return synth(stage="prod", mail_from=MAIL_FROM, canary="on", kms="true", alarm_email=MAIL_FROM)


@pytest.mark.parametrize("name", ["dev", "everything"])
def test_every_reference_is_to_something_of_its_template(name: str, request: pytest.FixtureRequest) -> None:
    """A resource, a parameter, or what CloudFormation has by itself."""
    assembly: Assembly = request.getfixturevalue(name)
    for template in (assembly.messaging, assembly.consumers):
        known = {*template.body["Resources"], *template.body.get("Parameters", ())}
        named = {each for each in referred(template.body) if not each.startswith("AWS::")}
        assert named
        assert named <= known


@pytest.mark.parametrize("row", ORDERS.subscriptions, ids=lambda row: row.consumer)
def test_a_logical_id_is_the_one_that_the_cdk_gives(dev: Assembly, row: Any) -> None:
    """Those that outputs refer to are the CDK's own."""
    ids: dict[Output, str] = {"QueueUrl": "Queue", "FunctionName": "Function", "LogGroupName": "LogGroup"}
    for output, construct_id in ids.items():
        assert logical_id(row.construct_id, construct_id) == dev.consumers.logical_id(row.output_key(output))


def test_what_a_path_says_twice_a_logical_id_says_once(dev: Assembly) -> None:
    """As the CDK has it; its hash is of the whole path."""
    once, twice = logical_id("Orders", "Topic"), logical_id("OrdersTopic", "Topic")
    assert (once[:-8], twice[:-8]) == ("OrdersTopic", "OrdersTopic")
    assert once != twice
    unwell = logical_id("Topic", "UnwellAlarm")
    assert unwell in resources(dev.messaging, "AWS::CloudWatch::CompositeAlarm")


def resources(template: Template, kind: str) -> set[str]:
    return {name for name, each in template.body["Resources"].items() if each["Type"] == kind}


def referred(value: Any) -> Iterator[str]:
    """What `Ref` and `Fn::GetAtt` name."""
    match value:
        case {"Ref": str(name)} if len(value) == 1:
            yield name
        case {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case dict():
            for each in value.values():
                yield from referred(each)
        case list():
            for each in value:
                yield from referred(each)
