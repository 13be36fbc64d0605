"""What people may see of a message, and of what its effect has written: personal data only where it is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

import click

MASK = "***"
# Members of an event that name people or places.
PERSONAL = ("ship_to",)
# Where Powertools' idempotency utility keeps what its function returned, as JSON.
_RETURNED = "data"


def masks(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that shows messages or items: `hidden`, and `reveal`, which outranks it."""
    hidden = click.option(
        *("--mask", "hidden"),
        multiple=True,
        default=PERSONAL,
        envvar="WAYBILL_MASK",
        show_default=True,
        help="Members that hold personal data.",
    )
    return click.option("--reveal", is_flag=True, help="Personal data too.")(hidden(function))


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


def shown_item(item: Mapping[str, Any], names: Collection[str]) -> Mapping[str, Any]:
    """An item with plain values."""
    of_item = masked(dict(item), names)
    text = item.get(_RETURNED)
    return {**of_item, _RETURNED: shown(_object(text), text, names)} if isinstance(text, str) else of_item


def _object(text: str) -> Any:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _hidden(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_hidden(each) for each in value]
    return value if value is None else MASK
