"""Looks into parsed conditions."""

from __future__ import annotations

from collections.abc import Iterator

from testing.dynamodb.expressions.nodes import (
    And,
    Between,
    Comparison,
    Condition,
    Function,
    In,
    Not,
    Operand,
    Or,
    Path,
    Size,
)


def conjuncts(condition: Condition) -> list[Condition]:
    """The conditions that must all hold."""
    if isinstance(condition, And):
        return [*conjuncts(condition.left), *conjuncts(condition.right)]
    return [condition]


def has_or(condition: Condition) -> bool:
    """Whether an alternative is anywhere inside."""
    if isinstance(condition, And | Or):
        return isinstance(condition, Or) or has_or(condition.left) or has_or(condition.right)
    return isinstance(condition, Not) and has_or(condition.condition)


def paths_of(condition: Condition) -> Iterator[Path]:
    """Every path in a condition."""
    if isinstance(condition, And | Or):
        yield from paths_of(condition.left)
        yield from paths_of(condition.right)
    elif isinstance(condition, Not):
        yield from paths_of(condition.condition)
    else:
        for operand in operands_of(condition):
            inner = operand.operand if isinstance(operand, Size) else operand
            if isinstance(inner, Path):
                yield inner


def operands_of(condition: Comparison | Between | In | Function) -> tuple[Operand, ...]:
    """What a condition compares, the first operand first."""
    if isinstance(condition, Comparison):
        return condition.left, condition.right
    if isinstance(condition, Between):
        return condition.operand, condition.low, condition.high
    if isinstance(condition, In):
        return condition.operand, *condition.options
    return condition.arguments
