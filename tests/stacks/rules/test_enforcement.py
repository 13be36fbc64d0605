"""The rules hold for the whole app by default, and an exception has its reason."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import Acknowledgment, App, Stack, Validations, aws_sqs

from app import wire
from stacks import rules
from stacks.errors import SynthError
from stacks.resources import add_resource
from tests.stacks.conftest import Synthesize
from tests.stacks.rules.shop import ROWS, Shop, reported
from tests.stacks.synthesized import MAIL_FROM, ROOT

WILDCARD = "iam-wildcard[sqs:ReceiveMessage]"
# Wires an app of one alarm, which leaves missing data to chance.
WIRE = """
from aws_cdk import App, Stack
from messaging.topology import ORDERS
from stacks import rules
from stacks.resources import add_resource

def wire(app):
    rules.enforce(app, ORDERS)
    alarm = {"AlarmName": "a", "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 0}
    alarm |= {"MetricName": "m", "Namespace": "n", "Period": 60, "Statistic": "Sum"}
    add_resource(Stack(app, "S"), "Alarm", "AWS::CloudWatch::Alarm", alarm)
"""


@pytest.fixture
def open_shop() -> Shop:
    """A shop whose role may receive from any queue."""
    shop = Shop()
    shop.of["Role"]["Policies"][0]["PolicyDocument"]["Statement"][0]["Resource"] = "*"
    return shop


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mail_from": MAIL_FROM},
        {"stage": "prod", "mail_from": MAIL_FROM, "alarm_email": "ops@shop.example.com"},
        {"stage": "prod", "mail_from": MAIL_FROM, "canary": "on"},
        {"stage": "prod", "mail_from": MAIL_FROM, "kms": "true"},
        {"archive_days": "7"},
        {"publisher_accounts": "111122223333", "subscriber_accounts": "444455556666"},
    ],
    ids=lambda options: " ".join(options) or "plain",
)
def test_the_shipped_app_breaks_no_rule(synth: Synthesize, options: dict[str, str]) -> None:
    """However it is deployed; and what is excepted has a reason."""
    report = reported(synth(**options).folder)
    assert report.findings == []
    assert [finding for finding, reason in report.allowed if not reason.strip()] == []


def test_what_somebody_adds_by_hand_is_judged(tmp_path: Path) -> None:
    """A queue of the CDK's own construct, in the shipped app, by whoever."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"] | {"layer": "off"}
    app = App(outdir=str(tmp_path), context=context, analytics_reporting=False)
    wire(app)
    aws_sqs.Queue(app.node.find_child("waybill-dev-consumers"), "ByHand", fifo=True)
    with pytest.raises(RuntimeError, match="waybill-dev-consumers/ByHand/Resource"):
        app.synth()
    at = "waybill-dev-consumers/ByHand/Resource"
    assert reported(tmp_path).findings == [("queue-throughput", at), ("plain-http", at)]


def test_a_resource_of_another_stack_is_found_through_its_export(tmp_path: Path) -> None:
    """A function in one stack and its queue in another are judged together."""
    app = App(outdir=str(tmp_path), analytics_reporting=False)
    rules.enforce(app, ROWS)
    queues, functions = Stack(app, "Queues"), Stack(app, "Functions")
    queue = add_resource(queues, "Queue", "AWS::SQS::Queue", {"VisibilityTimeout": 17})
    function = add_resource(functions, "Function", "AWS::Lambda::Function", {"Timeout": 3})
    mapping = {"FunctionName": function.ref, "EventSourceArn": queue.get_att("Arn")}
    add_resource(functions, "Mapping", "AWS::Lambda::EventSourceMapping", mapping)
    with pytest.raises(RuntimeError, match="VisibilityTimeout 17 s is less than 6 x the time-out of 3 s"):
        app.synth()
    assert ("visibility-timeout", "Queues/Queue") in reported(tmp_path).findings


def test_a_resource_is_found_by_the_name_that_it_is_given(tmp_path: Path) -> None:
    """Whoever writes an ARN in place of a reference is judged too."""
    shop = Shop()
    shop.of["Queue"] |= {"QueueName": "ledger.fifo", "VisibilityTimeout": 29}
    shop.of["Mapping"]["EventSourceArn"] = {
        "Fn::Join": ["", ["arn:aws:sqs:eu-west-1:", {"Ref": "AWS::AccountId"}, ":ledger.fifo"]]
    }
    with pytest.raises(RuntimeError, match="VisibilityTimeout 29 s"):
        shop.synthesize(tmp_path)


def test_an_exception_has_a_reason_and_stays_in_the_report(open_shop: Shop, tmp_path: Path) -> None:
    """The finding is told with its reason, and fails nothing."""
    report = open_shop.synthesize(tmp_path, allowed={("Role", WILDCARD): "reads the queues of all shops"})
    assert report.findings == []
    assert report.allowed == [(WILDCARD, "reads the queues of all shops")]


def test_an_exception_is_from_one_finding_at_one_resource(open_shop: Shop, tmp_path: Path) -> None:
    """What else is wrong there stays wrong."""
    statement = open_shop.of["Role"]["Policies"][0]["PolicyDocument"]["Statement"][0]
    statement["Action"] = ["sqs:ReceiveMessage", "sqs:PurgeQueue"]
    with pytest.raises(RuntimeError, match=r"allows sqs:PurgeQueue on \*"):
        open_shop.synthesize(tmp_path, allowed={("Role", WILDCARD): "reads the queues of all shops"})
    assert reported(tmp_path).findings == [("iam-wildcard[sqs:PurgeQueue]", "S/Role")]


@pytest.mark.parametrize("reason", ["", "  "])
def test_an_exception_without_a_reason_is_refused(open_shop: Shop, tmp_path: Path, reason: str) -> None:
    """Silence is no reason."""
    with pytest.raises(SynthError, match=r"S/Role: an exception from iam-wildcard\[.*\] needs its reason"):
        open_shop.synthesize(tmp_path, allowed={("Role", WILDCARD): reason})


def test_an_exception_from_no_rule_is_refused(open_shop: Shop, tmp_path: Path) -> None:
    """A misspelt exception would stand there and do nothing."""
    with pytest.raises(SynthError, match="no rule is named wildcards"):
        open_shop.synthesize(tmp_path, allowed={("Role", "wildcards"): "reads the queues of all shops"})


def test_an_exception_is_for_a_resource_and_not_for_a_stack() -> None:
    """Or everything below it would be excepted, whoever adds it."""
    with pytest.raises(SynthError, match="an exception from plaintext is for one resource"):
        rules.allow(Stack(App(analytics_reporting=False), "S"), "plaintext", reason="why not")


@pytest.mark.parametrize(("on_stack", "reason"), [(False, ""), (True, "why not")], ids=["no reason", "whole stack"])
def test_an_exception_that_goes_past_allow_is_refused(tmp_path: Path, on_stack: bool, reason: str) -> None:
    """The CDK's own acknowledgement asks for less."""
    app = App(outdir=str(tmp_path), analytics_reporting=False)
    rules.enforce(app, ROWS)
    stack = Stack(app, "S")
    alarm = add_resource(stack, "Alarm", "AWS::CloudWatch::Alarm", {})
    acknowledged = Acknowledgment(id="waybill::missing-data", reason=reason)
    Validations.of(stack if on_stack else alarm).acknowledge(acknowledged)
    with pytest.raises(RuntimeError, match="waybill::missing-data is acknowledged without a reason, or for more than"):
        app.synth()
    assert reported(tmp_path).findings == [("exception", "S" if on_stack else "S/Alarm")]


def test_cdk_synth_fails(tmp_path: Path) -> None:
    """The command line tells what the rules found, and does not end with status 0."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    environment |= {"CDK_DISABLE_CLI_TELEMETRY": "true", "AWS_EC2_METADATA_DISABLED": "true", "PYTHONPATH": str(ROOT)}
    app = tmp_path / "app.py"
    app.write_text(f"{WIRE}\napp = App()\nwire(app)\napp.synth()\n", encoding="utf-8")
    cdk = ROOT / "node_modules" / ".bin" / "cdk"
    words = ["--no-notices", "synth", "--quiet", "--app", f"python3 {shlex.quote(str(app))}"]
    outcome = subprocess.run(
        [str(cdk), *words, "--output", str(tmp_path / "out")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert outcome.returncode != 0
    assert "there is no TreatMissingData" in outcome.stderr
    assert "S/Alarm" in outcome.stderr


def test_the_app_by_itself_fails_without_the_cdks_own_validator_too(tmp_path: Path) -> None:
    """As local deployments run it: what is wrong stands on standard error, without a traceback behind it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CDK_", "PYTEST_"))}
    outcome = subprocess.run(
        [sys.executable, "-c", f"{WIRE}\nimport app\napp.wire = wire\napp.main()"],
        cwd=ROOT,
        env=environment | {"CDK_VALIDATION": "false", "CDK_OUTDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome.returncode == 1
    assert "there is no TreatMissingData" in outcome.stderr
    assert "S/Alarm" in outcome.stderr
    assert "waybill: not synthesized" in outcome.stderr
    assert "Traceback" not in outcome.stderr
