"""Copies of the catalogue with one change planted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from messaging.schemas.catalogue import CURRENT, Catalogue


def variant(
    base: type[Any], *, without: str = "", name: str | None = None, version: int = 1, closed: bool = True, **fields: Any
) -> type[Any]:
    """A class as `base`, with a field less or with other or more fields: `name=type` or `name=(type, default)`."""
    kept: dict[str, Any] = {}
    for field in msgspec.structs.fields(base):
        kept[field.name] = field.type if field.required else (field.type, field.default)
    kept.pop(without, None)
    members = [(key, *value) if isinstance(value, tuple) else (key, value) for key, value in {**kept, **fields}.items()]
    own_type = getattr(base, "type", None)  # the envelope has a field of that name
    event_type = name or (own_type if isinstance(own_type, str) else base.__name__)
    own = {
        "type": event_type,
        "version": version,
        "attributes": getattr(base, "attributes", None),
        "__doc__": base.__doc__,
    }
    return msgspec.defstruct(event_type, members, namespace=own, forbid_unknown_fields=closed, kw_only=True)


def catalogue(*events: type[Any], without: type[Any] | None = None, **changes: Any) -> Catalogue:
    """The catalogue with these events in the place of those of their type, or beside the rest, and less `without`."""
    replaced = {event.type for event in events} | ({without.type} if without is not None else set())
    kept = [event for event in CURRENT.events if event.type not in replaced]
    return replace(CURRENT, events=(*kept, *events), **changes)
