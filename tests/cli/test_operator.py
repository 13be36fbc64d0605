"""What every command shares: which deployment it is about, and whom it asks before it changes something."""

from __future__ import annotations

import io
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cli.errors import Cancelled, UsageError
from cli.operator import Operator, changes, command
from cli.output import Output
from cli.target import Target


class Keyboard(io.StringIO):
    """A terminal at which this is typed."""

    def isatty(self) -> bool:
        return True


def confirm(stage: str, *, yes: bool = False, stdin: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is said when a change is to be confirmed."""
    monkeypatch.setattr("sys.stdin", stdin)
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    Operator(Target(stage=stage), Output("table", stdout=io.StringIO(), stderr=stderr), assume_yes=yes).confirm("Purge")
    return stderr.getvalue()


@pytest.mark.parametrize("stage", ["dev", "prod"])
@pytest.mark.parametrize("stdin", [io.StringIO(), Keyboard()], ids=["script", "terminal"])
def test_yes_asks_nobody(stage: str, stdin: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever."""
    assert confirm(stage, yes=True, stdin=stdin, monkeypatch=monkeypatch) == ""


def test_a_script_goes_on_in_dev(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing asks where nobody can answer."""
    assert confirm("dev", stdin=io.StringIO(), monkeypatch=monkeypatch) == ""


def test_a_script_must_say_yes_to_prod(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a usage error, not a prompt that hangs."""
    with pytest.raises(UsageError, match="Purge: on stage prod this needs --yes"):
        confirm("prod", stdin=io.StringIO(), monkeypatch=monkeypatch)


@pytest.mark.parametrize(
    ("stage", "typed"), [("dev", "y\n"), ("dev", "\n"), ("prod", "waybill-prod-consumers\n")], ids=repr
)
def test_a_person_agrees(stage: str, typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To what is said; to prod by its stack's name."""
    assert "Purge" in confirm(stage, stdin=Keyboard(typed), monkeypatch=monkeypatch)


@pytest.mark.parametrize(
    ("stage", "typed"), [("dev", "n\n"), ("prod", "y\n"), ("prod", "\n"), ("prod", "waybill-dev-consumers\n")], ids=repr
)
def test_a_person_does_not(stage: str, typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A habitual yes does not do on prod."""
    with pytest.raises(Cancelled):
        confirm(stage, stdin=Keyboard(typed), monkeypatch=monkeypatch)


def test_the_end_of_the_input_is_no_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-D."""
    with pytest.raises(click.Abort):
        confirm("dev", stdin=Keyboard(""), monkeypatch=monkeypatch)


@click.command
@changes
@command
def show(operator: Operator) -> None:
    """Says what it was called on."""
    target = operator.target
    region = target.client("sqs").meta.region_name
    click.echo(f"{target.stage} {target.stack_name('consumers')} {region} {operator.assume_yes}")


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ([], {}, "dev waybill-dev-consumers eu-west-1 False"),
        ([], {"WAYBILL_STAGE": "prod"}, "prod waybill-prod-consumers eu-west-1 False"),
        (["--stage", "dev"], {"WAYBILL_STAGE": "prod"}, "dev waybill-dev-consumers eu-west-1 False"),
        (["--region", "us-west-2", "-y"], {}, "dev waybill-dev-consumers us-west-2 True"),
    ],
)
def test_options_come_before_the_environment(
    arguments: list[str], environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the AWS CLI."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    given: dict[str, Any] = {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": None, "WAYBILL_STAGE": None}
    result = CliRunner().invoke(show, arguments, env=given | environment)
    assert result.output == f"{expected}\n"
