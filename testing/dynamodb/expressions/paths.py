"""Parses and follows document paths such as `a.#b[0]`."""

from __future__ import annotations

from collections.abc import Callable

from testing.dynamodb.expressions.nodes import NameRef, Path
from testing.dynamodb.expressions.reserved import RESERVED
from testing.dynamodb.expressions.tokens import NAME, NAME_REF, NUMBER, Tokens
from testing.dynamodb.values import Item, Value

Steps = tuple[str | int, ...]


def parse_path(tokens: Tokens) -> Path:
    """A path. Raises Refused where none begins, or where a reserved word is used for a name."""
    parts: list[str | int | NameRef] = [_name(tokens)]
    while True:
        if tokens.accept("."):
            parts.append(_name(tokens))
        elif tokens.accept("["):
            if tokens.peek().kind != NUMBER:
                raise tokens.syntax_error()
            parts.append(int(tokens.take().text))
            tokens.expect("]")
        else:
            return Path(tuple(parts))


def _name(tokens: Tokens) -> str | NameRef:
    token = tokens.peek()
    if token.kind not in (NAME, NAME_REF):
        raise tokens.syntax_error()
    tokens.take()
    if token.kind == NAME_REF:
        return NameRef(token.text)
    if token.text.upper() in RESERVED:
        raise tokens.error(f"Attribute name is a reserved keyword; reserved keyword: {token.text}")
    return token.text


def follow(steps: Steps, item: Item | None) -> Value | None:
    """The value at a path, None where there is none."""
    if item is None:
        return None
    found = item.get(str(steps[0]))
    for step in steps[1:]:
        if found is None:
            return None
        found = child(found, step)
    return found


def finder(steps: Steps) -> Callable[[Item | None], Value | None]:
    """`follow` for one path."""
    if len(steps) > 1:
        return lambda item: follow(steps, item)
    name = str(steps[0])
    return lambda item: None if item is None else item.get(name)


def child(value: Value, step: str | int) -> Value | None:
    """The member of a map or list, None where there is none."""
    kind, content = value
    if isinstance(step, str):
        member: Value | None = content.get(step) if kind == "M" else None
        return member
    members: tuple[Value, ...] = content if kind == "L" else ()
    return members[step] if step < len(members) else None


def show(steps: Steps) -> str:
    """A path in AWS's errors: `[a, b, [0]]`."""
    return f"[{', '.join(f'[{step}]' if isinstance(step, int) else step for step in steps)}]"
