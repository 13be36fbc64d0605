"""Alarms that the engine's CloudFormation refuses, made through its API. What it accepts by then fails here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import assembly, engine
from local.alarms.opening import create_alarms
from local.clients import client
from local.engine import Engine
from tests.local.alarms.templates import EVERYTHING, GROWS, SHARED, STACK, TEMPLATES, UNWELL
from tests.local.conftest import end

MADE = {GROWS, UNWELL, EVERYTHING}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine with the sample's stacks, without what it refuses."""
    state_dir = tmp_path_factory.mktemp("creation") / "engine"
    running = engine.start(state_dir)
    try:
        for stack in (SHARED, STACK):
            create_stack(running, stack, assembly.without_unsupported(TEMPLATES[stack])[0])
        yield running
    finally:
        end(state_dir)


def create_stack(running: Engine, name: str, template: dict[str, Any]) -> str:
    """Returns how it ended."""
    cloudformation = client(running.endpoint, "cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    while (status := cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]).endswith("PROGRESS"):
        pass
    return str(status)


def create(running: Engine, templates: dict[str, dict[str, Any]] = TEMPLATES) -> list[str]:
    return create_alarms(templates, lambda service: client(running.endpoint, service))


def states(running: Engine) -> dict[str, str]:
    reply = client(running.endpoint, "cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return {each["AlarmName"]: each["StateValue"] for each in (*reply["MetricAlarms"], *reply["CompositeAlarms"])}


def test_its_cloudformation_still_refuses_them(deployed: Engine) -> None:
    """Otherwise nothing needs to be made apart any more."""
    compared = {"EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
    math = {"Metrics": [{"Id": "e1", "Expression": "1 + 1"}], **compared}
    assert create_stack(deployed, "math", template_of("AWS::CloudWatch::Alarm", math)) == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="Unrecognized resource types"):
        create_stack(deployed, "composite", template_of("AWS::CloudWatch::CompositeAlarm", {"AlarmRule": "TRUE"}))


def template_of(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": {"A": {"Type": kind, "Properties": properties}}}


def test_what_is_left_out_is_made_and_kept_up_to_date(deployed: Engine) -> None:
    """Again makes no second one; an alarm that no template has any more goes, and nobody else's."""
    cloudwatch = client(deployed.endpoint, "cloudwatch")
    assert not MADE & states(deployed).keys()
    assert len(create(deployed)) == len(MADE)
    made = states(deployed)
    assert made.keys() >= MADE
    cloudwatch.put_composite_alarm(AlarmName="somebody-else", AlarmRule="TRUE")
    cloudwatch.put_composite_alarm(AlarmName=f"{STACK}-gone", AlarmRule=f'OK("{GROWS}")')

    assert len(create(deployed)) == len(MADE) + 1

    assert states(deployed).keys() == made.keys() | {"somebody-else"}


def test_the_engine_drives_composites_and_tells_people_once(deployed: Engine) -> None:
    """On a change of an alarm below them, and on no repetition: that is why a state is never set twice."""
    cloudwatch, sqs, sns = (client(deployed.endpoint, name) for name in ("cloudwatch", "sqs", "sns"))
    create(deployed)
    (topic,) = sns.list_topics()["Topics"]
    url = sqs.create_queue(QueueName="people")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic["TopicArn"], Protocol="sqs", Endpoint=arn)

    for _ in range(2):
        cloudwatch.set_alarm_state(AlarmName=GROWS, StateValue="ALARM", StateReason="test")

    assert {states(deployed)[name] for name in MADE} == {"ALARM"}
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    told = [json.loads(json.loads(message["Body"])["Message"])["AlarmName"] for message in messages]
    assert told == [UNWELL]  # the only one of them that has actions
