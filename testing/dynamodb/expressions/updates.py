"""Parses update expressions.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from testing.dynamodb.expressions.nodes import (
    Arithmetic,
    IfNotExists,
    ListAppend,
    Path,
    Term,
    Update,
    ValueRef,
)
from testing.dynamodb.expressions.paths import parse_path
from testing.dynamodb.expressions.tokens import END, NAME, VALUE_REF, Tokens

KIND = "UpdateExpression"
Parsed = TypeVar("Parsed")


@lru_cache(maxsize=1024)
def parse_update(text: str) -> Update:
    """The update. Raises Refused where DynamoDB would not take it."""
    tokens = Tokens(KIND, text)
    sets: list[tuple[Path, Term]] = []
    removes: list[Path] = []
    adds: list[tuple[Path, ValueRef]] = []
    deletes: list[tuple[Path, ValueRef]] = []
    seen: set[str] = set()
    while tokens.peek().kind != END:
        section = tokens.accept_word("SET", "REMOVE", "ADD", "DELETE")
        if section is None:
            raise tokens.syntax_error()
        if section in seen:
            raise tokens.error(f'The "{section}" section can only be used once in an update expression;')
        seen.add(section)
        if section == "SET":
            sets = _listed(tokens, _assignment)
        elif section == "REMOVE":
            removes = _listed(tokens, parse_path)
        elif section == "ADD":
            adds = _listed(tokens, _path_and_value)
        else:
            deletes = _listed(tokens, _path_and_value)
    return Update(tuple(sets), tuple(removes), tuple(adds), tuple(deletes))


def _listed(tokens: Tokens, parse: Callable[[Tokens], Parsed]) -> list[Parsed]:
    found = [parse(tokens)]
    while tokens.accept(","):
        found.append(parse(tokens))
    return found


def _assignment(tokens: Tokens) -> tuple[Path, Term]:
    path = parse_path(tokens)
    tokens.expect("=")
    left = _term(tokens)
    for operator in ("+", "-"):
        if tokens.accept(operator):
            return path, Arithmetic(operator, left, _term(tokens))
    return path, left


def _path_and_value(tokens: Tokens) -> tuple[Path, ValueRef]:
    return parse_path(tokens), _value(tokens)


def _value(tokens: Tokens) -> ValueRef:
    if tokens.peek().kind != VALUE_REF:
        raise tokens.syntax_error()
    return ValueRef(tokens.take().text)


def _term(tokens: Tokens) -> Term:
    if tokens.peek().kind == VALUE_REF:
        return _value(tokens)
    if tokens.peek().kind == NAME and tokens.peek(1).kind == "(":
        return _function(tokens)
    return parse_path(tokens)


def _function(tokens: Tokens) -> Term:
    name = tokens.take().text
    if name not in ("if_not_exists", "list_append"):
        raise tokens.error(f"Invalid function name; function: {name}")
    tokens.expect("(")
    operands = _listed(tokens, _term)
    tokens.expect(")")
    if len(operands) != 2:
        raise tokens.error(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {name}, number of operands: {len(operands)}"
        )
    first, second = operands
    if name == "if_not_exists":
        if not isinstance(first, Path):
            raise tokens.error("Operator or function requires a document path; operator or function: if_not_exists")
        return IfNotExists(first, second)
    if isinstance(first, ListAppend) or isinstance(second, ListAppend):
        raise tokens.error("The function is not allowed to be used this way in an expression; function: list_append")
    return ListAppend(first, second)
