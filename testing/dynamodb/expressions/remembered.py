"""Remembers what was bound, by what its binding depends on."""

from __future__ import annotations

from typing import Generic, TypeVar

from testing.dynamodb.expressions.scope import Scope

MAX_REMEMBERED = 1024

Made = TypeVar("Made")


class Remembered(Generic[Made]):
    """What was bound, by shapes: texts, names, and the types of values, without their content."""

    def __init__(self) -> None:
        self._made: dict[object, Made] = {}

    def get(self, shape: object) -> Made | None:
        """What was bound for this shape, None where nothing was or is remembered."""
        return self._made.get(shape)

    def keep(self, shape: object, made: Made, scope: Scope) -> None:
        """Remember what was bound in this scope, unless it serves the values of one request alone."""
        if scope.is_particular:
            return
        if len(self._made) >= MAX_REMEMBERED:
            self._made.clear()
        self._made[shape] = made
