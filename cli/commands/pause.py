"""`waybill pause`: stop a consumer from taking messages, by its event source mapping."""

from __future__ import annotations

import click

from cli.operator import Operator, changes, command


@click.command(epilog="Example:  waybill pause notifications")
@click.argument("consumer")
@changes
@command
def run(operator: Operator, consumer: str) -> None:
    """Stop CONSUMER from taking messages: they wait in its queue, which keeps them for days. Waits until it has
    stopped; batches that it has begun are finished."""
    from cli.mappings import switch

    target = operator.target
    row = target.subscription(consumer)
    days = row.retention_seconds / 86_400
    late = f", and what waits over {row.max_age_seconds} s is dead-lettered" if row.max_age_seconds else ""
    operator.confirm(f"{consumer} takes no messages until it is resumed; its queue keeps them {days:g} days{late}")
    changed = switch(target.client("lambda"), target.physical(row, "EventSourceMappingId"), on=False)
    operator.output.say(
        f"{consumer} {'is' if changed else 'was already'} paused; on with it: waybill resume {consumer}"
    )
