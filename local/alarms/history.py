"""What was measured, minute by minute: kept in a file, so that the next command goes on where the last one stopped.

Only minutes in which somebody looked are there. The others are left out and are no missing data: as on AWS nothing
changes an alarm while nobody measures, and time that a laptop slept raises and clears none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.alarms import statistics
from local.alarms.definitions import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look. `gauges` are as of now, and replace an earlier look's in the same minute; `values` add to them."""

    gauges: Mapping[Metric, float]
    values: Mapping[Metric, Sequence[float]]


Minute = dict[Metric, list[float]]


class History:
    """The minutes of one engine, the newest last. `minute_seconds` is how long a minute of it really lasts."""

    def __init__(self, minute_seconds: float) -> None:
        self.minute_seconds = minute_seconds
        self.read_to: float | None = None  # epoch seconds: values up to here are in
        self._minutes: list[Minute] = []
        self._last = -1

    def __len__(self) -> int:
        return len(self._minutes)

    def add(self, sample: Sample, at: float, *, keep: int) -> None:
        """Take in a sample of this moment (epoch seconds). The latest `keep` minutes are kept."""
        number = math.floor(at / self.minute_seconds)
        if number > self._last:
            self._minutes.append({})
            self._last = number
        minute = self._minutes[-1]
        minute.update({metric: [value] for metric, value in sample.gauges.items()})
        for metric, values in sample.values.items():
            minute.setdefault(metric, []).extend(values)
        del self._minutes[: -max(1, keep)]
        self.read_to = at

    def latest(self, metric: Metric) -> float | None:
        """The last value of a gauge."""
        return next((minute[metric][-1] for minute in reversed(self._minutes) if minute.get(metric)), None)

    def datapoints(self, metric: Metric, statistic: str, *, count: int, minutes: int) -> list[float | None]:
        """The latest datapoints of so many minutes each, the newest last, None where there is nothing."""
        return [statistics.calculate(statistic, values) for values in self._periods(metric, count, minutes)]

    def samples(self, metric: Metric, *, minutes: int) -> int:
        """How many values the latest minutes hold."""
        return sum(len(minute.get(metric, ())) for minute in self._minutes[-minutes:])

    def _periods(self, metric: Metric, count: int, minutes: int) -> list[list[float]]:
        """Values by period. A period counts once all its minutes are there, but the newest at once, as on AWS."""
        periods: list[list[float]] = []
        end = len(self._minutes)
        for number in range(count):
            start = end - minutes
            whole = start >= 0 or (number == 0 and end > 0)
            there = self._minutes[max(0, start) : end] if whole else []
            periods.append([value for minute in there for value in minute.get(metric, ())])
            end = max(0, start)
        return periods[::-1]

    def write(self, path: Path) -> None:
        """Keep it in a file; a reader sees the old one or the new one."""
        document = {
            "minute_seconds": self.minute_seconds,
            "read_to": self.read_to,
            "last": self._last,
            "minutes": [[[_plain(metric), values] for metric, values in minute.items()] for minute in self._minutes],
        }
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(document), encoding="utf-8")
        partial.replace(path)


def read_history(path: Path, minute_seconds: float | None) -> History:
    """What the file holds; empty where there is none, or where a minute lasted otherwise. None: as it lasted then."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        lasted = float(document["minute_seconds"])
        history = History(lasted)
        history.read_to, history._last = document["read_to"], int(document["last"])
        history._minutes = [{_metric(key): values for key, values in minute} for minute in document["minutes"]]
    except (OSError, ValueError, KeyError, TypeError):
        return History(minute_seconds or 60.0)
    return history if minute_seconds in (None, lasted) else History(minute_seconds or lasted)


def _plain(metric: Metric) -> list[object]:
    return [metric.namespace, metric.name, [list(pair) for pair in metric.dimensions]]


def _metric(plain: Sequence[object]) -> Metric:
    namespace, name, dimensions = plain
    if not isinstance(dimensions, list):
        raise TypeError("dimensions are a list")
    return Metric(str(namespace), str(name), tuple((str(key), str(value)) for key, value in dimensions))
