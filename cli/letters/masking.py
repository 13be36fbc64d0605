"""What people may see of a letter: personal data only where it is asked for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

MASK = "***"
# Members of an event that name people or places.
PERSONAL = ("ship_to",)


def masked(value: Any, names: Collection[str]) -> Any:
    """A JSON value without what is under any of these names, at any depth; names and null stay, so that the shape and
    what is missing can be seen."""
    if isinstance(value, dict):
        return {name: _hidden(member) if name in names else masked(member, names) for name, member in value.items()}
    if isinstance(value, list):
        return [masked(each, names) for each in value]
    return value


def shown(document: Any, body: str, names: Collection[str]) -> Any:
    """The body of a letter, which holds `document`, or no JSON object where that is empty: then nobody knows what is in
    it, and it is shown whole or not at all."""
    if document:
        return masked(document, names)
    size = len(body.encode(errors="replace"))
    return f"{size} bytes that are no JSON object: --reveal shows them" if names else body


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _hidden(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_hidden(each) for each in value]
    return value if value is None else MASK
