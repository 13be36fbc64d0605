from __future__ import annotations

import pytest
from aws_cdk import App

from messaging.errors import TopologyError
from messaging.topology import ORDERS
from stacks.deployment import Deployment
from stacks.errors import SynthError
from tests.stacks.conftest import Synthesize
from tests.stacks.synthesized import MAIL_FROM, Assembly

KEPT = {"AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Logs::LogGroup"}


def _read(**context: object) -> Deployment:
    return Deployment.from_context(App(context=context).node)


def test_defaults() -> None:
    """Without options it is dev, at DEBUG, with the layer, without a sender, with each row's own patience."""
    assert _read() == Deployment(stage="dev", log_level="DEBUG")
    assert _read(stage="prod").log_level == "INFO"


def test_options_are_read() -> None:
    """Each option reaches the deployment."""
    assert _read(
        stage="prod",
        log_level="WARNING",
        mail_from=MAIL_FROM,
        layer="off",
        newer_version_patience_seconds="10",
        alarm_email="ops@example.com",
        canary="on",
        archive_days="7",
    ) == Deployment(
        stage="prod",
        log_level="WARNING",
        mail_from=MAIL_FROM,
        with_layer=False,
        newer_version_patience_seconds=10,
        alarm_email="ops@example.com",
        canary=True,
        archive_days=7,
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("stage", "production"),
        ("stage", "Prod"),
        ("log_level", "TRACE"),
        ("layer", "yes"),
        ("mail_from", "Waybill <orders@example.com>"),
        ("mail_from", "orders"),
        ("mail_from", "*@example.com"),
        ("mail_configuration_set", "*"),
        ("newer_version_patience_seconds", "-1"),
        ("newer_version_patience_seconds", "1.5"),
        ("maximum_concurrency", "many"),
        ("alarm_email", "Ops <ops@example.com>"),
        ("canary", "yes"),
    ],
)
def test_a_wrong_option_is_named(option: str, value: str) -> None:
    """A wrong value stops the synth with the option, the value and what it must be."""
    with pytest.raises(SynthError, match=rf"-c {option}=.*must be"):
        _read(**{"mail_from": MAIL_FROM, option: value})


def test_a_configuration_set_without_a_sender_is_refused() -> None:
    """It would be ignored, and the consumer left out."""
    with pytest.raises(SynthError, match="mail_from"):
        _read(mail_configuration_set="orders")


def test_prod_keeps_its_data(prod: Assembly) -> None:
    """In prod every table, queue and log group outlives its stack and its replacement, and tables refuse deletion."""
    for template in (prod.messaging, prod.consumers):
        for resource in template.body["Resources"].values():
            kept = "Retain" if resource["Type"] in KEPT else None
            assert resource.get("DeletionPolicy") == kept, resource["Type"]
            assert resource.get("UpdateReplacePolicy") == kept, resource["Type"]
    assert all(table["DeletionProtectionEnabled"] for table in prod.messaging.properties("AWS::DynamoDB::Table"))


def test_dev_goes_whole(dev: Assembly) -> None:
    """In dev nothing stays behind a destroy."""
    for template in (dev.messaging, dev.consumers):
        assert not [each for each in template.body["Resources"].values() if "DeletionPolicy" in each]
    assert not any(table["DeletionProtectionEnabled"] for table in dev.messaging.properties("AWS::DynamoDB::Table"))


@pytest.mark.parametrize("stack", ["messaging", "consumers"])
def test_only_prod_is_protected_from_termination(dev: Assembly, prod: Assembly, stack: str) -> None:
    """A prod stack must be unprotected by hand before it can be deleted."""
    assert prod.stack_properties(stack)["terminationProtection"] is True
    assert dev.stack_properties(stack)["terminationProtection"] is False


def test_prod_logs_less_and_longer(prod: Assembly) -> None:
    """Prod logs at INFO and keeps half a year."""
    (retention,) = {each["RetentionInDays"] for each in prod.consumers.properties("AWS::Logs::LogGroup")}
    assert retention == 180
    for function in prod.consumers.properties("AWS::Lambda::Function"):
        assert function["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == "INFO"


def test_without_a_sender_there_are_no_notifications(synth: Synthesize) -> None:
    """Without mail_from the consumers that send mail are left out, and a warning says so."""
    silent = synth()
    handlers = {each["Handler"] for each in silent.consumers.consumer_functions()}
    assert handlers == {row.handler for row in ORDERS.subscriptions if not row.calls}
    assert not [key for key in silent.consumers.body["Outputs"] if key.startswith("Notifications")]
    (warning,) = silent.messages("consumers")
    assert "notifications is left out" in warning
    assert "-c mail_from=" in warning


def test_with_a_sender_nothing_is_left_out(dev: Assembly) -> None:
    """With mail_from every row is deployed and there is nothing to warn of."""
    assert len(dev.consumers.consumer_functions()) == len(ORDERS.subscriptions)
    assert dev.messages("consumers") == []
    assert dev.messages("messaging") == []


def test_patience_overrides_every_row(synth: Synthesize) -> None:
    """newer_version_patience_seconds reaches every consumer."""
    hasty = synth(newer_version_patience_seconds="10")
    for function in hasty.consumers.consumer_functions():
        assert function["Environment"]["Variables"]["WAYBILL_NEWER_VERSION_PATIENCE_SECONDS"] == "10"


def test_concurrency_overrides_every_row(synth: Synthesize) -> None:
    """maximum_concurrency reaches every queue's mapping, and a number that AWS refuses stops the synth."""
    narrow = synth(maximum_concurrency="2")
    mappings = narrow.consumers.properties("AWS::Lambda::EventSourceMapping")
    of_queues = [each["ScalingConfig"] for each in mappings if "StartingPosition" not in each]
    assert of_queues == [{"MaximumConcurrency": 2}] * len(narrow.consumers.consumer_functions())
    with pytest.raises(TopologyError, match="maximum concurrency"):
        synth(maximum_concurrency="1")


def test_synth_asks_aws_nothing(dev: Assembly) -> None:
    """Both stacks fit any account and region, and no lookup is missing."""
    assert not dev.manifest.get("missing")
    stacks = [each for each in dev.manifest["artifacts"].values() if each["type"] == "aws:cloudformation:stack"]
    assert len(stacks) == 2
    assert {each["environment"] for each in stacks} == {"aws://unknown-account/unknown-region"}


def test_stages_share_no_name(dev: Assembly, prod: Assembly) -> None:
    """Stacks, exports and the topic carry the stage, so that dev and prod fit into one account."""
    for assembly, other in ((dev, "waybill-prod"), (prod, "waybill-dev")):
        assert other not in assembly.messaging.text
        assert other not in assembly.consumers.text
