"""Order by the envelope's sequence: what moves a group's cursor, what is stale, what is held, and what never is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.batch import Delivery, Ledger
from messaging.effects import Add, Create, Effect, Key, Transactional, View
from messaging.errors import Poison, TopologyError
from messaging.events import OrderPlaced
from messaging.message import Message
from messaging.subscription import Ordering, Subscription
from tests.doubles import RememberingSource, Wire, lose_reply
from tests.factories import NOW, body, delivery, order
from tests.messaging import consuming
from tests.messaging.consuming import in_memory, outcomes, reasons

Consume = Callable[..., Ledger]
CURSORS = pytest.mark.parametrize("ordering", ["monotonic", "strict"])


def row(ordering: Ordering) -> Subscription:
    return Subscription(consumer="keeper", events=(OrderPlaced,), writes=("revenue", "stock"), ordering=ordering)


def count(message: Message[Any], _: View) -> Effect:
    """Counts each order in an item of its own; `poison` in its name is a refusal."""
    if "poison" in message.event.order_id:
        raise Poison("says the function")
    return Effect((Add(Key("revenue", message.event.order_id, "0"), "amount", 1),))


def event(group: str, sequence: int | None, delivery_id: str = "", *, name: str = "", **changes: Any) -> Delivery:
    """The event of a group with this sequence, delivered under an id that says both, such as `A1`."""
    placed = order(f"{group}-{sequence}{name}", customer_id=group)
    text = body(placed, sequence=sequence)
    return delivery(text, delivery_id or f"{group}{sequence}{name}", group=group, **changes)


def events(group: str, *sequences: int) -> list[Delivery]:
    return [event(group, each) for each in sequences]


@pytest.fixture
def consume(dynamodb: Wire, source: RememberingSource) -> Consume:
    def process(
        ordering: Ordering,
        *deliveries: Delivery,
        function: Callable[[Message[Any], View], Effect] = count,
        now: float = NOW,
    ) -> Ledger:
        effects = Transactional(functions={OrderPlaced: function})
        return consuming.process(dynamodb, source, *deliveries, effects=effects, subscription=row(ordering), now=now)

    return process


def cursor(client: Any, group: str) -> int | None:
    """Where a group's cursor stands; None where there is none."""
    item = client.get_item(TableName="inbox", Key={"id": {"S": f"keeper#cursor#{group}"}}).get("Item")
    return int(item["sequence"]["N"]) if item else None


def applied(client: Any) -> dict[str, int]:
    """How often each order was counted."""
    items = client.scan(TableName="revenue")["Items"]
    return {item["day_country"]["S"]: int(item["amount"]["N"]) for item in items}


class TestCursor:
    """It moves in the transaction of the effects, and with nothing else."""

    @CURSORS
    def test_rising_sequences_of_several_groups_are_one_round_trip(
        self, consume: Consume, dynamodb: Wire, ordering: Ordering
    ) -> None:
        """Each group's cursor moves once, to its last."""
        batch = [event("A", 1), event("B", 1), event("A", 2), event("C", 1), event("A", 3), event("B", 2)]
        assert set(outcomes(consume(ordering, *batch)).values()) == {"applied"}
        assert dynamodb.calls == ["transact_write_items"]
        assert {name: cursor(dynamodb, name) for name in "ABC"} == {"A": 3, "B": 2, "C": 1}

    @CURSORS
    def test_the_next_batch_goes_on_from_there(self, consume: Consume, dynamodb: Wire, ordering: Ordering) -> None:
        """One round trip again."""
        consume(ordering, *events("A", 1, 2))
        dynamodb.calls.clear()
        assert set(outcomes(consume(ordering, *events("A", 3, 4))).values()) == {"applied"}
        assert dynamodb.calls == ["transact_write_items"]
        assert cursor(dynamodb, "A") == 4

    @pytest.mark.fault(37)
    @CURSORS
    def test_a_cursor_never_expires(self, consume: Consume, dynamodb: Wire, ordering: Ordering) -> None:
        """A group that sleeps for a year goes on where it was."""
        consume(ordering, event("A", 1))
        item = dynamodb.get_item(TableName="inbox", Key={"id": {"S": "keeper#cursor#A"}})["Item"]
        assert item.keys() == {"id", "sequence"}

    @CURSORS
    def test_without_a_sequence_there_is_no_cursor(self, consume: Consume, dynamodb: Wire, ordering: Ordering) -> None:
        """The queue's order is all there is, and one that stands is left where it is."""
        assert outcomes(consume(ordering, event("A", None))) == {"ANone": "applied"}
        assert cursor(dynamodb, "A") is None
        consume(ordering, event("A", 1), event("A", None, "between", name="x"), event("A", 2))
        assert cursor(dynamodb, "A") == 2
        assert set(applied(dynamodb).values()) == {1}
        assert len(applied(dynamodb)) == 4

    @pytest.mark.parametrize("ordering", ["none", "group"])
    def test_other_orderings_keep_no_cursor(self, consume: Consume, dynamodb: Wire, ordering: Ordering) -> None:
        """A sequence that falls is nothing to them."""
        assert set(outcomes(consume(ordering, *events("A", 2, 1))).values()) == {"applied"}
        assert dynamodb.calls == ["transact_write_items"]
        assert cursor(dynamodb, "A") is None

    @CURSORS
    def test_a_cursor_does_not_move_when_the_effects_condition_fails(
        self, consume: Consume, dynamodb: Wire, source: RememberingSource, ordering: Ordering
    ) -> None:
        """Cursor, marker and effect are all or none; later the same event is applied, and then the next."""

        def take(message: Message[Any], _: View) -> Effect:
            return Effect((Add(Key("stock", "NW-1"), "units", -1, needs=1),))

        ledger = consume(ordering, *events("A", 1, 2), function=take)
        assert outcomes(ledger) == {"A1": "retry", "A2": "held_back"}
        assert cursor(dynamodb, "A") is None
        dynamodb.put_item(TableName="stock", Item={"sku": {"S": "NW-1"}, "units": {"N": "2"}})
        again = [event("A", 1, attempt=2), event("A", 2, attempt=2)]
        assert set(outcomes(consume(ordering, *again, function=take)).values()) == {"applied"}
        assert cursor(dynamodb, "A") == 2
        assert source.dead_letters == []

    @CURSORS
    def test_an_item_keyed_by_its_event_is_no_marker_here(
        self, consume: Consume, dynamodb: Wire, ordering: Ordering
    ) -> None:
        """A cursor needs a transaction, so its marker is in the inbox."""

        def keep(message: Message[Any], _: View) -> Effect:
            return Effect((Create(Key("orders", message.event.order_id, message.id), {}),))

        outcome = outcomes(consume(ordering, event("A", 1), event("A", 1, "again"), function=keep))
        assert outcome == {"A1": "applied", "again": "duplicate"}
        assert cursor(dynamodb, "A") == 1


class TestStale:
    """What is not above the cursor comes too late."""

    @pytest.mark.fault(17)
    @CURSORS
    def test_an_event_not_above_the_cursor_is_stale_and_its_group_goes_on(
        self, consume: Consume, dynamodb: Wire, source: RememberingSource, ordering: Ordering
    ) -> None:
        """At the cursor and below it, each by itself; the group's next is applied in the same batch."""
        consume(ordering, *events("A", 1, 2, 3))
        late = [event("A", 2, name="x"), event("A", 3, name="x"), event("A", 4)]
        ledger = consume(ordering, *late)
        assert outcomes(ledger) == {"A2x": "dead_lettered", "A3x": "dead_lettered", "A4": "applied"}
        assert [facts["reason"] for _, facts in source.dead_letters] == ["stale", "stale"]
        assert "'OrderPlaced-A-2x'" in source.dead_letters[0][1]["detail"]
        assert applied(dynamodb) == {f"A-{n}": 1 for n in range(1, 5)}
        assert cursor(dynamodb, "A") == 4

    def test_monotonic_lets_gaps_through(self, consume: Consume, dynamodb: Wire, source: RememberingSource) -> None:
        """The one that fills a gap later is stale."""
        assert set(outcomes(consume("monotonic", *events("A", 2, 5, 9))).values()) == {"applied"}
        assert reasons(consume("monotonic", *events("A", 7, 10))) == {"A7": "stale", "A10": None}
        assert cursor(dynamodb, "A") == 10

    def test_out_of_order_within_a_batch_is_stale_in_monotonic(self, consume: Consume, dynamodb: Wire) -> None:
        """The queue's order decides who is first."""
        assert reasons(consume("monotonic", *events("A", 1, 3, 2, 4))) == {
            "A1": None,
            "A3": None,
            "A2": "stale",
            "A4": None,
        }
        assert cursor(dynamodb, "A") == 4

    @CURSORS
    def test_two_events_with_one_sequence_are_not_both_applied(
        self, consume: Consume, dynamodb: Wire, ordering: Ordering
    ) -> None:
        """A producer's mistake, in one batch: the first has it, the second is stale."""
        ledger = consume(ordering, event("A", 1), event("A", 1, name="x"), event("A", 2))
        assert reasons(ledger) == {"A1": None, "A1x": "stale", "A2": None}
        assert applied(dynamodb) == {"A-1": 1, "A-2": 1}

    @CURSORS
    def test_a_late_event_of_one_group_concerns_no_other(
        self, consume: Consume, dynamodb: Wire, ordering: Ordering
    ) -> None:
        """Their cursors are items of their own."""
        consume(ordering, *events("A", 1))
        ledger = consume(ordering, event("A", 1, name="x"), event("B", 1), event("C", 1))
        assert outcomes(ledger) == {"A1x": "dead_lettered", "B1": "applied", "C1": "applied"}

    @pytest.mark.fault(18)
    @CURSORS
    def test_a_duplicate_below_the_cursor_is_a_duplicate(
        self, consume: Consume, dynamodb: Wire, source: RememberingSource, ordering: Ordering
    ) -> None:
        """Also in one batch with newer ones, and with itself."""
        consume(ordering, *events("A", 1, 2, 3))
        batch = [event("A", 1, "d1"), event("A", 3, "d3"), event("A", 4), event("A", 2, "d2"), event("A", 4, "d4")]
        assert outcomes(consume(ordering, *batch)) == {
            "d1": "duplicate",
            "d3": "duplicate",
            "A4": "applied",
            "d2": "duplicate",
            "d4": "duplicate",
        }
        assert source.dead_letters == []
        assert applied(dynamodb) == {f"A-{n}": 1 for n in range(1, 5)}

    @pytest.mark.fault(32)
    @CURSORS
    def test_a_lost_reply_makes_nothing_stale(
        self, consume: Consume, dynamodb: Wire, source: RememberingSource, ordering: Ordering
    ) -> None:
        """The repeat finds its own markers below the cursor that it moved itself."""
        dynamodb.after["transact_write_items"] = [lose_reply]
        batch = [*events("A", 1, 2, 3), *events("B", 1)]
        assert set(outcomes(consume(ordering, *batch)).values()) == {"applied"}
        again = [event("A", each, attempt=2) for each in (1, 2, 3)]
        assert set(outcomes(consume(ordering, *again)).values()) == {"applied"}
        assert source.dead_letters == []
        assert set(applied(dynamodb).values()) == {1}

    @CURSORS
    def test_a_conflict_at_the_marker_is_no_verdict(
        self, consume: Consume, dynamodb: Wire, source: RememberingSource, ordering: Ordering
    ) -> None:
        """Somebody else may be applying this very event: the cursor alone does not make it stale."""
        consume(ordering, *events("A", 1, 2))

        def marker_in_conflict(request: dict[str, Any]) -> None:
            cancelled: list[dict[str, Any]] = [{"Code": "None"} for _ in request["TransactItems"]]
            cancelled[0] = {"Code": "TransactionConflict"}
            cancelled[1] = {
                "Code": "ConditionalCheckFailed",
                "Item": {"id": {"S": "keeper#cursor#A"}, "sequence": {"N": "2"}},
            }
            raise dynamodb.exceptions.TransactionCanceledException(
                {
                    "Error": {"Code": "TransactionCanceledException", "Message": ""},
                    "CancellationReasons": cancelled,
                },
                "TransactWriteItems",
            )

        dynamodb.before["transact_write_items"] = [marker_in_conflict]
        assert outcomes(consume(ordering, event("A", 2, "again"))) == {"again": "duplicate"}
        dynamodb.before["transact_write_items"] = [marker_in_conflict] * 99
        assert outcomes(consume(ordering, event("A", 2, "third"))) == {"third": "retry"}
        assert source.dead_letters == []


class TestStrict:
    """Each event waits for the one before it."""

    @pytest.mark.fault(17)
    def test_a_gap_is_held_from_there_on(self, consume: Consume, dynamodb: Wire, source: RememberingSource) -> None:
        """In order, so that a redrive brings them back in it; the group's cursor stays."""
        assert reasons(consume("strict", *events("A", 1, 3, 4), *events("B", 1))) == {
            "A1": None,
            "A3": "held",
            "A4": "held",
            "B1": None,
        }
        assert [each.id for each, _ in source.dead_letters] == ["A3", "A4"]
        assert cursor(dynamodb, "A") == 1
        assert reasons(consume("strict", *events("A", 5))) == {"A5": "held"}

    @pytest.mark.fault(5, 18)
    def test_a_redrive_in_sequence_applies_all(
        self, consume: Consume, dynamodb: Wire, source: RememberingSource
    ) -> None:
        """Under fresh delivery ids, once the missing one has come."""
        consume("strict", *events("A", 1, 3, 4))
        redriven = [event("A", 2), event("A", 3, "r3"), event("A", 4, "r4")]
        assert set(outcomes(consume("strict", *redriven)).values()) == {"applied"}
        assert applied(dynamodb) == {f"A-{n}": 1 for n in range(1, 5)}
        assert cursor(dynamodb, "A") == 4

    @pytest.mark.fault(17)
    def test_poison_in_the_middle_holds_what_follows(
        self, consume: Consume, dynamodb: Wire, source: RememberingSource
    ) -> None:
        """Whether a function finds it or nobody could read it."""
        batch = [event("A", 1), event("A", 2, name="poison"), event("A", 3), event("B", 1), event("B", 2)]
        unreadable = delivery("}{", "B-broken", group="B")
        ledger = consume("strict", *batch[:4], unreadable, event("B", 3))
        assert reasons(ledger) == {
            "A1": None,
            "A2poison": "poison",
            "A3": "held",
            "B1": None,
            "B-broken": "poison",
            "B3": "held",
        }
        assert applied(dynamodb) == {"A-1": 1, "B-1": 1}

    def test_a_duplicate_in_front_holds_nobody(
        self, consume: Consume, dynamodb: Wire, source: RememberingSource
    ) -> None:
        """One whose acknowledgement was lost comes again with several new ones behind it: all of them are applied."""
        consume("strict", *events("A", 1))
        ledger = consume("strict", event("A", 1, attempt=2), *events("A", 2, 3, 4))
        assert set(outcomes(ledger).values()) == {"applied"}
        assert source.dead_letters == []
        assert cursor(dynamodb, "A") == 4

    def test_it_counts_from_one(self, consume: Consume, dynamodb: Wire) -> None:
        """A group that begins later waits for its first."""
        assert reasons(consume("strict", *events("A", 2))) == {"A2": "held"}
        assert cursor(dynamodb, "A") is None
        assert reasons(consume("strict", *events("A", 1))) == {"A1": None}

    def test_out_of_order_within_a_batch_is_held(self, consume: Consume, dynamodb: Wire) -> None:
        """The queue's order is not mended: what came too early is redriven."""
        assert reasons(consume("strict", *events("A", 2, 1, 3))) == {"A2": "held", "A1": None, "A3": "held"}

    def test_a_filter_is_refused(self) -> None:
        """It would drop events that strict waits for."""
        with pytest.raises(TopologyError, match="filter"):
            Subscription(consumer="keeper", events=(OrderPlaced,), ordering="strict", where={"priority": ["high"]})
        Subscription(consumer="keeper", events=(OrderPlaced,), ordering="monotonic", where={"priority": ["high"]})


class Log:
    """An effect that remembers, in the item of its group, which sequences were applied in which order."""

    def __init__(self) -> None:
        self.effects = Transactional(functions={OrderPlaced: self.append}, reads=lambda m: [self.key(m)])

    @staticmethod
    def key(message: Message[Any]) -> Key:
        return Key("stock", message.partition_key)

    def append(self, message: Message[Any], view: View) -> Effect:
        count = int((view.get(self.key(message)) or {}).get("count", 0))
        place = Key("revenue", message.partition_key, f"{count:04}")
        return Effect((Add(self.key(message), "count", 1), Create(place, {"sequence": message.sequence})))

    @staticmethod
    def read(client: Any, group: str) -> list[int]:
        items = [item for item in client.scan(TableName="revenue")["Items"] if item["day_country"]["S"] == group]
        return [int(item["sequence"]["N"]) for item in sorted(items, key=lambda item: str(item["shard"]["S"]))]


deliveries_of_two_groups = st.lists(st.tuples(st.sampled_from("AB"), st.integers(1, 5)), max_size=14)


@pytest.mark.fault(17, 18)
@settings(max_examples=100, deadline=None)
@given(arrivals=deliveries_of_two_groups, cuts=st.lists(st.integers(1, 6), min_size=14, max_size=14))
@CURSORS
def test_any_interleaving_applies_what_its_ordering_says(
    ordering: Ordering, arrivals: list[tuple[str, int]], cuts: Sequence[int]
) -> None:
    """Strict applies 1..k in order, monotonic what rises, each once; the rest is dead-lettered or a duplicate, and for
    strict a redrive of what was held, in order and with what was missing, completes it."""
    client, source, log = in_memory(), RememberingSource(), Log()
    pending = [event(name, number, f"{n}") for n, (name, number) in enumerate(arrivals)]
    ends: dict[str, str] = {}
    for size in cuts:
        batch, pending = pending[:size], pending[size:]
        ledger = consuming.process(client, source, *batch, effects=log.effects, subscription=row(ordering))
        ends |= outcomes(ledger)
    expected: dict[str, list[int]] = {"A": [], "B": []}
    for n, (name, number) in enumerate(arrivals):
        last = max(expected[name], default=0)
        if number in expected[name]:
            assert ends[str(n)] == "duplicate"
        elif number == last + 1 or (ordering == "monotonic" and number > last):
            expected[name].append(number)
            assert ends[str(n)] == "applied"
        else:
            assert ends[str(n)] == "dead_lettered"
    assert {name: log.read(client, name) for name in "AB"} == expected
    if ordering == "strict":
        assert {facts["reason"] for _, facts in source.dead_letters} <= {"held"}
        redriven = [event(name, number, f"r{name}{number}") for name in "AB" for number in range(1, 6)]
        consuming.process(client, source, *redriven, effects=log.effects, subscription=row(ordering))
        assert {name: log.read(client, name) for name in "AB"} == {name: [1, 2, 3, 4, 5] for name in "AB"}
    else:
        assert {facts["reason"] for _, facts in source.dead_letters} <= {"stale"}
