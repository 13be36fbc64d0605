"""The life of a batch: what a failing record does to its group, its neighbours and its own future."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lambdas import inventory
from messaging.batch import Delivery, Ledger
from messaging.effects import Add, Create, Effect, Key, Transactional, View
from messaging.errors import Poison, RetryLater
from messaging.events import OrderCancelled, OrderPlaced
from messaging.message import Message
from messaging.rounds import MAX_CONTENDED_ATTEMPTS
from messaging.subscription import RESERVE_SECONDS, Subscription
from messaging.topology import ORDERS
from tests.doubles import RememberingSource, Wire, conflict, lose_reply, refuse
from tests.factories import NOW, body, cancellation, delivery, order
from tests.messaging import consuming
from tests.messaging.consuming import PATIENCE_SECONDS, outcomes

Process = Callable[..., Ledger]


def add_revenue(message: Message[Any], _: View) -> Effect:
    """A plain effect: one unit of one counter an order."""
    if message.event.ship_to.name == "crash":
        raise ZeroDivisionError("payload text")
    if message.event.ship_to.name == "poison":
        raise Poison("says the function")
    if message.event.ship_to.name == "later":
        raise RetryLater("says the function", delay_seconds=42)
    return Effect((Add(Key("revenue", "total", "0"), "amount", 1),))


def named(order_id: str, name: str, customer_id: str = "ALFKI") -> OrderPlaced:
    address = {"name": name, "city": "X", "region": None, "postal_code": None, "country": "X"}
    return order(order_id, customer_id=customer_id, ship_to=address)


@pytest.fixture
def consume(dynamodb: Wire, source: RememberingSource) -> Process:
    """Processes a batch; effects and subscription can be chosen, and how much time remains at each question."""

    def process(
        *deliveries: Delivery,
        effects: Transactional | None = None,
        subscription: Subscription | None = None,
        remaining_seconds: Callable[[], float] = lambda: 5.0,
        now: float = NOW,
    ) -> Ledger:
        return consuming.process(
            dynamodb,
            source,
            *deliveries,
            effects=effects or Transactional(functions={OrderPlaced: add_revenue, OrderCancelled: add_revenue}),
            subscription=subscription or ORDERS.subscription("inventory"),
            remaining_seconds=remaining_seconds,
            now=now,
        )

    return process


def total(dynamodb: Wire) -> int:
    item = dynamodb.get_item(TableName="revenue", Key={"day_country": {"S": "total"}, "shard": {"S": "0"}}).get("Item")
    dynamodb.calls.remove("get_item")
    return int(item["amount"]["N"]) if item else 0


def batch(count: int = 10, **changes: Any) -> list[Delivery]:
    return [delivery(order(str(n), customer_id=f"C{n}"), f"m{n}", **changes) for n in range(count)]


class TestCommit:
    """Marker and effects in one transaction."""

    def test_a_clean_batch_is_one_round_trip(self, consume: Process, dynamodb: Wire) -> None:
        """Ten records whose additions meet on one item commit together."""
        assert set(outcomes(consume(*batch())).values()) == {"applied"}
        assert dynamodb.calls == ["transact_write_items"]
        assert total(dynamodb) == 10

    @pytest.mark.fault(1, 5)
    def test_a_duplicate_costs_one_more(self, consume: Process, dynamodb: Wire) -> None:
        """The first trip tells which record is done, the second commits the rest."""
        consume(delivery(order("3", customer_id="C3"), "earlier"))
        dynamodb.calls.clear()
        ledger = outcomes(consume(*batch()))
        assert ledger.pop("m3") == "duplicate"
        assert set(ledger.values()) == {"applied"}
        assert dynamodb.calls == ["transact_write_items"] * 2
        assert total(dynamodb) == 10

    @pytest.mark.fault(2, 8, 23)
    def test_a_redelivery_of_what_committed_is_applied_not_duplicate(self, consume: Process, dynamodb: Wire) -> None:
        """A lost acknowledgement brings the same delivery again: it finds its own marker."""
        consume(*batch(3))
        assert set(outcomes(consume(*batch(3, attempt=2))).values()) == {"applied"}
        assert total(dynamodb) == 3

    @pytest.mark.fault(32)
    def test_a_lost_reply_applies_once(self, consume: Process, dynamodb: Wire) -> None:
        """The transaction was applied, its answer lost: the retry meets the markers."""
        dynamodb.after["transact_write_items"] = [lose_reply]
        assert set(outcomes(consume(*batch(3))).values()) == {"applied"}
        assert total(dynamodb) == 3

    @pytest.mark.fault(1, 4)
    def test_the_same_event_twice_in_a_batch_is_applied_once(self, consume: Process, dynamodb: Wire) -> None:
        """The second waits for the next round and is a duplicate there."""
        assert outcomes(consume(delivery(order(), "m1"), delivery(order(), "m2"))) == {
            "m1": "applied",
            "m2": "duplicate",
        }
        assert total(dynamodb) == 1

    @pytest.mark.fault(47)
    def test_the_same_event_id_with_other_contents_is_a_conflict(
        self, consume: Process, dynamodb: Wire, source: RememberingSource
    ) -> None:
        """It is dead-lettered with its reason and changes nothing."""
        consume(delivery(order(), "m1"))
        assert outcomes(consume(delivery(order(priority="high"), "m2"))) == {"m2": "dead_lettered"}
        assert source.dead_letters[0][1]["reason"] == "conflict"
        assert total(dynamodb) == 1

    @pytest.mark.fault(33)
    def test_after_a_conflict_each_record_goes_alone(self, consume: Process, dynamodb: Wire) -> None:
        """Overlapping transactions of other batches cost retries, never the batch."""
        dynamodb.before["transact_write_items"] = [conflict(dynamodb)]
        assert set(outcomes(consume(*batch(4))).values()) == {"applied"}
        assert dynamodb.calls == ["transact_write_items"] * 5
        assert total(dynamodb) == 4

    def test_a_round_runs_no_function_whose_effect_it_cannot_take(self, consume: Process, dynamodb: Wire) -> None:
        """Large batches, and batches after a conflict, cost each record a bounded number of runs and reads."""
        runs: list[str] = []
        reads: list[str] = []

        def counted(message: Message[Any], view: View) -> Effect:
            runs.append(message.id)
            return add_revenue(message, view)

        def declared(message: Message[Any]) -> list[Key]:
            reads.append(message.id)
            return [Key("stock", message.event.order_id)]

        effects = Transactional(functions={OrderPlaced: counted}, reads=declared)
        dynamodb.before["transact_write_items"] = [conflict(dynamodb)]
        ledger = consume(*batch(10, fifo=False), effects=effects)
        assert set(outcomes(ledger).values()) == {"applied"}
        assert (len(runs), len(reads)) == (20, 20)  # once together, once alone

        runs.clear()
        consume(*(delivery(order(f"x{n}"), f"x{n}", fifo=False) for n in range(250)), effects=effects)
        assert len(runs) < 2 * 250

    @pytest.mark.fault(33)
    def test_endless_conflict_hands_the_record_back(self, consume: Process, dynamodb: Wire) -> None:
        """Attempts within one batch are bounded."""
        dynamodb.before["transact_write_items"] = [conflict(dynamodb)] * 99
        assert outcomes(consume(delivery(order()))) == {"m1": "retry"}
        assert dynamodb.calls.count("transact_write_items") == MAX_CONTENDED_ATTEMPTS

    @pytest.mark.fault(31)
    def test_throttles_are_retried(self, consume: Process, dynamodb: Wire) -> None:
        """A throttled transaction is no verdict on anybody."""
        dynamodb.before["transact_write_items"] = [refuse("ThrottlingException")]
        assert set(outcomes(consume(*batch(2))).values()) == {"applied"}

    def test_more_writes_than_a_transaction_takes_need_more_of_them(self, consume: Process, dynamodb: Wire) -> None:
        """120 records on distinct items are split at 100 actions."""
        effects = Transactional(
            functions={OrderPlaced: lambda m, _: Effect((Create(Key("stock", m.event.order_id), {"units": 1}),))}
        )
        ledger = consume(*batch(120, fifo=False), effects=effects)
        assert set(outcomes(ledger).values()) == {"applied"}
        assert dynamodb.calls == ["transact_write_items"] * 3

    @pytest.mark.fault(39)
    def test_one_record_with_too_many_writes_is_dead_lettered(
        self, consume: Process, source: RememberingSource
    ) -> None:
        """No retry makes it fit: the reason names event and limit, and its neighbour is applied."""

        def many(message: Message[Any], _: View) -> Effect:
            count = 100 if message.event.order_id == "0" else 1
            return Effect(tuple(Create(Key("stock", f"{message.event.order_id}-{n}"), {}) for n in range(count)))

        ledger = consume(*batch(2), effects=Transactional(functions={OrderPlaced: many}))
        assert outcomes(ledger) == {"m0": "dead_lettered", "m1": "applied"}
        assert source.dead_letters[0][1]["reason"] == "too_large"
        assert "OrderPlaced-0" in source.dead_letters[0][1]["detail"]

    def test_an_oversized_item_is_found_and_dead_lettered_alone(
        self, consume: Process, dynamodb: Wire, source: RememberingSource
    ) -> None:
        """DynamoDB refuses the whole transaction; one by one the guilty record shows."""
        too_big = refuse("ValidationException", "Item size has exceeded the maximum allowed size")
        dynamodb.before["transact_write_items"] = [too_big, too_big]
        assert outcomes(consume(*batch(2))) == {"m0": "dead_lettered", "m1": "applied"}
        assert source.dead_letters[0][1]["reason"] == "too_large"

    def test_an_effect_that_contradicts_itself_fails_alone(self, consume: Process) -> None:
        """Two writes of one record to one item are a bug of its function, not of its neighbours."""

        def twice(message: Message[Any], _: View) -> Effect:
            item = Create(Key("stock", message.event.order_id), {})
            return Effect((item, item) if message.event.order_id == "0" else (item,))

        assert outcomes(consume(*batch(2), effects=Transactional(functions={OrderPlaced: twice}))) == {
            "m0": "retry",
            "m1": "applied",
        }


class TestReads:
    """Declared keys are read together; a condition that fails means fresh reads."""

    EFFECTS = Transactional(
        functions={OrderPlaced: inventory.reserve, OrderCancelled: inventory.release}, reads=inventory.reads
    )

    def stock(self, dynamodb: Wire, **units: int) -> None:
        for sku, count in units.items():
            item = {"sku": {"S": sku.replace("_", "-")}, "units": {"N": str(count)}}
            dynamodb.put_item(TableName="stock", Item=item)
        dynamodb.calls.clear()

    def units(self, dynamodb: Wire) -> dict[str, int]:
        return {item["sku"]["S"]: int(item["units"]["N"]) for item in dynamodb.scan(TableName="stock")["Items"]}

    def test_one_read_and_one_commit_for_the_batch(self, consume: Process, dynamodb: Wire) -> None:
        """Ten orders of the same two products."""
        self.stock(dynamodb, NW_1=20, NW_2=30)
        assert set(outcomes(consume(*batch(), effects=self.EFFECTS)).values()) == {"applied"}
        assert dynamodb.calls == ["batch_get_item", "transact_write_items"]
        assert self.units(dynamodb) == {"NW-1": 0, "NW-2": 0}

    def test_later_records_see_what_earlier_ones_take(self, consume: Process, dynamodb: Wire) -> None:
        """Stock for two of three orders: the third is refused whole in the same batch."""
        self.stock(dynamodb, NW_1=5, NW_2=100)
        consume(*batch(3), effects=self.EFFECTS)
        assert self.units(dynamodb) == {"NW-1": 1, "NW-2": 94}

    @pytest.mark.fault(36)
    def test_a_failed_condition_runs_the_function_again_on_fresh_reads(self, consume: Process, dynamodb: Wire) -> None:
        """Somebody else takes the last units between read and commit: the order is refused, not lost, not oversold."""
        self.stock(dynamodb, NW_1=2, NW_2=3)
        dynamodb.after["batch_get_item"] = [lambda _: self.stock(dynamodb, NW_1=1)]
        ledger = consume(delivery(order()), effects=self.EFFECTS)
        assert [(v.outcome, v.reason) for _, v in ledger.verdicts()] == [("applied", "refused")]
        assert self.units(dynamodb) == {"NW-1": 1, "NW-2": 3}

    def test_placed_and_cancelled_in_one_batch(self, consume: Process, dynamodb: Wire) -> None:
        """The second event of the order waits for the first to commit, then returns what it took."""
        self.stock(dynamodb, NW_1=5, NW_2=5)
        ledger = consume(delivery(order(), "m1"), delivery(cancellation(order()), "m2"), effects=self.EFFECTS)
        assert [v.reason for _, v in ledger.verdicts()] == ["reserved", "cancelled"]
        assert self.units(dynamodb) == {"NW-1": 5, "NW-2": 5}

    def test_reads_that_fail_hand_the_batch_back(self, consume: Process, dynamodb: Wire) -> None:
        """Nothing is decided on items that could not be read."""
        dynamodb.before["batch_get_item"] = [refuse("AccessDeniedException")]
        assert set(outcomes(consume(*batch(2), effects=self.EFFECTS)).values()) == {"retry"}

    def test_reads_that_fail_hide_a_group_with_one_delay(
        self, consume: Process, dynamodb: Wire, source: RememberingSource
    ) -> None:
        """The first record fails, the rest of its group is held back with it."""
        dynamodb.before["batch_get_item"] = [refuse("AccessDeniedException")]
        ledger = consume(*(delivery(order(n), f"m{n}") for n in "123"), effects=self.EFFECTS)
        assert outcomes(ledger) == {"m1": "retry", "m2": "held_back", "m3": "held_back"}
        (delays,) = source.postponed
        assert len(set(delays.values())) == 1

    @pytest.mark.fault(31)
    def test_throttled_reads_are_repeated(self, consume: Process, dynamodb: Wire) -> None:
        """A throttle passes."""
        self.stock(dynamodb, NW_1=2, NW_2=3)
        dynamodb.before["batch_get_item"] = [refuse("ProvisionedThroughputExceededException")]
        assert outcomes(consume(delivery(order()), effects=self.EFFECTS)) == {"m1": "applied"}

    def test_reads_that_raise_fail_their_record_alone(self, consume: Process) -> None:
        """Declaring keys is the record's own step too, and a key must be one of a table."""

        def reads(message: Message[Any]) -> list[Key]:
            if message.event.order_id == "0":
                raise Poison("says reads")
            return [Key("orders", "no sort key")] if message.event.order_id == "1" else []

        effects = Transactional(functions={OrderPlaced: add_revenue}, reads=reads)
        assert outcomes(consume(*batch(3), effects=effects)) == {"m0": "dead_lettered", "m1": "retry", "m2": "applied"}

    def test_two_batches_over_the_same_stock_never_oversell(self, consume: Process, dynamodb: Wire) -> None:
        """The second batch commits between the first one's read and commit: together they take what there is."""
        self.stock(dynamodb, NW_1=10, NW_2=100)
        other: list[Ledger] = []
        rivals = [delivery(order(f"r{n}", customer_id=f"R{n}"), f"r{n}") for n in range(3)]
        dynamodb.after["batch_get_item"] = [lambda _: other.append(consume(*rivals, effects=self.EFFECTS))]
        ledger = consume(*batch(4), effects=self.EFFECTS)
        notes = [verdict.reason for each in (ledger, *other) for _, verdict in each.verdicts()]
        assert sorted(str(note) for note in notes) == ["refused"] * 2 + ["reserved"] * 5
        assert self.units(dynamodb) == {"NW-1": 0, "NW-2": 85}

    def test_an_undeclared_read_fails_the_record(self, consume: Process) -> None:
        """A function sees only what it declared: a forgotten key is an error, never a silent None."""

        def peek(_: Message[Any], view: View) -> Effect:
            view.get(Key("stock", "NW-1"))
            return Effect()

        ledger = consume(delivery(order()), effects=Transactional(functions={OrderPlaced: peek}))
        assert [(v.outcome, v.reason) for _, v in ledger.verdicts()] == [("retry", "UndeclaredRead")]


class TestFunctionsThatRaiseOnWhatTheyRead:
    """A refusal by exception holds only for what is committed, and never for what was applied before."""

    BALANCE = Key("stock", "balance")

    def debit(self, message: Message[Any], view: View) -> Effect:
        """Takes ten times the order's number from a balance, or calls the message poison."""
        amount = int(message.event.order_id) * 10
        if (view.get(self.BALANCE) or {"units": 0})["units"] < amount:
            raise Poison("insufficient")
        return Effect((Add(self.BALANCE, "units", -amount, needs=amount),))

    @pytest.fixture
    def effects(self, dynamodb: Wire) -> Transactional:
        dynamodb.put_item(TableName="stock", Item={"sku": {"S": "balance"}, "units": {"N": "100"}})
        return Transactional(functions={OrderPlaced: self.debit}, reads=lambda _: [self.BALANCE])

    def test_an_applied_event_is_never_dead_lettered(
        self, consume: Process, source: RememberingSource, effects: Transactional
    ) -> None:
        """Redelivered, it would be refused on what it took itself: its marker outranks that."""
        assert outcomes(consume(delivery(order("6")), effects=effects)) == {"m1": "applied"}
        assert outcomes(consume(delivery(order("6")), effects=effects)) == {"m1": "applied"}
        assert outcomes(consume(delivery(order("6"), "m2"), effects=effects)) == {"m2": "duplicate"}
        assert source.dead_letters == []

    def test_nobody_is_refused_on_what_may_not_commit(
        self, consume: Process, source: RememberingSource, effects: Transactional
    ) -> None:
        """The duplicate before it takes nothing, so the fresh debit is covered."""
        consume(delivery(order("4", customer_id="A"), "m1"), effects=effects)
        batch = [delivery(order("4", customer_id="A"), "m2"), delivery(order("6", customer_id="B"), "m3")]
        assert outcomes(consume(*batch, effects=effects)) == {"m2": "duplicate", "m3": "applied"}
        assert source.dead_letters == []

    def test_a_refusal_on_what_is_committed_stands(
        self, consume: Process, source: RememberingSource, effects: Transactional
    ) -> None:
        """In the same batch as a debit that used the balance up."""
        batch = [delivery(order("6", customer_id="A"), "m1"), delivery(order("5", customer_id="B"), "m2")]
        assert outcomes(consume(*batch, effects=effects)) == {"m1": "applied", "m2": "dead_lettered"}


class TestFailures:
    """A failure is its record's own, and its group's order."""

    @pytest.mark.fault(10, 11, 12)
    def test_a_failure_holds_back_the_rest_of_its_group_and_nobody_else(self, consume: Process, dynamodb: Wire) -> None:
        """Customer A stops at the second order; B goes on."""
        ledger = consume(
            delivery(named("1", "fine", "A"), "a1"),
            delivery(named("2", "crash", "A"), "a2"),
            delivery(named("3", "fine", "B"), "b1"),
            delivery(named("4", "fine", "A"), "a3"),
            delivery(named("5", "fine", "B"), "b2"),
        )
        assert outcomes(ledger) == {"a1": "applied", "a2": "retry", "b1": "applied", "a3": "held_back", "b2": "applied"}
        assert [each.id for each in ledger.handed_back()] == ["a2", "a3"]
        assert total(dynamodb) == 3

    @pytest.mark.fault(12)
    def test_on_a_standard_queue_a_failure_holds_back_nobody(self, consume: Process) -> None:
        """Without groups every record stands alone."""
        ledger = consume(
            delivery(named("1", "crash", "A"), "a1", fifo=False), delivery(named("2", "fine", "A"), "a2", fifo=False)
        )
        assert outcomes(ledger) == {"a1": "retry", "a2": "applied"}

    @pytest.mark.fault(16, 41, 44)
    @pytest.mark.parametrize("content", ["}{", json.dumps({"Type": "Notification", "TopicArn": "t"})])
    def test_poison_is_parked_at_once_and_its_group_goes_on(
        self, consume: Process, source: RememberingSource, content: str
    ) -> None:
        """The dead letter carries who, why and when; nothing of it is handed back."""
        ledger = consume(delivery(content, "m0", group="A", attempt=2), delivery(named("1", "fine", "A"), "m1"))
        assert outcomes(ledger) == {"m0": "dead_lettered", "m1": "applied"}
        ((dead, facts),) = source.dead_letters
        assert dead.id == "m0"
        assert (facts["reason"], facts["error"], facts["consumer"]) == ("poison", "Poison", "inventory")
        assert (facts["code_version"], facts["receive_count"]) == ("v7", 2)
        assert facts["first_attempt_at"] <= facts["last_attempt_at"]

    def test_a_function_may_call_a_message_poison(self, consume: Process, source: RememberingSource) -> None:
        """Bad data that only business code can tell goes the same way."""
        assert outcomes(consume(delivery(named("1", "poison")))) == {"m1": "dead_lettered"}
        assert source.dead_letters[0][1]["detail"] == "says the function"

    def test_when_the_dead_letter_is_refused_the_message_is_handed_back(
        self, consume: Process, source: RememberingSource
    ) -> None:
        """Left to SQS's own redrive, in order: what follows in the group waits."""
        source.accepts_dead_letters = False
        ledger = consume(delivery("}{", "m0", group="A"), delivery(named("1", "fine", "A"), "m1"))
        assert outcomes(ledger) == {"m0": "retry", "m1": "held_back"}

    def test_retry_later_hides_the_record_and_the_rest_of_its_group_in_one_call(
        self, consume: Process, source: RememberingSource
    ) -> None:
        """In-flight messages would block the group for the whole visibility timeout."""
        consume(delivery(named("1", "later"), "m1"), delivery(named("2", "fine"), "m2"))
        assert source.postponed == [{"m1": 42, "m2": 42}]

    def test_what_is_held_back_is_not_parked_ahead_of_its_turn(
        self, consume: Process, source: RememberingSource
    ) -> None:
        """Behind a message that waits for new code, poison waits too."""
        newer = body(order()).replace("OrderPlaced:1", "OrderPlaced:2")
        ledger = consume(
            *(delivery(text, f"m{n}", group="A") for n, text in enumerate((newer, "}{", body(named("2", "fine")))))
        )
        assert outcomes(ledger) == {"m0": "retry", "m1": "held_back", "m2": "held_back"}
        assert source.dead_letters == []

    def test_any_other_exception_is_left_to_the_queue(self, consume: Process, source: RememberingSource) -> None:
        """No visibility change; the reason is the class alone, for a foreign text may hold payload."""
        ledger = consume(delivery(named("1", "crash")))
        ((_, verdict),) = ledger.verdicts()
        assert (verdict.outcome, verdict.reason, verdict.detail) == ("retry", "ZeroDivisionError", None)
        assert source.postponed == []

    def test_an_event_of_another_subscription_is_poison(self, consume: Process, source: RememberingSource) -> None:
        """Sent by hand to the wrong queue."""
        placed_only = Subscription(consumer="placed_only", events=(OrderPlaced,), writes=("revenue",))
        ledger = consume(delivery(cancellation(order())), subscription=placed_only)
        assert outcomes(ledger) == {"m1": "dead_lettered"}
        assert source.dead_letters[0][1]["reason"] == "poison"

    @pytest.mark.fault(46)
    def test_a_newer_version_waits_for_new_code_and_then_is_parked(
        self, consume: Process, source: RememberingSource
    ) -> None:
        """Patience counts from the first receive; the reason is not poison."""
        newer = body(order()).replace("OrderPlaced:1", "OrderPlaced:2")
        ledger = consume(delivery(newer, "m1", group="A"), delivery(named("1", "fine", "B"), "m2"))
        assert outcomes(ledger) == {"m1": "retry", "m2": "applied"}
        assert source.postponed[0].keys() == {"m1"}
        ledger = consume(delivery(newer, "m1", first_received_at=NOW - PATIENCE_SECONDS))
        assert outcomes(ledger) == {"m1": "dead_lettered"}
        assert source.dead_letters[0][1]["reason"] == "newer_version"

    @pytest.mark.fault(1)
    def test_an_event_past_its_age_is_expired_unless_it_was_done_in_time(
        self, consume: Process, source: RememberingSource
    ) -> None:
        """A late repeat is a duplicate, a late first is a dead letter."""
        row = Subscription(consumer="inventory", events=(OrderPlaced,), ordering="group", max_age_seconds=300)
        consume(delivery(order("1"), "m1"), subscription=row)
        late = consume(delivery(order("1"), "m2"), delivery(order("2"), "m3"), subscription=row, now=NOW + 301)
        assert outcomes(late) == {"m2": "duplicate", "m3": "dead_lettered"}
        assert source.dead_letters[0][1]["reason"] == "expired"

    def test_an_event_past_its_age_that_marks_itself_is_known_too(
        self, consume: Process, source: RememberingSource
    ) -> None:
        """Where events expire the marker is in the inbox, whatever the effect."""

        def keep(message: Message[Any], _: View) -> Effect:
            return Effect((Create(Key("orders", message.event.order_id, message.id), {}),))

        row = Subscription(consumer="standard_orders", events=(OrderPlaced,), max_age_seconds=300)
        effects = Transactional(functions={OrderPlaced: keep})
        consume(delivery(order(), fifo=False), subscription=row, effects=effects)
        late = consume(delivery(order(), "m2", fifo=False), subscription=row, effects=effects, now=NOW + 301)
        assert outcomes(late) == {"m2": "duplicate"}
        assert source.dead_letters == []

    def test_what_a_function_may_not_return_fails_its_record_alone(self, consume: Process) -> None:
        """A float is no DynamoDB number: its neighbours are applied."""

        def half(message: Message[Any], _: View) -> Effect:
            return Effect((Add(Key("revenue", "x", "0"), "amount", 0.5 if message.event.order_id == "0" else 1),))  # type: ignore[arg-type]

        ledger = consume(*batch(2), effects=Transactional(functions={OrderPlaced: half}))
        assert outcomes(ledger) == {"m0": "retry", "m1": "applied"}

    def test_a_condition_that_never_holds_fails_its_record_alone(self, consume: Process, dynamodb: Wire) -> None:
        """Additions merged with it commit when the batch goes on one by one."""

        def take(message: Message[Any], _: View) -> Effect:
            needs = 99 if message.event.order_id == "0" else None
            return Effect((Add(Key("stock", "A"), "units", 1, needs=needs),))

        ledger = consume(*batch(3), effects=Transactional(functions={OrderPlaced: take}))
        assert outcomes(ledger) == {"m0": "retry", "m1": "applied", "m2": "applied"}

    def test_an_empty_batch_is_nothing(self, consume: Process, dynamodb: Wire) -> None:
        """No call, no verdict."""
        assert consume().verdicts() == []
        assert dynamodb.calls == []


class TestDeadline:
    """Near the end of the time, what is done is kept and the rest handed back."""

    @pytest.mark.fault(24)
    def test_without_time_nothing_is_started(self, consume: Process, dynamodb: Wire) -> None:
        """Every record is handed back untouched."""
        assert set(outcomes(consume(*batch(3), remaining_seconds=lambda: RESERVE_SECONDS)).values()) == {"retry"}
        assert dynamodb.calls == []

    @pytest.mark.fault(24)
    def test_what_was_committed_before_the_end_is_kept(self, consume: Process, dynamodb: Wire) -> None:
        """The first round committed, the second was not begun."""
        remaining = [5.0]
        dynamodb.after["transact_write_items"] = [lambda _: remaining.insert(0, RESERVE_SECONDS)]
        ledger = consume(delivery(order(), "m1"), delivery(order(), "m2"), remaining_seconds=lambda: remaining[0])
        assert outcomes(ledger) == {"m1": "applied", "m2": "retry"}
        assert total(dynamodb) == 1

    @pytest.mark.fault(24)
    def test_a_slow_read_leaves_no_time_for_the_commit(self, consume: Process, dynamodb: Wire) -> None:
        """Each call is a step of its own."""
        remaining = [5.0]
        dynamodb.after["batch_get_item"] = [lambda _: remaining.insert(0, RESERVE_SECONDS)]
        effects = Transactional(
            functions={OrderPlaced: add_revenue}, reads=lambda message: [Key("stock", message.event.order_id)]
        )
        ledger = consume(delivery(order()), effects=effects, remaining_seconds=lambda: remaining[0])
        assert outcomes(ledger) == {"m1": "retry"}
        assert dynamodb.calls == ["batch_get_item"]

    def test_without_time_nothing_is_parked(self, consume: Process, source: RememberingSource) -> None:
        """A queue that hangs on every dead letter must not cost the whole batch."""
        assert outcomes(consume(delivery("}{"), remaining_seconds=lambda: RESERVE_SECONDS)) == {"m1": "retry"}
        assert source.dead_letters == []
