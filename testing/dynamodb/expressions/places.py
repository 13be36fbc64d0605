"""Puts a value at a document path, or takes it away: what holds it is made anew, for values never change."""

from __future__ import annotations

from testing.dynamodb.errors import invalid
from testing.dynamodb.expressions.paths import Steps, child
from testing.dynamodb.values import Value

WRONG_PATH = "The document path provided in the update expression is invalid for update"


def put(item: dict[str, Value], steps: Steps, value: Value) -> None:
    """Change an item that is being made: the value is then at the path. Raises Refused where nothing can be there."""
    name = str(steps[0])
    item[name] = _with(item.get(name), steps[1:], value)


def remove(item: dict[str, Value], steps: Steps) -> None:
    """Change an item that is being made: nothing is at the path then. Raises Refused where nothing could be there."""
    name = str(steps[0])
    if len(steps) == 1:
        item.pop(name, None)
    else:
        item[name] = _without(item.get(name), steps[1:])


def _with(holder: Value | None, steps: Steps, value: Value) -> Value:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    kind, content = _holder(holder, step)
    member = _with(child((kind, content), step), rest, value)
    if isinstance(step, str):
        return kind, {**content, step: member}
    return kind, (*content[:step], member, *content[step + 1 :])


def _without(holder: Value | None, steps: Steps) -> Value:
    step, rest = steps[0], steps[1:]
    kind, content = _holder(holder, step)
    if rest:
        return _with((kind, content), (step,), _without(child((kind, content), step), rest))
    if isinstance(step, str):
        return kind, {name: member for name, member in content.items() if name != step}
    return kind, content[:step] + content[step + 1 :]


def _holder(value: Value | None, step: str | int) -> Value:
    """The map or list that has, or could have, such a member."""
    if value is None or value[0] != ("M" if isinstance(step, str) else "L"):
        raise invalid(WRONG_PATH)
    return value
