"""What `decode` says of an input, held against what must be true of every answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

from messaging.errors import NewerVersion, Poison, TooLarge
from messaging.events import Event
from messaging.message import MAX_BODY_BYTES, Message, decode
from testing.events import body as encoded
from testing.events import order_cancelled, order_placed, stock_refused, stock_reserved

Decode = Callable[[str], Message[Event]]

ACCEPTED = "accepted"
# In every text of the messages here, so that a reason which repeats any of them shows it.
CANARY = "Qanary7f3a"


class Unsound(AssertionError):
    """An answer that must not be; says which."""


def sound_bodies() -> list[str]:
    """A message of each event of the catalogue, with the canary wherever a text may be."""
    address = {
        "name": f"{CANARY} Ås",
        "city": CANARY,
        "region": None,
        "postal_code": f"{CANARY}-8000",
        "country": f"{CANARY} “D”",
    }
    order = order_placed(f"{CANARY}-1", customer_id=f"{CANARY}.C", ship_to=address, priority="high")
    events: tuple[Event, ...] = (order, order_cancelled(order), stock_reserved(order), stock_refused(order))
    bodies = [encoded(event, sequence=7, causation_id=f"{CANARY}-0") for event in events]
    return [*bodies, encoded(order, traceparent=f"00-{'a' * 32}-{'b' * 16}-01", correlation_id=f"{CANARY}-c")]


def verdict(body: str, decode: Decode = decode) -> str:
    """ACCEPTED, or the error and its reason without place and numbers, so that equal reasons can be counted.

    Raises Unsound, and whatever else `decode` raises but its documented errors.
    """
    try:
        message = decode(body)
    except (Poison, TooLarge, NewerVersion) as error:
        return f"{type(error).__name__}: {_reason(error)}"
    _require_sound(body, message, decode)
    return ACCEPTED


def _reason(error: Exception) -> str:
    text = str(error)
    if not text.strip():
        raise Unsound(f"{type(error).__name__} without a reason")
    if CANARY in text:
        raise Unsound(f"{type(error).__name__} repeats the body")
    return re.sub(r"\d+", "#", text.partition(" at $")[0].partition(" matching regex")[0])


def _require_sound(body: str, message: Message[Event], decode: Decode) -> None:
    event = message.event
    document = _strictly_parsed(body)
    if len(body.encode()) > MAX_BODY_BYTES:
        raise Unsound("accepted past the bound")
    if not isinstance(document, dict) or _as_text(document.get("data")) != _as_text(msgspec.to_builtins(event)):
        raise Unsound("accepted data that is not what the event holds")
    again = encoded(event, sequence=message.sequence, correlation_id=message.correlation_id)
    other = decode(again)
    if other.event != event or other.payload_hash != message.payload_hash or decode(body) != message:
        raise Unsound("encoded and decoded again, it is another event")


def _strictly_parsed(body: str) -> Any:
    return json.loads(body, object_pairs_hook=_unique, parse_constant=_refused)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise Unsound("accepted a key twice")
    return dict(pairs)


def _refused(constant: str) -> Any:
    raise Unsound(f"accepted {constant}")


def _as_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
