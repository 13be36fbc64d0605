"""Events written in the transaction of the state that they tell of; the relay sends them to the topic from there.

One item holds what one transaction tells one message group, in order. A state without its event, or an event without
its state, is impossible. The item is deleted when the topic has accepted it, so what is there is on its way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from messaging import items
from messaging.effects import Key
from messaging.errors import InvalidEvent, TooLarge
from messaging.events import Event, explain_invalid
from messaging.identity import new_id
from messaging.outgoing import Draft, Outgoing, prepare
from messaging.tables import OUTBOX
from messaging.tracing import TraceContextSource, clean_traceparent, untraced

# What SNS takes as message group and deduplication id, and of other texts: none may be empty.
# Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
_Token = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[!-~]+\Z")]
_Text = Annotated[str, Meta(min_length=1)]

# Of bodies in one item, which DynamoDB limits to 400 KB: one event may have 256 KiB, and its attributes come on top.
MAX_ITEM_BYTES = 300 * 1024


class Emission(msgspec.Struct, frozen=True):
    """The write that puts messages of one group into the outbox. Emissions of one transaction are merged."""

    key: Key
    messages: tuple[Outgoing, ...]

    def to_wire(self, table: str) -> dict[str, Any]:
        """An entry of TransactItems. Without a condition: an event's marker is what stops it from being told twice."""
        entries = [
            {
                "id": message.event_id,
                "type": message.event_type,
                "body": message.body,
                "attributes": dict(message.attributes),
            }
            for message in self.messages
        ]
        return items.put(table, {**self.key.attributes, "messages": entries})

    def merged(self, later: Emission) -> Emission | None:
        """These messages and then `later`'s, or None where one item can't hold them."""
        both = Emission(self.key, (*self.messages, *later.messages))
        return both if sum(message.size_bytes for message in both.messages) <= MAX_ITEM_BYTES else None


def emissions(messages: Iterable[Outgoing], position: str) -> list[Emission]:
    """The writes that put messages into the outbox, one a message; those with equal keys are to be merged."""
    return [Emission(Key(OUTBOX.name, message.group, position), (message,)) for message in messages]


def new_position(now: float, unique: str) -> str:
    """The place of a transaction among those of a message group: after those of earlier milliseconds.

    `now` is in epoch seconds; nobody else has `unique`.
    """
    return f"{datetime.fromtimestamp(now, UTC).isoformat(timespec='milliseconds')}#{unique}"


def messages_of(item: Mapping[str, Any]) -> tuple[Outgoing, ...]:
    """The messages of an item (plain values, as `items.plain` gives them), in order.

    Raises InvalidEvent for an item that holds something else, such as what no topic takes.
    """
    try:
        group = msgspec.convert(item.get(OUTBOX.partition_key), type=_Token)
        stored = msgspec.convert(item.get("messages"), type=tuple[_Stored, ...])
    except msgspec.ValidationError as error:
        raise InvalidEvent(f"an item of the outbox does not hold messages: {explain_invalid(error)}") from None
    return tuple(
        Outgoing(event_id=each.id, event_type=each.type, group=group, body=each.body, attributes=each.attributes)
        for each in stored
    )


class Outbox:
    """For producers: events in the transaction of their own state.

    `table` is the physical name of the outbox (the output `OutboxTableName`), `source` the CloudEvents source;
    `trace_context` is as a Publisher has it.
    """

    def __init__(
        self,
        *,
        table: str,
        source: str,
        clock: Callable[[], float] = time.time,
        trace_context: TraceContextSource = untraced,
    ) -> None:
        self._table = table
        self._source = source
        self._clock = clock
        self._trace_context = trace_context

    def items(self, events: Iterable[Event | Draft]) -> list[dict[str, Any]]:
        """Entries for `transact_write_items`' TransactItems: beside those of your state, so that both are or neither.

        Raises InvalidEvent for an event that breaks its schema, TooLarge for one that is more than one publish takes,
        or for over 300 KiB in one message group. A transaction takes 100 entries; there is one for each message group.
        """
        now = self._clock()
        at = datetime.fromtimestamp(now, UTC)
        position, traceparent = new_position(now, new_id()), clean_traceparent(self._trace_context())
        written: dict[str, Emission] = {}
        for event in events:
            message = prepare(event, source=self._source, time=at, traceparent=traceparent)
            (alone,) = emissions([message], position)
            merged = written[message.group].merged(alone) if message.group in written else alone
            if merged is None:
                raise TooLarge(
                    f"the events of group {message.group!r} have over {MAX_ITEM_BYTES} bytes: a stream keeps no order "
                    "between two items of one transaction, so use two transactions"
                )
            written[message.group] = merged
        return [emission.to_wire(self._table) for emission in written.values()]


class _Stored(msgspec.Struct):
    """One message as an item holds it."""

    id: _Token
    type: _Text
    body: _Text
    attributes: dict[_Text, _Text]
