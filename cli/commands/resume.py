"""`waybill resume`: let a consumer take messages again, by its event source mapping."""

from __future__ import annotations

import click

from cli.operator import Operator, changes, command


@click.command(epilog="Example:  waybill resume notifications")
@click.argument("consumer")
@changes
@command
def run(operator: Operator, consumer: str) -> None:
    """Let CONSUMER take messages again. Waits until it does."""
    from cli.mappings import switch

    target = operator.target
    row = target.subscription(consumer)
    operator.confirm(f"{consumer} takes messages again")
    changed = switch(target.client("lambda"), target.physical(row, "EventSourceMappingId"), on=True)
    operator.output.say(f"{consumer} {'takes' if changed else 'took'} messages{'' if changed else ' already'}")
