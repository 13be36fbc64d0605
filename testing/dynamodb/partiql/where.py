"""Parses the WHERE of PartiQL statements into the conditions that expressions have too."""

from __future__ import annotations

from testing.dynamodb.expressions.conditions import COMPARATORS
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
)
from testing.dynamodb.expressions.tokens import NAME
from testing.dynamodb.partiql.terms import Terms
from testing.dynamodb.partiql.tokens import StatementTokens

FUNCTIONS = ("begins_with", "contains", "attribute_type")


def parse_where(tokens: StatementTokens, terms: Terms) -> Condition:
    """The condition. Raises Refused where it is not well formed."""
    condition = _both(tokens, terms)
    while tokens.accept_word("OR"):
        condition = Or(condition, _both(tokens, terms))
    return condition


def _both(tokens: StatementTokens, terms: Terms) -> Condition:
    condition = _negation(tokens, terms)
    while tokens.accept_word("AND"):
        condition = And(condition, _negation(tokens, terms))
    return condition


def _negation(tokens: StatementTokens, terms: Terms) -> Condition:
    if tokens.accept_word("NOT"):
        return Not(_negation(tokens, terms))
    if tokens.accept("("):
        condition = parse_where(tokens, terms)
        tokens.expect(")")
        return condition
    token = tokens.peek()
    if token.kind == NAME and token.text.lower() in FUNCTIONS and tokens.peek(1).kind == "(":
        return _function(tokens, terms)
    return _relation(tokens, terms, terms.operand())


def _function(tokens: StatementTokens, terms: Terms) -> Function:
    name = tokens.take().text.lower()
    tokens.expect("(")
    first = terms.operand()
    tokens.expect(",")
    second = terms.operand()
    tokens.expect(")")
    return Function(name, (first, second))


def _relation(tokens: StatementTokens, terms: Terms, left: Operand) -> Condition:
    if tokens.accept_word("BETWEEN"):
        low = terms.operand()
        tokens.expect_word("AND")
        return Between(left, low, terms.operand())
    if tokens.accept_word("IN"):
        return In(left, _options(tokens, terms))
    if tokens.accept_word("IS"):
        return _missing(tokens, left)
    if tokens.peek().kind in COMPARATORS:
        return Comparison(tokens.take().kind, left, terms.operand())
    raise tokens.syntax_error()


def _missing(tokens: StatementTokens, left: Operand) -> Condition:
    is_negated = tokens.accept_word("NOT")
    tokens.expect_word("MISSING")
    if not isinstance(left, Path):
        raise tokens.error("MISSING needs a path")
    return Function("attribute_exists" if is_negated else "attribute_not_exists", (left,))


def _options(tokens: StatementTokens, terms: Terms) -> tuple[Operand, ...]:
    end = ")" if tokens.accept("(") else "]"
    if end == "]":
        tokens.expect("[")
    options = [terms.operand()]
    while tokens.accept(","):
        options.append(terms.operand())
    tokens.expect(end)
    return tuple(options)
