"""The expressions of one request, each bound for its names and values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from testing.dynamodb.errors import invalid
from testing.dynamodb.expressions.changes import Change, bind_update, check_overlap
from testing.dynamodb.expressions.conditions import parse_condition
from testing.dynamodb.expressions.evaluation import Predicate, bind_condition
from testing.dynamodb.expressions.nodes import Update
from testing.dynamodb.expressions.paths import Steps
from testing.dynamodb.expressions.projection import KIND, parse_projection
from testing.dynamodb.expressions.scope import Scope, Values
from testing.dynamodb.expressions.updates import parse_update
from testing.dynamodb.values import admit_members

EXPRESSIONS = ("ConditionExpression", "UpdateExpression", "FilterExpression", "KeyConditionExpression", KIND)
NAMES, VALUES = "ExpressionAttributeNames", "ExpressionAttributeValues"


class RequestExpressions:
    """The expressions of one request. Ask for each, then `check_all_used`. `values` are the request's, admitted."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self._request = request
        for parameter in (NAMES, VALUES):
            if request.get(parameter) is None:
                continue
            if not request[parameter]:
                raise invalid(f"{parameter} must not be empty")
            if not any(request.get(expression) is not None for expression in EXPRESSIONS):
                raise invalid(f"{parameter} can only be specified when using expressions")
        self.values: Values = admit_members(request.get(VALUES) or {})
        self.scope = Scope(request.get(NAMES), self.values)

    def condition(self, parameter: str = "ConditionExpression") -> Predicate | None:
        """The condition of this parameter, None where the request has none."""
        text = self._request.get(parameter)
        return None if text is None else bind_condition(parse_condition(parameter, text), self.scope, parameter)

    def update(self, key_names: Iterable[str]) -> Change:
        """The update; without an UpdateExpression one that changes nothing."""
        text = self._request.get("UpdateExpression")
        return bind_update(Update() if text is None else parse_update(text), self.scope, key_names)

    def projection(self) -> tuple[Steps, ...] | None:
        """The paths that the request asks for, None for whole items."""
        text = self._request.get(KIND)
        if text is None:
            return None
        paths = tuple(self.scope.steps(path, KIND) for path in parse_projection(text))
        check_overlap(paths, KIND)
        return paths

    def check_all_used(self) -> None:
        """Raises Refused where a name or value of the request is used in no expression."""
        self.scope.check_all_used()
