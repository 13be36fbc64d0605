"""The parts of an item that a request asks for.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from testing.dynamodb.expressions.nodes import Path
from testing.dynamodb.expressions.paths import Steps, follow, parse_path
from testing.dynamodb.expressions.tokens import END, Tokens
from testing.dynamodb.values import Item, Shown, Value, show

KIND = "ProjectionExpression"


@lru_cache(maxsize=256)
def parse_projection(text: str) -> tuple[Path, ...]:
    """The paths. Raises Refused where the text is none."""
    tokens = Tokens(KIND, text)
    paths = [parse_path(tokens)]
    while tokens.accept(","):
        paths.append(parse_path(tokens))
    if tokens.peek().kind != END:
        raise tokens.syntax_error()
    return tuple(paths)


def project(item: Item, paths: Iterable[Steps]) -> Shown:
    """What is at the paths for a reply, where it is; elements of a list close up, in the list's order."""
    tree: dict[str | int, Any] = {}
    for steps in paths:
        if follow(steps, item) is None:
            continue
        level = tree
        for step in steps[:-1]:
            level = level.setdefault(step, {})
        level[steps[-1]] = None
    return {str(name): _pick(item[str(name)], wanted) for name, wanted in tree.items()}


def _pick(value: Value, wanted: dict[str | int, Any] | None) -> Shown:
    if wanted is None:
        return show(value)
    kind, content = value
    if kind == "M":
        return {"M": {str(name): _pick(content[name], inner) for name, inner in wanted.items()}}
    return {"L": [_pick(content[position], wanted[position]) for position in sorted(wanted, key=int)]}
