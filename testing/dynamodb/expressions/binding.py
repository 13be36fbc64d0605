"""A request's expressions, bound once for all requests that differ in nothing but the content of their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from testing.dynamodb.errors import Refused
from testing.dynamodb.expressions.changes import Change
from testing.dynamodb.expressions.evaluation import Predicate
from testing.dynamodb.expressions.paths import Steps
from testing.dynamodb.expressions.projection import KIND as PROJECTION
from testing.dynamodb.expressions.remembered import Remembered
from testing.dynamodb.expressions.request import NAMES, VALUES, RequestExpressions
from testing.dynamodb.expressions.scope import Values
from testing.dynamodb.expressions.updates import KIND as UPDATE
from testing.dynamodb.values import admit_members

CONDITION = "ConditionExpression"
NO_NAMES = (None,)
NO_VALUES: Values = {}

Made = TypeVar("Made")


class Binding(Generic[Made]):
    """Binds the expressions of these `parameters`, and remembers what came of it."""

    def __init__(self, make: Callable[[RequestExpressions, tuple[str, ...]], Made], *parameters: str) -> None:
        self._make = make
        self._parameters = parameters
        self._remembered: Remembered[Made] = Remembered()

    def __call__(self, request: Mapping[str, Any], key_names: tuple[str, ...] = ()) -> tuple[Made, Values]:
        """What is bound, and the request's values to call it with.

        Raises Refused where an expression makes no sense, or where a name or value of the request is in none.
        """
        names, given = request.get(NAMES), request.get(VALUES)
        try:
            values = admit_members(given) if given else NO_VALUES
        except Refused:
            RequestExpressions(request)  # there may be another reason, which comes first
            raise
        shape = (
            *map(request.get, self._parameters),
            key_names,
            *(NO_NAMES if names is None else (len(names), *names, *names.values())),
            given is None,
            *values,
            *[value[0] for value in values.values()],
        )
        made = self._remembered.get(shape)
        if made is None:
            expressions = RequestExpressions(request)
            made = self._make(expressions, key_names)
            expressions.check_all_used()
            self._remembered.keep(shape, made, expressions.scope)
        return made, values


bind_condition: Binding[tuple[Predicate | None]] = Binding(lambda expressions, _: (expressions.condition(),), CONDITION)
bind_update: Binding[tuple[Predicate | None, Change]] = Binding(
    lambda expressions, key_names: (expressions.condition(), expressions.update(key_names)), CONDITION, UPDATE
)
bind_projection: Binding[tuple[tuple[Steps, ...] | None]] = Binding(
    lambda expressions, _: (expressions.projection(),), PROJECTION
)
