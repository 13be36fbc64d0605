"""DynamoDB's expressions: a request's texts and names become functions of items and of the request's values."""

from __future__ import annotations

from testing.dynamodb.expressions.binding import NO_VALUES, bind_condition, bind_projection, bind_update
from testing.dynamodb.expressions.changes import Change
from testing.dynamodb.expressions.evaluation import Predicate
from testing.dynamodb.expressions.request import RequestExpressions
from testing.dynamodb.expressions.scope import Values

__all__ = [
    "NO_VALUES",
    "Change",
    "Predicate",
    "RequestExpressions",
    "Values",
    "bind_condition",
    "bind_projection",
    "bind_update",
]
