"""Which SNS message attributes events can have, and whether a filter policy can take one of them."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

from messaging import filters
from messaging.events import EventType

# By name: the value, or None where it can be any text.
Attributes = Mapping[str, str | None]

# No attribute of SNS holds it, so a value with it was made of a field.
# https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
_MARK = "\0"


@functools.cache
def attributes_of(event: EventType) -> list[Attributes]:
    """Every combination of attributes that events of a class can have, as far as its fields tell."""
    told = event.attributes.fget(_Fields(event))  # type: ignore[attr-defined]  # a property, asked without an event
    choices = {name: _values(event, value) for name, value in told.items()}
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


def may_take(policy: Mapping[str, Any], attributes: Attributes) -> bool:
    """Whether a subscription with this policy can get such an event. What can be any text can be the right one."""
    known = {name: value for name, value in attributes.items() if value is not None}
    if len(known) < len(attributes) and "$or" in policy:
        return True
    open_names = attributes.keys() - known.keys()
    return filters.matches({name: wanted for name, wanted in policy.items() if name not in open_names}, known)


class _Fields:
    """Stands for an event: its class's constants are themselves, each of its fields is its own name, marked."""

    def __init__(self, event: EventType) -> None:
        self._event = event

    def __getattr__(self, name: str) -> Any:
        return f"{_MARK}{name}{_MARK}" if name in self._event.__struct_fields__ else getattr(self._event, name)


def _values(event: EventType, told: str) -> tuple[str | None, ...]:
    if _MARK not in told:
        return (told,)
    hint = get_type_hints(event).get(told.strip(_MARK))
    return get_args(hint) if get_origin(hint) is Literal else (None,)
