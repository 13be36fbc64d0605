"""`waybill alarms`: the state of every alarm of the stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli.errors import NotFound, Unhealthy
from cli.operator import Operator, command
from cli.output import Column
from cli.times import age, utc_now

if TYPE_CHECKING:
    from cli.alarms import Alarm

COLUMNS = (
    Column("state", "State"),
    Column("for", "For"),
    Column("kind", "Kind"),
    Column("name", "Alarm", key=True),
    Column("means", "Means"),
)


@click.command(epilog="Example:  waybill alarms --fail-on-alarm && ./deploy-the-next-one")
@click.option("--fail-on-alarm", is_flag=True, help="Exit code 7 where one is raised.")
@click.option("--raised", is_flag=True, help="Only those that are.")
@command
def run(operator: Operator, *, fail_on_alarm: bool, raised: bool) -> None:
    """The state of every alarm, raised ones first."""
    from cli.alarms import alarms

    target = operator.target
    found = alarms(target.client("cloudwatch"), target.prefix)
    if not found:
        assert target.outputs, "raises NotFound where nothing is deployed"
        raise NotFound(f"no alarm is named {target.prefix}*: deploy the stacks of this checkout")
    shown = [_row(alarm) for alarm in found if alarm.raised or not raised]
    if shown or not operator.output.for_people:
        operator.output.rows(COLUMNS, shown)
    rung = [alarm for alarm in found if alarm.raised]
    summary = f"{len(rung)} of {len(found)} alarms raised" + "".join(f"\n  {each.name}" for each in rung)
    if fail_on_alarm and rung:
        raise Unhealthy(summary)
    operator.output.say(summary)


def _row(alarm: Alarm) -> dict[str, Any]:
    return {
        "state": alarm.state,
        "for": None if alarm.since is None else age((utc_now() - alarm.since).total_seconds()),
        "kind": alarm.kind,
        "name": alarm.name,
        "means": alarm.means,
        "since": alarm.since,
        "reason": alarm.reason,
        "actions": list(alarm.actions),
    }
