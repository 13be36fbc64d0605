"""What functions log and count, kept: stand-ins for Powertools' Logger and Metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MILLISECONDS = "Milliseconds"  # as CloudWatch calls them, and so the value of Powertools' MetricUnit


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a function's log."""

    level: str
    message: str
    extra: Mapping[str, Any]


@dataclass
class Telemetry:
    """Of one function, over all its sandboxes. Without `keeps_lines` the log and the latencies are thrown away.

    `counts` has sums by the metrics' names, and `split` those that have a further dimension, by name and its value,
    such as `("DeadLettered", "poison")`; `latencies` has every value, in milliseconds.
    """

    keeps_lines: bool = True
    lines: list[Line] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    split: Counter[tuple[str, ...]] = field(default_factory=Counter)
    latencies: dict[str, list[float]] = field(default_factory=dict)
    _dimensions: tuple[str, ...] = ()

    def append_keys(self, **keys: Any) -> None:
        """What Powertools would add to each line; not kept."""

    def debug(self, message: str, extra: Mapping[str, Any] | None = None) -> None:
        """A line that is not shown by default."""
        self._add("DEBUG", message, extra)

    def info(self, message: str, extra: Mapping[str, Any] | None = None) -> None:
        """A line."""
        self._add("INFO", message, extra)

    def warning(self, message: str, extra: Mapping[str, Any] | None = None) -> None:
        """A line that somebody should read."""
        self._add("WARNING", message, extra)

    def add_dimension(self, name: str, value: str) -> None:
        """What is added until the next flush is of this alone."""
        del name
        self._dimensions = (*self._dimensions, value)

    def add_metric(self, name: str, unit: Any, value: float) -> None:
        """Count something, or keep a latency."""
        if getattr(unit, "value", unit) == MILLISECONDS:
            if self.keeps_lines:
                self.latencies.setdefault(name, []).append(value)
        elif self._dimensions:
            self.split[name, *self._dimensions] += int(value)
        else:
            self.counts[name] += int(value)

    def flush_metrics(self) -> None:
        """Counts are there at once, and what comes next has no dimension of this."""
        self._dimensions = ()

    def _add(self, level: str, message: str, extra: Mapping[str, Any] | None) -> None:
        if self.keeps_lines:
            self.lines.append(Line(level, message, extra or {}))
