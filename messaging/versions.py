"""Which versions of which events some code knows, and how it brings an older one up to date."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from messaging.errors import NewerVersion, Poison
from messaging.events import CATALOGUE, UPCASTS, EventType

_SCHEMA = re.compile(r"urn:waybill:(?P<type>[A-Za-z][A-Za-z0-9]*):(?P<version>[1-9][0-9]{0,8})")

# (type, version) -> the data of that version as the data of the next one.
Upcasts = Mapping[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]]


class Versions:
    """What one deployment of code knows; another, before or after it, may know less or more."""

    def __init__(self, events: Iterable[EventType], upcasts: Upcasts) -> None:
        self._events = {(event.type, event.version): event for event in events}
        self._latest = {name: max(v for n, v in self._events if n == name) for name, _ in self._events}
        self._upcasts = upcasts

    def current(self, event_type: str, schema: str, data: dict[str, Any]) -> tuple[EventType, dict[str, Any]]:
        """The class that this code handles for a type, and the data brought up to its version from that of `schema`.

        Raises Poison, and NewerVersion for a type or a version that this code does not know.
        """
        match = _SCHEMA.fullmatch(schema)
        if match is None or match["type"] != event_type:
            raise Poison("dataschema does not name a version of the type")
        version = int(match["version"])
        latest = self._latest.get(event_type)
        if latest is None:
            raise NewerVersion("a type that this code does not know")
        if version > latest:
            raise NewerVersion(f"version {version} of {event_type}, this code knows {latest}")
        while version < latest:
            upcast = self._upcasts.get((event_type, version))
            if upcast is None:
                raise Poison(f"version {version} of {event_type} is no longer supported")
            version, data = version + 1, upcast(data)
        return self._events[event_type, latest], data


KNOWN = Versions(CATALOGUE, UPCASTS)
