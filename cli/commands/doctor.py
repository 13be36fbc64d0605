"""`waybill doctor`: what is wrong with this machine, these credentials or this deployment, and how to mend it."""

from __future__ import annotations

from dataclasses import asdict

import click

from cli.errors import Unhealthy
from cli.operator import Operator, command
from cli.output import Column

COLUMNS = (
    Column("level", "Level"),
    Column("about", "About", key=True),
    Column("finding", "Finding"),
    Column("mend", "To mend it"),
)

EPILOG = """
It changes nothing, and receives nothing from a queue. Exit code 7 where something is wrong.

\b
Examples:
  waybill doctor
  waybill doctor --all -o ndjson
"""


@click.command(epilog=EPILOG)
@click.option("--all", "everything", is_flag=True, help="Also what is well.")
@command
def run(operator: Operator, *, everything: bool) -> None:
    """What is wrong with this machine, account or deployment, each with how to mend it."""
    from cli.examination import examine

    output = operator.output
    findings = [*examine(operator.target)]
    output.rows(COLUMNS, [asdict(each) for each in findings if everything or each.level != "ok"])
    wrong = [each for each in findings if each.level == "wrong"]
    if wrong:
        raise Unhealthy(f"{len(wrong)} of {len(findings)} findings {'is' if len(wrong) == 1 else 'are'} wrong")
    output.say(f"nothing is wrong ({len(findings)} findings; --all shows them)")
