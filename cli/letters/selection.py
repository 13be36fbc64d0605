"""Which letters an operator means: by id, by reason, by age, or by an expression over what a letter says.

An expression is `FIELD=VALUE`, `FIELD~REGEX`, or else a text that the body, the reason or the error holds. A field is
one of a letter's (reason, error, detail, event_id, type, group, letter, subject ...) or a path into the event's data,
such as `data.ship_to.country`; through a list it means any of its members.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cli.errors import UsageError
from cli.letters.letter import Letter

_EXPRESSION = re.compile(r"(?P<field>[a-z_]+(\.[A-Za-z0-9_]+)*)(?P<operator>[=~])(?P<wanted>.*)", re.DOTALL)

Matches = Callable[[Letter], bool]


@dataclass(frozen=True, kw_only=True)
class Selection:
    """All letters that fit everything that is given; `ids` are events' or letters' own."""

    ids: Sequence[str] = ()
    reason: str | None = None
    match: str | None = None
    dead_before: datetime | None = None

    def takes(self, letter: Letter) -> bool:
        """Whether the operator means this one. Raises UsageError for an expression that is none."""
        return (
            (not self.ids or letter.id in self.ids or letter.event_id in self.ids)
            and (self.reason is None or letter.reason == self.reason)
            and (self.dead_before is None or letter.dead_since < self.dead_before)
            and (self.match is None or matcher(self.match)(letter))
        )

    def names(self, letter: Letter) -> bool:
        """Whether it is asked for by its id or by its very reason, so that it is wanted whatever speaks against it."""
        return letter.id in self.ids or letter.event_id in self.ids or letter.reason == self.reason


def matcher(expression: str) -> Matches:
    """What an expression takes. Raises UsageError."""
    parts = _EXPRESSION.fullmatch(expression)
    # A text such as `a=b` may be meant as it is; only what begins as a letter's field is one.
    if parts is None or parts["field"].partition(".")[0] not in _FIELDS:
        return lambda letter: any(expression in text for text in _texts(letter))
    path, wanted = parts["field"].split("."), parts["wanted"]
    if parts["operator"] == "=":
        return lambda letter: any(value == wanted for value in _values(letter.described(), path))
    try:
        pattern = re.compile(wanted)
    except re.error as error:
        raise UsageError(f"--match {expression!r}: {wanted!r} is no regular expression: {error}") from error
    return lambda letter: any(pattern.search(value) for value in _values(letter.described(), path))


_FIELDS = frozenset(
    Letter(id="", body="", attributes={}, group=None, deduplication_id=None, sent_at=0, receives=0).described()
)


def _texts(letter: Letter) -> Iterator[str]:
    yield letter.body
    yield letter.reason
    yield from (str(letter.facts[name]) for name in ("error", "detail") if name in letter.facts)


def _values(value: Any, path: Sequence[str]) -> Iterator[str]:
    """The values at a path as texts: a JSON string as it is, any other value as JSON writes it."""
    if isinstance(value, list):
        for each in value:
            yield from _values(each, path)
    elif not path:
        yield value if isinstance(value, str) else json.dumps(value)
    elif isinstance(value, dict) and path[0] in value:
        yield from _values(value[path[0]], path[1:])
