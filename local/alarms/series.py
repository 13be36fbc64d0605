"""Values of metric math and what it does with them: numbers, time series with gaps, and lists of time series.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence

Point = float | None  # None: no datapoint in that period
Series = tuple[Point, ...]  # the newest is the last
Value = float | Series | list[Series]

_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "&&": lambda left, right: bool(left) and bool(right),
    "||": lambda left, right: bool(left) or bool(right),
}


def apply(sign: str, left: Value, right: Value) -> Value:
    """An operator between two values. Of two series, a datapoint that only one has is 0 in the other.

    Division by zero, and what has no real result, drops the datapoint; of two numbers it makes 0.
    """
    if isinstance(left, list):
        return [_series(apply(sign, each, right)) for each in left]
    if isinstance(right, list):
        return [_series(apply(sign, left, each)) for each in right]
    if isinstance(left, tuple) and isinstance(right, tuple):
        return tuple(_both(sign, a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, tuple):
        return tuple(None if a is None else _calculate(sign, a, _number(right)) for a in left)
    if isinstance(right, tuple):
        return tuple(None if b is None else _calculate(sign, left, b) for b in right)
    return _calculate(sign, left, right) or 0.0


def each_point(function: Callable[[float], float], value: Value) -> Value:
    """A function of every datapoint."""
    if isinstance(value, list):
        return [_series(each_point(function, each)) for each in value]
    if isinstance(value, tuple):
        return tuple(None if point is None else _real(function, point) for point in value)
    return _real(function, value) or 0.0


def aggregate(function: Callable[[Sequence[float]], float], value: Value, *, gaps_are_zero: bool = False) -> Value:
    """A series becomes one number, several become one series. `gaps_are_zero` where others have a datapoint."""
    if isinstance(value, list):
        return tuple(_across(function, points, gaps_are_zero) for points in zip(*value, strict=True))
    if isinstance(value, tuple):
        present = _present(value)
        return float(function(present)) if present else 0.0
    return value


def fill(value: Value, filler: Value | str) -> Value:
    """Gaps get the filler: a number, another series, REPEAT (the last datapoint) or LINEAR (between its neighbours)."""
    if isinstance(value, list):
        return [_series(fill(each, filler)) for each in value]
    if not isinstance(value, tuple):
        return value
    if filler == "REPEAT":
        return _repeated(value)
    if filler == "LINEAR":
        return _interpolated(value)
    if isinstance(filler, tuple):
        return tuple(other if own is None else own for own, other in zip(value, filler, strict=True))
    return tuple(_number(filler) if own is None else own for own in value)


def differences(value: Value, of: Callable[[float, int], float]) -> Value:
    """`of` each datapoint's difference from the one before it and how many periods lie between; the first has none."""
    if isinstance(value, list):
        return [_series(differences(each, of)) for each in value]
    points: list[Point] = []
    before: tuple[int, float] | None = None
    for position, point in enumerate(_series(value)):
        points.append(None if point is None or before is None else of(point - before[1], position - before[0]))
        before = before if point is None else (position, point)
    return tuple(points)


def choose(condition: Value, then: Value, otherwise: Value | None, length: int) -> Value:
    """IF. Where the condition has no datapoint there is none; where it is true and `then` has none, 0."""
    if isinstance(condition, tuple):
        yes, no = _spread(then, length), _spread(otherwise, length)
        return tuple(
            None if held is None else (a or 0.0) if held else b for held, a, b in zip(condition, yes, no, strict=True)
        )
    return _spread(then if condition else otherwise, length)


def constant(number: float, length: int) -> Series:
    """A series of the same number."""
    return (number,) * length


def _spread(value: Value | None, length: int) -> Series:
    if value is None:
        return (None,) * length
    return value if isinstance(value, tuple) else constant(_number(value), length)


def _both(sign: str, left: Point, right: Point) -> Point:
    return None if left is None and right is None else _calculate(sign, left or 0.0, right or 0.0)


def _calculate(sign: str, left: float, right: float) -> Point:
    return _real(lambda number: _ARITHMETIC[sign](number, right), left)


def _real(function: Callable[[float], float], number: float) -> Point:
    try:
        result = function(number)
    except (ZeroDivisionError, OverflowError, ValueError):
        return None
    return float(result) if isinstance(result, bool | int | float) and math.isfinite(result) else None


def _across(function: Callable[[Sequence[float]], float], points: Iterable[Point], gaps_are_zero: bool) -> Point:
    everyone = list(points)
    present = _present(everyone)
    if not present:
        return None
    return float(function([point or 0.0 for point in everyone] if gaps_are_zero else present))


def _repeated(series: Series) -> Series:
    filled: list[Point] = []
    for point in series:
        filled.append(filled[-1] if point is None and filled else point)
    return tuple(filled)


def _interpolated(series: Series) -> Series:
    known = [position for position, point in enumerate(series) if point is not None]

    def between(position: int) -> Point:
        left = max((each for each in known if each <= position), default=None)
        right = min((each for each in known if each >= position), default=None)
        if left is None or right is None:
            return None
        low, high = series[left] or 0.0, series[right] or 0.0
        return low if left == right else low + (high - low) * (position - left) / (right - left)

    return tuple(between(position) for position in range(len(series)))


def _present(points: Iterable[Point]) -> list[float]:
    return [point for point in points if point is not None]


def _series(value: Value) -> Series:
    if not isinstance(value, tuple):
        raise TypeError("a time series is needed here, not a number or a list of series")
    return value


def _number(value: Value | str) -> float:
    if not isinstance(value, float | int):
        raise TypeError("a number is needed here")
    return float(value)
