"""What a benchmark gives: quantities with their goals and gates, and plots of them as plain data."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["count", "ratio", "absolute"]

# A ratio of times may be so much worse than its goal before `check` fails: its machine is busy with other work too.
RATIO_MARGIN = 0.5
MIN_FOR_QUARTILES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What several runs gave, in a unit, and the goal for its median where there is one.

    Counts are the same on any machine, and gates as they are: none of the runs may be beyond the goal. Ratios compare
    runs of one round, and are gates with a margin (`gate` says otherwise what is just enough). Absolute values are
    shown and judge nothing. `limit` tells, where a goal is missed, what keeps it from being reached, and `tried` what
    was tried.
    """

    what: str
    unit: str
    values: Sequence[float]
    kind: Kind
    at_least: float | None = None
    at_most: float | None = None
    gate: float | None = None
    limit: str = ""
    tried: str = ""

    @property
    def median(self) -> float:
        """What to quote."""
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float] | None:
        """Half of the runs lie between them; None of few runs."""
        if len(self.values) < MIN_FOR_QUARTILES:
            return None
        lower, _, upper = statistics.quantiles(self.values)
        return lower, upper

    @property
    def judged_by(self) -> float | None:
        """What is just enough for the command not to fail; None of what judges nothing."""
        goal = self.at_most if self.at_least is None else self.at_least
        if self.kind == "absolute" or goal is None:
            return None
        if self.gate is not None or self.kind == "count":
            return goal if self.gate is None else self.gate
        return goal / RATIO_MARGIN if self.at_least is None else goal * RATIO_MARGIN

    @property
    def missed(self) -> bool:
        """Whether the median is on the wrong side of the goal; of a count, the worst run."""
        return self._is_beyond(self.at_least, self.at_most)

    @property
    def failed(self) -> bool:
        """Whether it is on the wrong side of the gate, which fails the command."""
        judged_by, is_most = self.judged_by, self.at_least is None
        return self._is_beyond(None if is_most else judged_by, judged_by if is_most else None)

    def _is_beyond(self, at_least: float | None, at_most: float | None) -> bool:
        exact = self.kind == "count"
        least, most = (min(self.values), max(self.values)) if exact else (self.median, self.median)
        return (at_least is not None and least < at_least) or (at_most is not None and most > at_most)

    @property
    def reason(self) -> str:
        """Why a goal is missed, where that is known; nothing where it is not missed."""
        known = [f"limited by {self.limit}" if self.limit else "", f"tried: {self.tried}" if self.tried else ""]
        return "; ".join(filter(None, known)) if self.missed else ""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            **asdict(self),
            "values": [float(f"{value:.6g}") for value in self.values],
            "median": self.median,
            "quartiles": self.quartiles,
            "missed": self.missed,
            "failed": self.failed,
        }


def count(what: str, unit: str, values: Sequence[float], **goal: Any) -> Quantity:
    """Something that is counted. `goal`: `at_least` or `at_most`, `limit` and `tried`."""
    return Quantity(what=what, unit=unit, values=values, kind="count", **goal)


def ratio(what: str, numerators: Sequence[float], denominators: Sequence[float], **goal: Any) -> Quantity:
    """How many times as much: each run against the run beside it. Raises ValueError where they are no pairs."""
    pairs = zip(numerators, denominators, strict=True)
    return Quantity(what=what, unit="x", values=[one / other for one, other in pairs], kind="ratio", **goal)


def absolute(what: str, unit: str, values: Sequence[float], **goal: Any) -> Quantity:
    """Something that only this machine makes so: seconds, megabytes."""
    return Quantity(what=what, unit=unit, values=values, kind="absolute", **goal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A panel of a plot: for each group a bar of each series, None where it has none."""

    title: str
    unit: str
    groups: Sequence[str]
    series: Mapping[str, Sequence[float | None]]
    stacked: bool = False
    logarithmic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """A panel of a plot: points (x, y) of each series, joined."""

    title: str
    x: str
    y: str
    series: Mapping[str, Sequence[tuple[float, float]]]
    logarithmic: bool = False


Panel = Bars | Lines


@dataclass(frozen=True, slots=True)
class Result:
    """What one benchmark gives."""

    quantities: Sequence[Quantity]
    panels: Sequence[Panel] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A function that measures, told whether it is to be short. Those of a family share a plot.

    All short ones together take five minutes on two cores: `check` runs them.
    """

    name: str
    family: str
    measure: Callable[[bool], Result]
    in_short: bool = True
