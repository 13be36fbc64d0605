"""Statistics over the values of one period: Sum, Average, Minimum, Maximum, SampleCount and percentiles."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence

from local.alarms.errors import AlarmError

_SIMPLE: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Sum": math.fsum,
    "Average": lambda values: math.fsum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
    "SampleCount": len,
}
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")


def check_statistic(name: str) -> str:
    """The name, where it is one that is known here. Raises AlarmError."""
    if name not in _SIMPLE and not _PERCENTILE.fullmatch(name):
        raise AlarmError(f"the statistic {name} is not known here; these are: {', '.join(_SIMPLE)} and p0 to p100")
    return name


def calculate(statistic: str, values: Sequence[float]) -> float | None:
    """The statistic of these values; None without any."""
    if not values:
        return None
    if statistic in _SIMPLE:
        return float(_SIMPLE[statistic](values))
    return _percentile(float(statistic[1:]), sorted(values))


def enough_samples(statistic: str, count: int) -> bool:
    """Whether a percentile of so many samples means something, by AWS's measure: ten of them lie beyond it.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html
    """
    if statistic in _SIMPLE:
        return True
    share = float(statistic[1:]) / 100
    beyond = 1 - share if share >= 0.5 else share
    return beyond == 0 or count >= round(10 / beyond, 6)


def _percentile(percent: float, ordered: Sequence[float]) -> float:
    """Interpolated between the two nearest ranks."""
    rank = percent / 100 * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (rank - low)
