"""Parses PartiQL statements: INSERT, UPDATE, DELETE and SELECT of one table.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.statements.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from testing.dynamodb.errors import NotImplementedHere
from testing.dynamodb.expressions.nodes import Condition, Path, Term, Update
from testing.dynamodb.expressions.tokens import END
from testing.dynamodb.partiql.terms import Literal, Terms
from testing.dynamodb.partiql.tokens import StatementTokens
from testing.dynamodb.partiql.where import parse_where

INSERT, UPDATE, DELETE, SELECT = "INSERT", "UPDATE", "DELETE", "SELECT"
NOTHING = Update()


@dataclass(frozen=True)
class Statement:
    """A statement whose parameters are still to come: `values` are the literals and parameters it refers to.

    `composes`: whether any of those, or of an INSERT's, is still to be admitted when the parameters are there.
    """

    kind: str
    table: str
    values: tuple[tuple[str, Literal], ...]
    parameter_count: int
    composes: bool
    item: Literal | None = None
    update: Update = NOTHING
    where: Condition | None = None
    columns: tuple[Path, ...] | None = None
    returning: str = "NONE"


@lru_cache(maxsize=1024)
def parse_statement(text: str) -> Statement:
    """The statement. Raises Refused where it is not well formed."""
    tokens = StatementTokens(text)
    kind = tokens.accept_word(INSERT, UPDATE, DELETE, SELECT)
    if kind is None:
        raise tokens.error("Unsupported operation")
    terms = Terms(tokens)
    statement = {INSERT: _insert, UPDATE: _update, DELETE: _delete, SELECT: _select}[kind](tokens, terms)
    if tokens.peek().kind != END:
        raise tokens.syntax_error()
    return statement


def _insert(tokens: StatementTokens, terms: Terms) -> Statement:
    tokens.expect_word("INTO")
    table = tokens.take_name()
    tokens.expect_word("VALUE")
    item = terms.item()
    return Statement(INSERT, table, terms.values, terms.parameter_count, terms.composes, item=item)


def _update(tokens: StatementTokens, terms: Terms) -> Statement:
    table = tokens.take_name()
    sets: list[tuple[Path, Term]] = []
    removes: list[Path] = []
    while section := tokens.accept_word("SET", "REMOVE"):
        while True:
            path = terms.path()
            if section == "SET":
                tokens.expect("=")
                sets.append((path, terms.term()))
            else:
                removes.append(path)
            if not tokens.accept(","):
                break
    if not sets and not removes:
        raise tokens.syntax_error()
    where = _where(tokens, terms)
    returning = _returning(tokens)
    update = Update(sets=tuple(sets), removes=tuple(removes))
    return Statement(
        UPDATE,
        table,
        terms.values,
        terms.parameter_count,
        terms.composes,
        update=update,
        where=where,
        returning=returning,
    )


def _delete(tokens: StatementTokens, terms: Terms) -> Statement:
    tokens.expect_word("FROM")
    table = tokens.take_name()
    where = _where(tokens, terms)
    returning = _returning(tokens)
    if returning not in ("NONE", "ALL_OLD"):
        raise tokens.error("Only RETURNING ALL OLD * is allowed in DELETE statements.")
    return Statement(
        DELETE, table, terms.values, terms.parameter_count, terms.composes, where=where, returning=returning
    )


def _select(tokens: StatementTokens, terms: Terms) -> Statement:
    columns: tuple[Path, ...] | None = None
    if not tokens.accept("*"):
        listed = [terms.path()]
        while tokens.accept(","):
            listed.append(terms.path())
        columns = tuple(listed)
    tokens.expect_word("FROM")
    table = tokens.take_name()
    if tokens.accept("."):
        raise NotImplementedHere("SELECT from an index")
    where = _where(tokens, terms) if tokens.peek().kind != END else None
    if tokens.accept_word("ORDER"):
        raise NotImplementedHere("SELECT ... ORDER BY")
    return Statement(SELECT, table, terms.values, terms.parameter_count, terms.composes, where=where, columns=columns)


def _where(tokens: StatementTokens, terms: Terms) -> Condition:
    tokens.expect_word("WHERE")
    return parse_where(tokens, terms)


def _returning(tokens: StatementTokens) -> str:
    """RETURNING as UpdateItem's ReturnValues: ALL OLD * is ALL_OLD, MODIFIED NEW * is UPDATED_NEW."""
    if not tokens.accept_word("RETURNING"):
        return "NONE"
    which = tokens.accept_word("ALL", "MODIFIED")
    when = tokens.accept_word("OLD", "NEW")
    if which is None or when is None:
        raise tokens.syntax_error()
    tokens.expect("*")
    return f"{'ALL' if which == 'ALL' else 'UPDATED'}_{when}"
