"""Parses the values in PartiQL statements: parameters, literals, paths, and what SET can compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from testing.dynamodb.errors import invalid
from testing.dynamodb.expressions.nodes import (
    Arithmetic,
    IfNotExists,
    ListAppend,
    Path,
    SetMembers,
    Size,
    Term,
    ValueRef,
)
from testing.dynamodb.expressions.tokens import NAME, NUMBER
from testing.dynamodb.partiql.tokens import QUOTED, STRING, StatementTokens
from testing.dynamodb.values import ORDERED, Value

# A value that is known when the parameters are; what is put together from them is still to be admitted.
Literal = Callable[[Sequence[Value]], Value]
WORDS = ("TRUE", "FALSE", "NULL")


class Terms:
    """Reads terms from a statement; remembers each literal and parameter under a name of its own.

    `composes`: whether any of them is more than a parameter or a text.
    """

    def __init__(self, tokens: StatementTokens) -> None:
        self._tokens = tokens
        self._values: list[tuple[str, Literal]] = []
        self.parameter_count = 0
        self.composes = False

    @property
    def values(self) -> tuple[tuple[str, Literal], ...]:
        """The literals and parameters that terms refer to."""
        return tuple(self._values)

    def path(self) -> Path:
        """`"a"."b"[0]`, with or without quotes."""
        parts: list[str | int] = [self._tokens.take_name()]
        while True:
            if self._tokens.accept("."):
                parts.append(self._tokens.take_name())
            elif self._tokens.accept("["):
                if self._tokens.peek().kind != NUMBER:
                    raise self._tokens.syntax_error()
                parts.append(int(self._tokens.take().text))
                self._tokens.expect("]")
            else:
                return Path(tuple(parts))

    def operand(self) -> Path | ValueRef | Size:
        """What a condition compares."""
        if self._calls("size"):
            self._tokens.take()
            self._tokens.expect("(")
            inner = self.path()
            self._tokens.expect(")")
            return Size(inner)
        return self.path() if self._begins_path() else self.value()

    def value(self) -> ValueRef:
        """A literal or parameter, by the name under which it is remembered."""
        name = f":{len(self._values)}"
        self._values.append((name, self.literal()))
        return ValueRef(name)

    def term(self) -> Term:
        """What SET assigns."""
        left = self._part()
        for operator in ("+", "-"):
            if self._tokens.accept(operator):
                return Arithmetic(operator, left, self._part())
        return left

    def item(self) -> Literal:
        """What INSERT creates: a map, where the statement makes sense."""
        return self._map() if self._tokens.accept("{") else self.literal()

    def literal(self) -> Literal:
        """A parameter, scalar, list, map or set."""
        tokens = self._tokens
        if tokens.accept("?"):
            position = self.parameter_count
            self.parameter_count += 1
            return lambda parameters: parameters[position]
        if tokens.peek().kind == STRING:
            text = tokens.take().text
            return lambda _: ("S", text)
        if word := tokens.accept_word(*WORDS):
            return lambda _: ("NULL", True) if word == "NULL" else ("BOOL", word == "TRUE")
        self.composes = True
        if tokens.peek().kind in (NUMBER, "-"):
            return self._number()
        if tokens.accept("{"):
            return self._map()
        if tokens.accept("["):
            members = self._members("]")
            return lambda parameters: ("L", tuple([member(parameters) for member in members]))
        if tokens.accept("<<"):
            members = self._members(">>")
            return lambda parameters: _set([member(parameters) for member in members])
        raise tokens.syntax_error()

    def _number(self) -> Literal:
        sign = "-" if self._tokens.accept("-") else ""
        if self._tokens.peek().kind != NUMBER:
            raise self._tokens.syntax_error()
        number = sign + self._tokens.take().text
        return lambda _: ("N", number)

    def _map(self) -> Literal:
        members: list[tuple[str, Literal]] = []
        while not self._tokens.accept("}"):
            if members:
                self._tokens.expect(",")
            if self._tokens.peek().kind not in (STRING, QUOTED):
                raise self._tokens.syntax_error()
            name = self._tokens.take().text
            self._tokens.expect(":")
            members.append((name, self.literal()))
        return lambda parameters: ("M", {name: member(parameters) for name, member in members})

    def _members(self, end: str) -> list[Literal]:
        members: list[Literal] = []
        while not self._tokens.accept(end):
            if members:
                self._tokens.expect(",")
            members.append(self.literal())
        return members

    def _part(self) -> Term:
        if self._calls("list_append", "if_not_exists", "set_add", "set_delete"):
            return self._function()
        return self.path() if self._begins_path() else self.value()

    def _function(self) -> Term:
        name = self._tokens.take().text.lower()
        self._tokens.expect("(")
        first = self._part()
        self._tokens.expect(",")
        second = self._part()
        self._tokens.expect(")")
        if name == "list_append":
            return ListAppend(first, second)
        if not isinstance(first, Path):
            raise self._tokens.error(f"{name} needs a path")
        if name == "if_not_exists":
            return IfNotExists(first, second)
        if not isinstance(second, ValueRef):
            raise self._tokens.error(f"{name} needs a set")
        return SetMembers("ADD" if name == "set_add" else "DELETE", first, second)

    def _calls(self, *names: str) -> bool:
        token = self._tokens.peek()
        return token.kind == NAME and token.text.lower() in names and self._tokens.peek(1).kind == "("

    def _begins_path(self) -> bool:
        token = self._tokens.peek()
        return token.kind == QUOTED or (token.kind == NAME and token.text.upper() not in WORDS)


def _set(members: Sequence[Value]) -> Value:
    kinds = {kind for kind, _ in members}
    if len(kinds) != 1 or not kinds <= set(ORDERED):
        raise invalid("Statement wasn't well formed, can't be processed: a set has members of one type, S, N or B")
    (kind,) = kinds
    return f"{kind}S", tuple(content for _, content in members)
