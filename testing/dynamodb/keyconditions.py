"""A query's key condition: the partition, and what the sort key must meet.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
"""

from __future__ import annotations

from typing import Any

from testing.dynamodb.errors import invalid, invalid_parameter
from testing.dynamodb.expressions import Predicate, RequestExpressions
from testing.dynamodb.expressions.conditions import parse_condition
from testing.dynamodb.expressions.evaluation import bind_condition
from testing.dynamodb.expressions.nodes import (
    Between,
    Comparison,
    Condition,
    Function,
    In,
    Not,
    Or,
    Path,
    ValueRef,
)
from testing.dynamodb.expressions.walk import conjuncts, operands_of
from testing.dynamodb.schema import Schema
from testing.dynamodb.values import comparable

KIND = "KeyConditionExpression"


def split(schema: Schema, expressions: RequestExpressions, text: str) -> tuple[Any, Predicate]:
    """The partition key's value, and whether an item meets the whole condition. Raises Refused where it is no such."""
    condition = parse_condition(KIND, text)
    parts = {}
    for part in conjuncts(condition):
        name = _attribute(schema, expressions, part)
        if name in parts:
            raise invalid(f"{KIND}s must only contain one condition per key")
        parts[name] = part
    partition = parts.get(schema.partition_key)
    if partition is None:
        raise invalid(f"Query condition missed key schema element: {schema.partition_key}")
    if not isinstance(partition, Comparison) or partition.operator != "=":
        raise invalid("Query key condition not supported")
    assert isinstance(partition.right, ValueRef)
    value = expressions.scope.value(partition.right, KIND)
    if not value[1]:
        raise invalid(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
            f"empty {'string' if value[0] == 'S' else 'binary'} value. Key: {schema.partition_key}"
        )
    return comparable(value), bind_condition(condition, expressions.scope, KIND)


def _attribute(schema: Schema, expressions: RequestExpressions, part: Condition) -> str:
    """The key attribute that a part of the condition is about."""
    if isinstance(part, Or | Not):
        raise invalid(f"Invalid {KIND}: Invalid operator used in {KIND}: {type(part).__name__.upper()}")
    if isinstance(part, In):
        raise invalid(f"Invalid {KIND}: Invalid operator used in {KIND}: IN")
    if isinstance(part, Function) and part.name != "begins_with":
        raise invalid(f"Invalid {KIND}: Invalid operator used in {KIND}: {part.name}")
    if isinstance(part, Comparison) and part.operator == "<>":
        raise invalid(f"Invalid {KIND}: Invalid operator used in {KIND}: <>")
    assert isinstance(part, Comparison | Between | Function)
    first, *others = operands_of(part)
    if not isinstance(first, Path) or not all(isinstance(other, ValueRef) for other in others):
        raise invalid(f"Invalid {KIND}: Invalid operand used in {KIND}")
    name = str(expressions.scope.steps(first, KIND)[0])
    if name not in schema.names or len(first.parts) > 1:
        missed = next((key for key in schema.names), name)
        raise invalid(f"Query condition missed key schema element: {missed}")
    for other in others:
        assert isinstance(other, ValueRef)
        if expressions.scope.type_of(other, KIND) != schema.type_of(name):
            raise invalid_parameter("Condition parameter type does not match schema type")
    return name
