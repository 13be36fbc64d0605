"""A deployment is asked part by part; what can't be asked is a finding, and stops only what needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from cli.examination import examine, machine
from cli.target import Target
from messaging.subscription import Output
from messaging.tables import TABLES
from messaging.topic import TOPIC_ARN_OUTPUT, Topic
from messaging.topology import ORDERS


def refusing(code: str, operation: str = "Operation") -> Any:
    def call(*_: Any, **__: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": ""}}, operation)

    return call


class Denied:
    """A client of a service that lets nobody look; each operation says so."""

    def __getattr__(self, operation: str) -> Any:
        return refusing("AccessDeniedException", operation)


class FakeTarget(Target):
    """A target with these clients, and all other services denied."""

    def __init__(self, topic: Topic = ORDERS, **clients: Any) -> None:
        super().__init__(topic=topic)
        object.__setattr__(self, "fakes", clients)

    def client(self, service: str) -> Any:
        return getattr(self, "fakes").get(service, Denied())  # noqa: B009 - it is frozen


def sts(call: Any = lambda: {"Arn": "arn:me"}) -> Any:
    return SimpleNamespace(get_caller_identity=call, meta=SimpleNamespace(region_name="eu-west-1"))


def stacks(*missing: str, listed: Sequence[Mapping[str, str]] = ()) -> Any:
    """CloudFormation with all stacks, but for these; `listed` are the summaries of stacks that it lists besides."""
    outputs = {
        TOPIC_ARN_OUTPUT: "arn:topic",
        **{table.output_key: table.name for table in TABLES},
        **{row.output_key(what): row.consumer for row in ORDERS.subscriptions for what in get_args(Output)},
    }

    def describe_stacks(StackName: str) -> Any:  # noqa: N803 - AWS's
        if StackName in missing:
            refusing("ValidationError", "DescribeStacks")()
        listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": listed}]}

    pages = SimpleNamespace(paginate=lambda: [{"StackSummaries": [*listed]}])
    return SimpleNamespace(describe_stacks=describe_stacks, get_paginator=lambda operation: pages)


def levels(**clients: Any) -> list[tuple[str, str]]:
    return [(each.about, each.level) for each in examine(FakeTarget(**clients)) if each.about != "machine"]


def no_credentials() -> Any:
    raise NoCredentialsError


@pytest.mark.parametrize("call", [no_credentials, lambda: refusing("ExpiredToken")()])
def test_without_credentials_nothing_else_is_asked(call: Any) -> None:
    """None, or such as have expired."""
    assert levels(sts=sts(call)) == [("credentials", "wrong")]


def test_without_a_stack_nothing_else_is_asked() -> None:
    """It says which one is missing."""
    found = levels(sts=sts(), cloudformation=stacks("waybill-dev-consumers"))
    assert found == [("credentials", "ok"), ("waybill-dev-messaging", "ok"), ("waybill-dev-consumers", "wrong")]


SPLIT = replace(
    ORDERS, subscriptions=(*ORDERS.subscriptions, replace(ORDERS.subscriptions[3], consumer="fraud", stack="fraud"))
)


def test_a_stack_of_some_consumers_may_be_missing() -> None:
    """What is deployed is examined, and the rows of that stack are not."""
    target = FakeTarget(topic=SPLIT, sts=sts(), cloudformation=stacks("waybill-dev-fraud"))
    found = [each for each in examine(target) if each.level == "wrong"]
    assert [each.about for each in found][:2] == ["waybill-dev-fraud", "fraud"]


def test_a_stack_that_no_row_names_any_more_is_noted() -> None:
    """The CDK leaves it as it is; those that are deleted, nested or of another stage are nobody's business."""
    listed = [
        {"StackName": "waybill-dev-consumers", "StackStatus": "CREATE_COMPLETE"},
        {"StackName": "waybill-dev-fraud", "StackStatus": "UPDATE_COMPLETE"},
        {"StackName": "waybill-dev-gone", "StackStatus": "DELETE_COMPLETE"},
        {"StackName": "waybill-dev-fraud-nested", "StackStatus": "CREATE_COMPLETE", "ParentId": "fraud"},
        {"StackName": "waybill-prod-fraud", "StackStatus": "CREATE_COMPLETE"},
    ]
    found = examine(FakeTarget(sts=sts(), cloudformation=stacks(listed=listed)))
    (strange,) = [each for each in found if "no row of this checkout names it" in each.finding]
    assert (strange.about, strange.level) == ("waybill-dev-fraud", "note")
    assert "delete-stack --stack-name waybill-dev-fraud" in strange.mend


def test_what_may_not_be_read_is_noted_and_the_rest_is_examined() -> None:
    """Here only the tables may be."""
    dynamodb = SimpleNamespace(describe_time_to_live=lambda **_: {"TimeToLiveDescription": {}})
    found = dict(levels(sts=sts(), cloudformation=stacks(), dynamodb=dynamodb))
    assert {name: found[name] for name in ("topic", "queues", "mappings", "letters", "alarms")} == dict.fromkeys(
        ("topic", "queues", "mappings", "letters", "alarms"), "note"
    )
    assert found["inbox"] == "wrong"


def test_this_machine_is_well() -> None:
    """As the tests run on it."""
    assert [each.level for each in machine()] == ["ok"]
