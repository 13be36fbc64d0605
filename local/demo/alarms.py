"""Which alarms are red once a demo is over: one look at all of them, which also sets their states in the engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from local.demo.places import DeployedEngine


@dataclass(frozen=True, slots=True)
class RedAlarm:
    """An alarm that calls for people. `consumer` is None for one that is of no subscription."""

    name: str
    consumer: str | None
    reason: str


def look(engine: DeployedEngine, root: Path) -> tuple[RedAlarm, ...]:
    """The red alarms of what is deployed from `root`. Raises AlarmError, botocore's errors and OSError."""
    from local.alarms.definitions import short_name
    from local.alarms.opening import open_alarms
    from local.alarms.report import consumer_of, is_red
    from local.deployment import state_folder, synthesized

    watcher = open_alarms(engine.endpoint, engine.client, synthesized(root), state_folder(root))
    return tuple(
        RedAlarm(short_name(status.alarm.logical_id), consumer_of(status.alarm), status.reason)
        for status in watcher.look()
        if is_red(status)
    )
