"""One look at everything: sample, evaluate, and tell the engine of each alarm whose state changed, once.

The engine tells the alarm's actions of a change by itself and evaluates composite alarms when one of theirs changes; a
state that is set again is no change. So nothing is set that is so already.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from local.alarms import rules
from local.alarms.definitions import Alarm, CompositeAlarm, MetricAlarm, short_name
from local.alarms.errors import AlarmError
from local.alarms.evaluation import State, Verdict, evaluate
from local.alarms.expressions import Scope, calculate, mentioned
from local.alarms.history import History, Sample, read_history
from local.alarms.metrics import is_known
from local.alarms.series import Series
from local.alarms.statistics import enough_samples

_REASON_LENGTH = 1023  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """An alarm as the engine has it now. `state` is None where the engine lacks the alarm."""

    alarm: Alarm
    state: State | None
    since: datetime | None
    reason: str


class Watcher:
    """Looks at one engine's alarms. `sample` measures: the history before it, and now in epoch seconds."""

    def __init__(
        self,
        alarms: Sequence[Alarm],
        cloudwatch: Any,
        sample: Callable[[History, float], Sample],
        *,
        history_path: Path,
        minute_seconds: float | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._alarms = alarms
        self._cloudwatch = cloudwatch
        self._sample = sample
        self._history_path = history_path
        self._minute_seconds = minute_seconds
        self._clock = clock
        self._keep_minutes = max((alarm.minutes for alarm in alarms if isinstance(alarm, MetricAlarm)), default=1)

    def look(self) -> list[Status]:
        """Sample now, evaluate every alarm, set what changed. Raises botocore's errors and OSError."""
        now = self._clock()
        history = read_history(self._history_path, self._minute_seconds)
        history.add(self._sample(history, now), now, keep=self._keep_minutes)
        history.write(self._history_path)
        reasons = self._set_metric_alarms(history)
        self._set_composites(reasons)
        return [_status(alarm, known, reasons) for alarm, known in self._with_states()]

    def looks(self, sleep: Callable[[float], None] = time.sleep) -> Iterator[list[Status]]:
        """A look at the beginning of every minute, for ever."""
        minute_seconds = self._minute_seconds or read_history(self._history_path, None).minute_seconds
        while True:
            yield self.look()
            now = self._clock()
            sleep((math.floor(now / minute_seconds) + 1) * minute_seconds - now)

    def _set_metric_alarms(self, history: History) -> dict[str, str]:
        """Returns why each alarm has its state, by name."""
        verdicts = [
            (alarm, known["StateValue"], judge(alarm, history, known["StateValue"]))
            for alarm, known in self._with_states()
            if isinstance(alarm, MetricAlarm) and known is not None
        ]
        # What turns red goes first: else a composite alarm could turn green between two of its own and red again.
        for alarm, current, verdict in sorted(verdicts, key=lambda each: each[2].state != "ALARM"):
            self._set(alarm.name, current, verdict)
        return {alarm.name: verdict.reason for alarm, _, verdict in verdicts}

    def _set_composites(self, reasons: dict[str, str]) -> None:
        """Mostly the engine has done it; a composite that was set by hand, or missed a change, follows here."""
        states: dict[str, State] = {
            alarm.name: known["StateValue"] for alarm, known in self._with_states() if known is not None
        }
        for alarm in self._alarms:
            if isinstance(alarm, CompositeAlarm) and alarm.name in states:
                try:
                    state: State = "ALARM" if rules.holds(alarm.rule, states) else "OK"
                except AlarmError as error:
                    reasons[alarm.name] = str(error)
                    continue
                reasons[alarm.name] = self._composite_reason(alarm, states)
                self._set(alarm.name, states[alarm.name], Verdict(state, reasons[alarm.name]))
                states[alarm.name] = state

    def _composite_reason(self, alarm: CompositeAlarm, states: dict[str, State]) -> str:
        """The rule's alarms that are red, as people call them."""
        children = set(rules.children(alarm.rule))
        red = [each for each in self._alarms if each.name in children and states.get(each.name) == "ALARM"]
        return f"red: {', '.join(short_name(each.logical_id) for each in red)}" if red else "none of its alarms is red"

    def _set(self, name: str, current: State, verdict: Verdict) -> None:
        if verdict.state not in (None, current):
            reason = verdict.reason[:_REASON_LENGTH]
            self._cloudwatch.set_alarm_state(AlarmName=name, StateValue=verdict.state, StateReason=reason)

    def _with_states(self) -> list[tuple[Alarm, dict[str, Any] | None]]:
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        known = {
            each["AlarmName"]: each for page in pages for each in (*page["MetricAlarms"], *page["CompositeAlarms"])
        }
        return [(alarm, known.get(alarm.name)) for alarm in self._alarms]


def judge(alarm: MetricAlarm, history: History, current: State) -> Verdict:
    """The state that an alarm should have. What can't be evaluated has none, and says why."""
    try:
        datapoints = _datapoints(alarm, history)
    except AlarmError as error:
        return Verdict(None, f"not evaluated: {error}")
    if alarm.ignores_low_samples and not _enough_samples(alarm, history):
        return Verdict(None, "too few samples for this percentile")
    verdict = evaluate(datapoints, alarm.condition, current)
    unknown = sorted({f"{each.namespace} {each.name}" for each in alarm.metrics if not is_known(each)})
    if any(point is not None for point in datapoints) or not unknown:
        return verdict
    return replace(verdict, reason=f"{verdict.reason}; the engine publishes no {', '.join(unknown)}")


def _datapoints(alarm: MetricAlarm, history: History) -> Series:
    """The series that is compared with the threshold; expressions may name each other in any order."""
    count, minutes = alarm.condition.evaluation_range, alarm.period_minutes
    series: dict[str, Series] = {
        query.id: tuple(history.datapoints(query.metric, query.statistic, count=count, minutes=minutes))
        for query in alarm.queries
        if query.metric is not None
    }
    metrics = list(series)
    waiting = {query.id: query.expression for query in alarm.queries if query.metric is None}
    while alarm.watched not in series:
        ready = {name: text for name, text in waiting.items() if not mentioned(text) & waiting.keys()}
        if not ready:
            raise AlarmError(f"the expressions {', '.join(waiting)} name each other in a circle")
        for name, text in ready.items():
            series[name] = calculate(text, Scope(dict(series), metrics, alarm.period_seconds, count))
            del waiting[name]
    return series[alarm.watched]


def _enough_samples(alarm: MetricAlarm, history: History) -> bool:
    minutes = alarm.condition.evaluation_periods * alarm.period_minutes
    return all(
        enough_samples(query.statistic, history.samples(query.metric, minutes=minutes))
        for query in alarm.queries
        if query.metric is not None
    )


def _status(alarm: Alarm, known: dict[str, Any] | None, reasons: dict[str, str]) -> Status:
    if known is None:
        return Status(alarm=alarm, state=None, since=None, reason="the engine lacks it: run python3 dev.py up")
    return Status(
        alarm=alarm,
        state=known["StateValue"],
        since=known.get("StateUpdatedTimestamp"),
        reason=reasons.get(alarm.name, known.get("StateReason", "")),
    )
