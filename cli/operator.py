"""What every command gets: the deployment it is about, where it writes, and whether a person has confirmed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from cli.errors import Cancelled, UsageError
from cli.output import FORMATS, Format, Output
from cli.target import STAGES, Target


@dataclass(frozen=True)
class Operator:
    """Who runs a command, and on what. `assume_yes` is --yes."""

    target: Target
    output: Output
    assume_yes: bool = False

    def confirm(self, what: str) -> None:
        """Let a person agree to a change of what is deployed.

        On a prod stage --yes or the typed name of the stage is asked for; elsewhere a terminal is asked, and a script
        goes on. Raises Cancelled, and UsageError where prod is to be changed and nobody can be asked.
        """
        if self.assume_yes:
            return
        if not sys.stdin.isatty():
            if self.target.prod:
                raise UsageError(f"{what}: on stage prod this needs --yes, as there is no terminal to ask at")
            return
        if self.target.prod:
            name = self.target.stack_name("consumers")
            self.output.say(what)
            if click.prompt(f"Type {name} to go on", err=True, default="", show_default=False) != name:
                raise Cancelled("that is not its name: nothing was done")
        elif not click.confirm(f"{what}. Go on?", err=True, default=True):
            raise Cancelled("nothing was done")


def command(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command; the function gets an Operator first."""

    @click.option("-o", "--output", "format_", type=click.Choice(FORMATS), help="By default a table; TSV when piped.")
    @click.option("--stage", type=click.Choice(STAGES), default="dev", envvar="WAYBILL_STAGE", show_default=True)
    @click.option("--profile", help="AWS profile, as for the AWS CLI.")
    @click.option("--region", help="AWS region, as for the AWS CLI.")
    @wraps(function)
    def run(
        *arguments: Any, format_: Format | None, stage: str, profile: str | None, region: str | None, **options: Any
    ) -> Any:
        operator = Operator(
            Target(stage=stage, profile=profile, region=region),
            Output(format_),
            assume_yes=options.pop("yes", False),
        )
        return function(operator, *arguments, **options)

    return run


def changes(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that changes what is deployed: put under `command`."""
    return click.option("-y", "--yes", is_flag=True, help="Do it without asking; on stage prod, scripts need it.")(
        function
    )
