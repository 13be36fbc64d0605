"""An alarm's state from its datapoints, as AWS documents M out of N and missing data.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
MissingData = Literal["missing", "ignore", "breaching", "notBreaching"]
MISSING_DATA: tuple[MissingData, ...] = get_args(MissingData)

# AWS reads more datapoints than it needs and leaves open how many. Its examples: five where three are evaluated.
EXTRA_DATAPOINTS = 2

_BREACHES: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
COMPARISONS = tuple(_BREACHES)
_SIGNS = dict(zip(COMPARISONS, (">", ">=", "<", "<="), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """An alarm's threshold, and that `datapoints_to_alarm` (M) of `evaluation_periods` (N) must be past it."""

    comparison: str
    threshold: float
    datapoints_to_alarm: int
    evaluation_periods: int
    missing_data: MissingData

    @property
    def evaluation_range(self) -> int:
        """How many of the most recent datapoints are looked at, so that some may be missing."""
        return self.evaluation_periods + EXTRA_DATAPOINTS

    def breaches(self, value: float) -> bool:
        """Whether a datapoint is past the threshold."""
        return _BREACHES[self.comparison](value, self.threshold)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state that an alarm should have, and why. None: nothing can be said, it keeps the one it has."""

    state: State | None
    reason: str


def evaluate(datapoints: Sequence[float | None], condition: Condition, current: State) -> Verdict:
    """The state that follows from the datapoints of the evaluation range, the newest last; None is a missing one."""
    in_range = list(datapoints[-condition.evaluation_range :])
    real = [value for value in in_range if value is not None][-condition.evaluation_periods :]
    lacking = condition.evaluation_periods - len(real)
    breaching = sum(map(condition.breaches, real))
    state = _with_missing(in_range, lacking, breaching, condition, current) if lacking > 0 else None
    if state is None:
        state = "ALARM" if breaching >= condition.datapoints_to_alarm else "OK"
    return Verdict(state, _reason(real, breaching, lacking, condition))


def _with_missing(
    in_range: Sequence[float | None], lacking: int, breaching: int, condition: Condition, current: State
) -> State | None:
    """The state where fewer datapoints exist than are evaluated; None where the existing ones decide it."""
    existing = [value for value in in_range if value is not None]
    if condition.missing_data == "breaching":
        return "ALARM" if breaching + lacking >= condition.datapoints_to_alarm else "OK"
    if condition.missing_data == "notBreaching" or breaching >= condition.datapoints_to_alarm:
        return None
    if not existing:
        return current if condition.missing_data == "ignore" else "INSUFFICIENT_DATA"
    if breaching < len(existing):
        return "OK"
    if condition.missing_data == "ignore":
        return current
    # All that exists breaches, and is too little. The "premature alarm state" rule: it becomes an alarm once the
    # oldest of it is at least M datapoints old, for the ones that would have cleared it never came.
    oldest = next(position for position, value in enumerate(in_range) if value is not None)
    return "ALARM" if len(in_range) - oldest >= condition.datapoints_to_alarm else "OK"


def _reason(real: Sequence[float], breaching: int, lacking: int, condition: Condition) -> str:
    limit = f"{_SIGNS[condition.comparison]} {condition.threshold:g}"
    filled = f"; {lacking} missing, treated as {condition.missing_data}" if lacking > 0 else ""
    if not real:
        return f"no datapoints in the last {condition.evaluation_range} (alarm: {limit}){filled}"
    shown = ", ".join(f"{value:g}" for value in real[-5:])
    return (
        f"{breaching} of {condition.evaluation_periods} datapoints {limit}, "
        f"{condition.datapoints_to_alarm} make an alarm; the latest: {shown}{filled}"
    )
