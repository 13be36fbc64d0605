"""Metric math: a parser by recursive descent that calculates as it reads; what it does not know it refuses by name.

Understood: + - * / ^, comparisons, AND && OR ||, [lists], METRICS() and the functions below.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from local.alarms import series
from local.alarms.errors import AlarmError
from local.alarms.series import Series, Value
from local.alarms.tokens import Tokens

_GRAMMAR = r"\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+|[A-Za-z_]\w*|\"[^\"]*\"|'[^']*'|&&|\|\||[<>=!]=|[-+*/^<>(),\[\]]"
_WORDS = {"AND": "&&", "OR": "||"}


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may name: the alarm's series by id, all of one period and length, and which are metrics."""

    named: Mapping[str, Series]
    metrics: Sequence[str]
    period_seconds: int
    length: int


def calculate(expression: str, scope: Scope) -> Series:
    """The series that an expression describes. Raises AlarmError for what is not understood or is no single series."""
    reader = _Reader(expression, scope)
    try:
        value = reader.read()
    except TypeError as error:
        raise AlarmError(f"`{expression}`: {error}") from error
    if isinstance(value, list):
        raise AlarmError(f"`{expression}`: an alarm watches one series, and this gives {len(value)}")
    # AWS wants a series; of a mere number, as MAX(m1) or 1 gives, a constant one is the nearest.
    return value if isinstance(value, tuple) else series.constant(value, scope.length)


def mentioned(expression: str) -> set[str]:
    """The ids in an expression: unlike functions, they begin with a small letter."""
    return set(re.findall(r"(?<!\w)[a-z]\w*", expression))


class _Reader:
    """One pass over an expression."""

    def __init__(self, expression: str, scope: Scope) -> None:
        self._scope = scope
        self._tokens = Tokens(expression, _GRAMMAR)

    def read(self) -> Value:
        value = self._either()
        self._tokens.end()
        return value

    def _either(self) -> Value:
        return self._chain(self._both, ("||", "OR"))

    def _both(self) -> Value:
        return self._chain(self._compared, ("&&", "AND"))

    def _compared(self) -> Value:
        return self._chain(self._sum, ("==", "!=", "<=", ">=", "<", ">"))

    def _sum(self) -> Value:
        return self._chain(self._product, ("+", "-"))

    def _product(self) -> Value:
        return self._chain(self._signed, ("*", "/"))

    def _signed(self) -> Value:
        if self._tokens.take_if(("-",)):
            return series.apply("*", -1.0, self._signed())
        return self._power()

    def _power(self) -> Value:
        base = self._operand()
        return series.apply("^", base, self._signed()) if self._tokens.take_if(("^",)) else base

    def _chain(self, operand: Callable[[], Value], signs: Sequence[str]) -> Value:
        value = operand()
        while sign := self._tokens.take_if(signs):
            value = series.apply(_WORDS.get(sign, sign), value, operand())
        return value

    def _operand(self) -> Value:
        word = self._tokens.take()
        if word == "(":
            value = self._either()
            self._tokens.expect(")")
            return value
        if word == "[":
            return [each for value in self._list("]") for each in _each(value)]
        if word[0].isdigit() or word[0] == ".":
            return float(word)
        if self._tokens.next == "(":
            return self._call(word)
        if word in self._scope.named:
            return self._scope.named[word]
        raise self._tokens.error(f"`{word}` is no id of a metric or expression")

    def _list(self, end: str) -> list[Value]:
        values: list[Value] = []
        if not self._tokens.take_if((end,)):
            values.append(self._either())
            while self._tokens.take_if((",",)):
                values.append(self._either())
            self._tokens.expect(end)
        return values

    def _call(self, name: str) -> Value:
        self._tokens.expect("(")
        reader = {
            "METRICS": self._metrics,
            "FILL": self._fill,
            "PERIOD": self._period,
            "IF": self._if,
            "TIME_SERIES": self._time_series,
        }.get(name)
        if reader is not None:
            return reader()
        if name not in _FUNCTIONS and name not in _CHANGES:
            known = ", ".join(sorted([*_FUNCTIONS, *_CHANGES, "FILL", "IF", "METRICS", "PERIOD", "TIME_SERIES"]))
            raise self._tokens.error(f"the function {name} is not known here; these are: {known}")
        value = self._either()
        self._tokens.expect(")")
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](value)
        period, change = self._scope.period_seconds, _CHANGES[name]
        return series.differences(value, lambda difference, periods: change(difference, periods * period))

    def _time_series(self) -> Value:
        value = self._either()
        self._tokens.expect(")")
        return series.choose(1.0, value, None, self._scope.length)

    def _if(self) -> Value:
        condition, *then = self._list(")")
        if len(then) not in (1, 2):
            raise self._tokens.error(f"IF takes 2 or 3 arguments, not {len(then) + 1}")
        return series.choose(condition, then[0], then[1] if len(then) == 2 else None, self._scope.length)

    def _metrics(self) -> Value:
        part = "" if self._tokens.next == ")" else self._tokens.take().strip("\"'")
        self._tokens.expect(")")
        return [self._scope.named[name] for name in self._scope.metrics if part in name]

    def _fill(self) -> Value:
        value = self._either()
        self._tokens.expect(",")
        filler = self._tokens.take_if(("REPEAT", "LINEAR")) or self._either()
        self._tokens.expect(")")
        return series.fill(value, filler)

    def _period(self) -> Value:
        name = self._tokens.take()
        if name not in self._scope.metrics:
            raise self._tokens.error(f"PERIOD takes the id of a metric, not `{name}`")
        self._tokens.expect(")")
        return float(self._scope.period_seconds)


def _each(value: Value) -> list[Series]:
    if isinstance(value, list):
        return value
    if isinstance(value, tuple):
        return [value]
    raise TypeError("a list takes time series, not numbers")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


# What each makes of one value.
_FUNCTIONS: Mapping[str, Callable[[Value], Value]] = {
    "ABS": partial(series.each_point, abs),
    "CEIL": partial(series.each_point, math.ceil),
    "FLOOR": partial(series.each_point, math.floor),
    "LOG": partial(series.each_point, math.log),
    "LOG10": partial(series.each_point, math.log10),
    "MAX": partial(series.aggregate, max),
    "MIN": partial(series.aggregate, min),
    "SUM": partial(series.aggregate, sum),
    "AVG": partial(series.aggregate, _mean, gaps_are_zero=True),
    "DATAPOINT_COUNT": partial(series.aggregate, len),
}
# What each makes of a difference between datapoints and the seconds between them.
_CHANGES: Mapping[str, Callable[[float, float], float]] = {
    "DIFF": lambda difference, _: difference,
    "DIFF_TIME": lambda _, seconds: seconds,
    "RATE": operator.truediv,
}
