"""What the tables prove of letters: whether an event was applied, how far its group is, how its last delivery ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.errors import CliError
from cli.letters.letter import Letter
from messaging.cursor import cursor_key, position
from messaging.effects import Key
from messaging.errors import RetryLater
from messaging.events import Event
from messaging.inbox import marker_key
from messaging.items import plain
from messaging.message import Message
from messaging.reads import Reader
from messaging.reasons import COMPLETED
from messaging.subscription import Subscription
from messaging.tables import INBOX, TABLES_BY_NAME

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Proof:
    """Of one letter: whether its event was applied, whether another event was under its id, and the sequence at which
    its group's cursor stands (None: its subscription keeps none)."""

    applied: bool = False
    tampered: bool = False
    cursor: int | None = None


class Proofs:
    """Reads one subscription's inbox, and the tables whose items are markers themselves."""

    def __init__(
        self, dynamodb: Any, *, tables: Mapping[str, str], row: Subscription, reader: Reader | None = None
    ) -> None:
        self._dynamodb = dynamodb
        self._tables = tables
        self._row = row
        self._reader = reader or Reader(dynamodb, tables=tables)

    def of(self, letters: Sequence[Letter]) -> dict[str, Proof]:
        """The proofs of letters by their ids. One read for each hundred items. Raises CliError without an answer."""
        markers = {letter.id: [*self._markers(letter.message)] for letter in letters if letter.message is not None}
        cursors = {letter.id: self._cursor(letter) for letter in letters}
        wanted = [key for keys in markers.values() for key in keys]
        items = self._fetch([*wanted, *(key for key in cursors.values() if key is not None)])
        proofs = {}
        for letter in letters:
            found = [(key, item) for key in markers.get(letter.id, ()) if (item := items[key]) is not None]
            cursor = cursors[letter.id]
            proofs[letter.id] = Proof(
                applied=any(self._proves(key, item, letter.message) for key, item in found),
                tampered=any(self._contradicts(item, letter.message) for _, item in found),
                cursor=None if cursor is None else position(items[cursor]),
            )
        return proofs

    def failures(self, ids: Iterable[str]) -> dict[str, Item]:
        """Failure records by what they are kept under: an event's id, or a delivery's where it told of no event."""
        keys = {each: Key(INBOX.name, f"{self._prefix}{each}") for each in ids}
        items = self._fetch(keys.values())
        return {each: item for each, key in keys.items() if (item := items[key]) is not None}

    def all_failures(self) -> Iterator[tuple[str, Item]]:
        """All failure records of the consumer. This reads the whole inbox: its key has no part that could be asked for.

        Raises what boto3 raises.
        """
        request: dict[str, Any] = {
            "TableName": self._tables[INBOX.name],
            "FilterExpression": "begins_with(#id, :prefix)",
            "ExpressionAttributeNames": {"#id": INBOX.partition_key},
            "ExpressionAttributeValues": {":prefix": {"S": self._prefix}},
        }
        while True:
            page = self._dynamodb.scan(**request)
            for item in map(plain, page["Items"]):
                yield str(item[INBOX.partition_key]).removeprefix(self._prefix), item
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    @property
    def _prefix(self) -> str:
        return f"{self._row.consumer}#failure#"

    def _markers(self, message: Message[Event] | None) -> Iterator[Key]:
        """Where the marker of an event may be: in the inbox, or an item of the event itself."""
        assert message is not None
        yield marker_key(self._row, message.id)
        if not self._row.items_may_mark:
            return
        for table in map(TABLES_BY_NAME.__getitem__, self._row.writes):
            names = [name for name in (table.partition_key, table.sort_key) if name is not None]
            values = [message.id if name == "event_id" else getattr(message.event, name, None) for name in names]
            if "event_id" in names and all(isinstance(value, str) for value in values):
                yield Key(table.name, *(str(value) for value in values))

    def _cursor(self, letter: Letter) -> Key | None:
        if not self._row.keeps_cursor or letter.group is None or letter.sequence is None:
            return None
        group = letter.message.partition_key if letter.message else letter.group
        return cursor_key(self._row.consumer, group)

    def _proves(self, key: Key, item: Item, message: Message[Event] | None) -> bool:
        """As messaging.reasons judges markers. One of Powertools' has no hash: it says only that it is done."""
        if key.table == INBOX.name and item.get("status") != COMPLETED:
            return False
        return self._is_of(item, message) if "payload_hash" in item else key.table == INBOX.name

    def _contradicts(self, item: Item, message: Message[Event] | None) -> bool:
        return "payload_hash" in item and not self._is_of(item, message)

    def _is_of(self, item: Item, message: Message[Event] | None) -> bool:
        assert message is not None
        return (item["payload_hash"], item.get("consumer")) == (message.payload_hash, self._row.consumer)

    def _fetch(self, keys: Iterable[Key]) -> dict[Key, Item | None]:
        try:
            return dict(self._reader.fetch(keys))
        except RetryLater as error:
            raise CliError(f"the inbox can't be read: {error}. Nothing more was done; try again") from error
