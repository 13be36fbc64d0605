"""Rules of composite alarms: ALARM("name or ARN"), OK(), INSUFFICIENT_DATA(), AND, OR, NOT, TRUE, FALSE, parentheses.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from local.alarms.errors import AlarmError
from local.alarms.evaluation import State
from local.alarms.tokens import Tokens

_GRAMMAR = r"\"(?:\\.|[^\"\\])*\"|[(),]|[^\s(),\"]+"
_STATES: tuple[State, ...] = ("ALARM", "OK", "INSUFFICIENT_DATA")


def holds(rule: str, states: Mapping[str, State]) -> bool:
    """Whether a rule is true while alarms are in these states, by name. Raises AlarmError for a rule not understood."""

    def is_in(state: State, name: str) -> bool:
        if name not in states:
            raise AlarmError(f"the rule `{rule}` names the alarm {name}, which is in no template")
        return states[name] == state

    return _Reader(rule, is_in).read()


def children(rule: str) -> list[str]:
    """The names of the alarms in a rule, each once, in its order."""
    found: dict[str, None] = {}

    def note(_: State, name: str) -> bool:
        found[name] = None
        return False

    _Reader(rule, note).read()
    return list(found)


class _Reader:
    """One pass over a rule. Every part is read, whatever the others say."""

    def __init__(self, rule: str, is_in: Callable[[State, str], bool]) -> None:
        self._tokens = Tokens(rule, _GRAMMAR)
        self._is_in = is_in

    def read(self) -> bool:
        value = self._either()
        self._tokens.end()
        return value

    def _either(self) -> bool:
        value = self._both()
        while self._tokens.take_if(("OR",)):
            value = self._both() or value
        return value

    def _both(self) -> bool:
        value = self._operand()
        while self._tokens.take_if(("AND",)):
            value = self._operand() and value
        return value

    def _operand(self) -> bool:
        word = self._tokens.take()
        if word == "NOT":
            return not self._operand()
        if word == "(":
            value = self._either()
            self._tokens.expect(")")
            return value
        if word in ("TRUE", "FALSE"):
            return word == "TRUE"
        for state in _STATES:
            if word == state:
                self._tokens.expect("(")
                name = alarm_name(self._tokens.take())
                self._tokens.expect(")")
                return self._is_in(state, name)
        raise self._tokens.error(f"`{word}` is not known here: AND, OR, NOT, TRUE, FALSE, {', '.join(_STATES)} are")


def alarm_name(reference: str) -> str:
    """The name in a reference: quoted or not, a name or an ARN."""
    bare = re.sub(r"\\(.)", r"\1", reference[1:-1]) if reference.startswith('"') else reference
    return bare.partition(":alarm:")[2] if bare.startswith("arn:") else bare
