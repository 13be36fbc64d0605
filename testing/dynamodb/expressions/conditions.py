"""Parses condition, filter and key condition expressions.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

from __future__ import annotations

from functools import lru_cache

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
    Size,
    ValueRef,
)
from testing.dynamodb.expressions.paths import parse_path
from testing.dynamodb.expressions.tokens import END, NAME, VALUE_REF, Tokens

COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
# Functions that are conditions, with how many operands they take.
FUNCTIONS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
}
MAX_OPTIONS = 100


@lru_cache(maxsize=1024)
def parse_condition(kind: str, text: str) -> Condition:
    """The condition; `kind` is the request's parameter. Raises Refused where DynamoDB would not take it."""
    tokens = Tokens(kind, text)
    condition = _either(tokens)
    if tokens.peek().kind != END:
        raise tokens.syntax_error()
    return condition


def _either(tokens: Tokens) -> Condition:
    condition = _both(tokens)
    while tokens.accept_word("OR"):
        condition = Or(condition, _both(tokens))
    return condition


def _both(tokens: Tokens) -> Condition:
    condition = _negation(tokens)
    while tokens.accept_word("AND"):
        condition = And(condition, _negation(tokens))
    return condition


def _negation(tokens: Tokens) -> Condition:
    if tokens.accept_word("NOT"):
        return Not(_negation(tokens))
    return _primary(tokens)


def _primary(tokens: Tokens) -> Condition:
    if tokens.accept("("):
        if tokens.peek().kind == "(":
            _refuse_redundant(tokens)
        condition = _either(tokens)
        tokens.expect(")")
        return condition
    if tokens.peek().kind == NAME and tokens.peek(1).kind == "(" and tokens.peek().text != "size":
        return _function(tokens)
    return _relation(tokens, parse_operand(tokens))


def _refuse_redundant(tokens: Tokens) -> None:
    """`((a = b))` is refused, `((a = b) AND c = d)` is not."""
    depth, ahead = 1, 1
    while depth and tokens.peek(ahead).kind != END:
        depth += {"(": 1, ")": -1}.get(tokens.peek(ahead).kind, 0)
        ahead += 1
    if tokens.peek(ahead).kind == ")":
        raise tokens.error("The expression has redundant parentheses;")


def _function(tokens: Tokens) -> Function:
    name = tokens.take().text
    if name not in FUNCTIONS:
        raise tokens.error(f"Invalid function name; function: {name}")
    arguments = _operands(tokens)
    if len(arguments) != FUNCTIONS[name]:
        raise tokens.error(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {name}, number of operands: {len(arguments)}"
        )
    return Function(name, arguments)


def _relation(tokens: Tokens, left: Operand) -> Condition:
    if tokens.accept_word("BETWEEN"):
        low = parse_operand(tokens)
        tokens.expect_word("AND")
        return Between(left, low, parse_operand(tokens))
    if tokens.accept_word("IN"):
        options = _operands(tokens)
        if len(options) > MAX_OPTIONS:
            raise tokens.error(
                "The number of operands for operator or function exceeds the limit; operator or function: IN, "
                f"number of operands: {len(options)}, limit: {MAX_OPTIONS}"
            )
        return In(left, options)
    if tokens.peek().kind in COMPARATORS:
        return Comparison(tokens.take().kind, left, parse_operand(tokens))
    if isinstance(left, Size):
        raise tokens.error("The function is not allowed to be used this way in an expression; function: size")
    raise tokens.syntax_error()


def _operands(tokens: Tokens) -> tuple[Operand, ...]:
    tokens.expect("(")
    operands = [parse_operand(tokens)]
    while tokens.accept(","):
        operands.append(parse_operand(tokens))
    tokens.expect(")")
    return tuple(operands)


def parse_operand(tokens: Tokens) -> Operand:
    """A path, a value or a size."""
    if tokens.peek().kind == VALUE_REF:
        return ValueRef(tokens.take().text)
    if tokens.peek().kind == NAME and tokens.peek(1).kind == "(":
        return _size(tokens)
    return parse_path(tokens)


def _size(tokens: Tokens) -> Size:
    name = tokens.take().text
    if name != "size":
        what = "The function is not allowed to be used this way in an expression" if name in FUNCTIONS else None
        raise tokens.error(f"{what or 'Invalid function name'}; function: {name}")
    operands = _operands(tokens)
    if len(operands) != 1:
        raise tokens.error(
            "Incorrect number of operands for operator or function; "
            f"operator or function: size, number of operands: {len(operands)}"
        )
    if isinstance(operands[0], Size):
        raise tokens.error("The function is not allowed to be used this way in an expression; function: size")
    return Size(operands[0])
