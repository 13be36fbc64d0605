"""Alarms for people and for programs: a table, red ones first; what changed; one JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from local.alarms.definitions import Alarm, short_name
from local.alarms.watch import Status
from messaging.topic import Topic
from messaging.topology import ORDERS

_WIDTH_WITHOUT_TERMINAL = 140
_STYLES = {"ALARM": "bold red", "OK": "green", "INSUFFICIENT_DATA": "yellow", None: "magenta"}
_ORDER = ("ALARM", None, "INSUFFICIENT_DATA", "OK")


def is_red(status: Status) -> bool:
    """Whether it calls for people."""
    return status.state == "ALARM"


def consumer_of(alarm: Alarm, topic: Topic = ORDERS) -> str | None:
    """The consumer in whose part of the template the alarm is; None for the topic's and the relay's."""
    rows = [row for row in topic.subscriptions if alarm.logical_id.startswith(row.construct_id)]
    return max(rows, key=lambda row: len(row.construct_id)).consumer if rows else None


def document(statuses: Iterable[Status]) -> dict[str, Any]:
    """What `-o json` prints."""
    return {"alarms": [entry(status) for status in statuses]}


def entry(status: Status) -> dict[str, Any]:
    """One alarm as JSON. `name` is what CloudWatch calls it."""
    return {
        "alarm": short_name(status.alarm.logical_id),
        "name": status.alarm.name,
        "consumer": consumer_of(status.alarm),
        "state": status.state,
        "since": None if status.since is None else status.since.isoformat(),
        "reason": status.reason,
    }


def print_table(statuses: Sequence[Status], stream: TextIO) -> None:
    """Every alarm; colours only where the stream is a terminal and NO_COLOR is not set."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Alarm", "Consumer", "State", "Since"):
        table.add_column(heading, no_wrap=True)
    table.add_column("Reason")
    for status in sorted(statuses, key=lambda each: _ORDER.index(each.state)):
        table.add_row(
            short_name(status.alarm.logical_id),
            consumer_of(status.alarm) or "-",
            Text(status.state or "MISSING", style=_STYLES[status.state]),
            "-" if status.since is None else f"{status.since.astimezone():%H:%M:%S}",
            Text(status.reason),
        )
    width = None if stream.isatty() else _WIDTH_WITHOUT_TERMINAL
    Console(file=stream, width=width, highlight=False).print(table)


def summary(statuses: Sequence[Status]) -> str:
    """The last line of a long table: how many are red, and which."""
    red = [short_name(status.alarm.logical_id) for status in statuses if is_red(status)]
    return f"{len(red)} of {len(statuses)} alarms are red{': ' + ', '.join(red) if red else ''}"


def changes(before: Sequence[Status], after: Sequence[Status]) -> list[str]:
    """A line for each alarm that is in another state than before."""
    old = {status.alarm.name: status.state for status in before}
    return [
        f"{short_name(status.alarm.logical_id)}: {old[status.alarm.name]} -> {status.state}: {status.reason}"
        for status in after
        if status.state != old[status.alarm.name]
    ]
