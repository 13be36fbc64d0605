"""cdk-nag finds nothing in the shipped app but what is excused with a reason."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stacks.conftest import Synthesize
from tests.stacks.nag import EXCUSES, Json, Parts, excused, findings, templates_of
from tests.stacks.synthesized import MAIL_FROM, ROOT, Assembly

ALARM_EMAIL = "ops@shop.example.com"


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({}, Parts.of()),
        ({"stage": "prod", "alarm_email": ALARM_EMAIL}, Parts.of(mailed=True)),
        ({"stage": "prod", "canary": "on"}, Parts.of(canary=True)),
        ({"stage": "prod", "kms": "true"}, Parts.of()),
    ],
    ids=["dev", "prod", "canary", "kms"],
)
def test_nothing_is_found_that_has_no_excuse(
    synth: Synthesize, options: dict[str, str], parts: Parts, tmp_path: Path
) -> None:
    """And nothing is excused that is not found: an excuse goes when its finding does."""
    assembly = synth(mail_from=MAIL_FROM, **options)
    assert sorted(findings(templates_of(assembly), assembly, tmp_path)) == sorted(excused(parts))


def test_every_excuse_has_its_reason() -> None:
    """Silence is no reason."""
    assert [excuse.rule for excuse in EXCUSES if len(excuse.reason.split()) < 5] == []


def of_kind(templates: dict[str, Json], kind: str) -> Iterator[Json]:
    """The properties of every resource of one type."""
    for template in templates.values():
        for resource in template["Resources"].values():
            if resource["Type"] == kind:
                yield resource["Properties"]


def without_tls_denial(templates: dict[str, Json]) -> None:
    for policy in of_kind(templates, "AWS::SQS::QueuePolicy"):
        policy["PolicyDocument"]["Statement"] = [
            each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"
        ]


def without_topic_policies(templates: dict[str, Json]) -> None:
    for policy in of_kind(templates, "AWS::SNS::TopicPolicy"):
        policy["PolicyDocument"]["Statement"] = []


def in_plaintext(templates: dict[str, Json]) -> None:
    for queue in of_kind(templates, "AWS::SQS::Queue"):
        queue["SqsManagedSseEnabled"] = False


def without_recovery(templates: dict[str, Json]) -> None:
    for table in of_kind(templates, "AWS::DynamoDB::Table"):
        del table["PointInTimeRecoverySpecification"]


def without_dead_letter_queues(templates: dict[str, Json]) -> None:
    for queue in of_kind(templates, "AWS::SQS::Queue"):
        queue.pop("RedrivePolicy", None)


def with_any_action(templates: dict[str, Json]) -> None:
    for role in of_kind(templates, "AWS::IAM::Role"):
        role["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"] = ["sqs:*"]


def with_a_managed_policy(templates: dict[str, Json]) -> None:
    for role in of_kind(templates, "AWS::IAM::Role"):
        role["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]


def without_tracing(templates: dict[str, Json]) -> None:
    for function in of_kind(templates, "AWS::Lambda::Function"):
        del function["TracingConfig"]


@pytest.mark.parametrize(
    ("plant", "rule"),
    [
        (without_tls_denial, "AwsSolutions-SQS4"),
        (without_topic_policies, "AwsSolutions-SNS3"),
        (in_plaintext, "AwsSolutions-SQS2"),
        (without_recovery, "AwsSolutions-DDB3"),
        (without_dead_letter_queues, "AwsSolutions-SQS3"),
        (with_any_action, "AwsSolutions-IAM5[Action::sqs:*]"),
        (with_a_managed_policy, "AwsSolutions-IAM4"),
        (without_tracing, "Serverless-LambdaTracing"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_planted_fault_is_found(
    plant: Callable[[dict[str, Json]], None], rule: str, dev: Assembly, tmp_path: Path
) -> None:
    """Nothing found means that nothing is there, and not that nothing was looked at."""
    templates = templates_of(dev)
    plant(templates)
    unexcused = {*findings(templates, dev, tmp_path)} - {*excused(Parts.of())}
    assert {found.partition("[Policy")[0] for found, _ in unexcused} >= {rule}


def test_the_app_itself_does_without_it() -> None:
    """It costs most of a second to import, at each synth."""
    program = "import sys, app; sys.exit('cdk_nag' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)
