"""Requests that land when nobody waits for them any more: after the death of their function, or twice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace

from messaging.effects import Add, Create, Effect, External, Key, Transactional, View
from messaging.events import OrderPlaced
from messaging.message import Message
from messaging.subscription import DAY_SECONDS, Ordering, Subscription
from tests.doubles import RememberingSource, Wire, lose_reply
from tests.factories import NOW, body, delivery, order
from tests.messaging.consuming import in_memory, outcomes, process
from tests.messaging.receiving import Killed

MOST_CALLS = 5


def count(message: Message[Any], view: View) -> Effect:
    """One more for each event, told apart by nothing but its marker."""
    return Effect((Add(Key("stock", "total"), "units", 1),))


def keep(message: Message[Any], _: View) -> Effect:
    """An item that is its own marker."""
    return Effect((Create(Key("orders", message.event.order_id, message.id), {}),))


def row(ordering: Ordering = "none") -> Subscription:
    return Subscription(
        consumer="worker", events=(OrderPlaced,), reads=("stock",), writes=("stock", "orders"), ordering=ordering
    )


COUNT = Transactional(functions={OrderPlaced: count}, reads=lambda _: [Key("stock", "total")])
KEEP = Transactional(functions={OrderPlaced: keep})
CALLS = Subscription(consumer="worker", events=(OrderPlaced,), calls=("ses:SendEmail",))
KINDS = {"marker": (row(), COUNT), "cursor": (row("monotonic"), COUNT), "item": (row(), KEEP), "call": (CALLS, None)}


class World:
    """One DynamoDB, one provider, and an event that is received again and again."""

    def __init__(self, kind: str) -> None:
        self.client = in_memory()
        self.row, self._effects = KINDS[kind]
        self._calls = 0
        self._receives = 0

    def work(self, client: Any, delivery_id: str) -> str:
        """What becomes of the event, delivered under this id."""
        self._receives += 1
        each = delivery(body(order(), sequence=1), delivery_id, group="ALFKI", attempt=self._receives)
        ledger = process(
            client,
            RememberingSource(),
            each if self.row.fifo else replace(each, group=None),
            effects=self._effects or External(calls={OrderPlaced: self._call}),
            subscription=self.row,
            now=NOW + self._receives * self.row.visibility_timeout_seconds,
        )
        return outcomes(ledger)[delivery_id]

    @property
    def calls(self) -> int:
        """How often somebody was called for the event."""
        return self._calls

    def counted(self) -> int:
        """How often it was applied: its item, or what it added."""
        kept = self.client.scan(TableName="orders")["Items"]
        stock = self.client.scan(TableName="stock")["Items"]
        return len(kept) + sum(int(item["units"]["N"]) for item in stock)

    def _call(self, _message: Message[Any], _key: str) -> None:
        self._calls += 1


class Interrupted:
    """A client that meets something at its n-th call. `met`: whether there were so many."""

    def __init__(self, client: Any, at: int, meets: Callable[[Callable[[], Any]], None]) -> None:
        self.exceptions = client.exceptions
        self.met = False
        self._client = client
        self._at = at
        self._meets = meets

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            def send() -> Any:
                return getattr(self._client, operation)(**request)

            self._at -= 1
            if self._at == -1:
                self.met = True
                self._meets(send)
            return send()

        return call


def late_request(world: World, dies_at: int) -> Callable[[], None] | None:
    """The function dies at its n-th call, whose request is still on its way: lands it. None where it made fewer."""
    on_its_way: list[Callable[[], Any]] = []

    def die(send: Callable[[], Any]) -> None:
        on_its_way.append(send)
        raise Killed

    client = Interrupted(world.client, dies_at, die)
    with suppress(Killed):
        world.work(client, "m1")

    def land() -> None:
        with suppress(ClientError):  # nobody is there to hear of it
            on_its_way[0]()

    return land if client.met else None


@pytest.mark.fault(26)
@pytest.mark.parametrize("dies_at", range(MOST_CALLS))
@pytest.mark.parametrize("kind", KINDS)
def test_a_request_that_lands_after_all_is_done_changes_nothing(kind: str, dies_at: int) -> None:
    """Its function died, the event was redelivered and applied: the late request is refused, or says the same."""
    world = World(kind)
    if land := late_request(world, dies_at):
        assert world.work(world.client, "m1") == "applied"
        before = (world.calls, world.counted())
        land()
        assert (world.calls, world.counted()) == before
    calls = world.calls
    assert world.work(world.client, "m2") == "duplicate"
    assert (world.calls, world.counted()) == (calls, 0 if world.calls else 1)


@pytest.mark.fault(26)
@pytest.mark.parametrize("lands_at", range(MOST_CALLS))
@pytest.mark.parametrize("dies_at", range(MOST_CALLS))
@pytest.mark.parametrize("kind", KINDS)
def test_a_request_that_lands_beside_the_next_attempt_doubles_nothing(kind: str, dies_at: int, lands_at: int) -> None:
    """Between any two calls of it: one of them is applied, and the other finds that out."""
    world = World(kind)
    if land := late_request(world, dies_at):
        called_before = world.calls
        client = Interrupted(world.client, lands_at, lambda _: land())
        outcome = world.work(client, "m1")
        if outcome == "retry":  # it met the late request's claim
            outcome = world.work(world.client, "m1")
        assert outcome == "applied"
        # What a function did outside before it died can't be undone.
        assert (world.calls - called_before <= 1) if world.calls else (world.counted() == 1)


@pytest.mark.fault(7)
@pytest.mark.parametrize("comes_at", range(MOST_CALLS))
@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_that_another_worker_gets_meanwhile_doubles_nothing(kind: str, comes_at: int) -> None:
    """The record is shown again between any two calls of the first worker: both are done, and its effect is there once.

    A call may be made twice, for its lease has lapsed by then; who lost it comes again and finds it done.
    """
    world = World(kind)
    others: list[str] = []
    client = Interrupted(world.client, comes_at, lambda _: others.append(world.work(world.client, "m1")))
    outcome = world.work(client, "m1")
    if world.row.calls and outcome == "retry":
        outcome = world.work(world.client, "m1")
    assert {outcome, *others} == {"applied"}
    assert len(others) == client.met
    assert (1 <= world.calls <= 1 + client.met) if world.row.calls else (world.counted() == 1)
    assert world.work(world.client, "m2") == "duplicate"


@pytest.mark.fault(34)
def test_each_attempt_is_a_request_of_its_own(source: RememberingSource) -> None:
    """None names a token: DynamoDB would take an attempt with other contents for a mistake, and a late one for new."""
    wire, tokens = Wire(in_memory()), list[str | None]()
    note = [lambda request: tokens.append(request.get("ClientRequestToken"))] * 3
    wire.before["transact_write_items"] = [*note]
    wire.after["transact_write_items"] = [lose_reply]
    batch = [delivery(order(each), f"m{each}", fifo=False) for each in "12"]
    assert set(outcomes(process(wire, source, *batch, effects=COUNT, subscription=row())).values()) == {"applied"}
    assert tokens == [None] * 2


@pytest.mark.fault(29)
@pytest.mark.parametrize("ahead_seconds", [-DAY_SECONDS, DAY_SECONDS])
@pytest.mark.parametrize("kind", ["marker", "cursor", "item"])
def test_clocks_that_differ_double_nothing(kind: str, ahead_seconds: int, source: RememberingSource) -> None:
    """A day ahead or behind, the next worker finds what the first has applied: no clock decides it."""
    subscription, effects = KINDS[kind]
    assert effects is not None
    client = in_memory()
    for delivery_id, now in (("m1", NOW), ("m2", NOW + ahead_seconds)):
        each = delivery(body(order(), sequence=1), delivery_id, group="ALFKI" if subscription.fifo else None)
        ledger = process(client, source, each, effects=effects, subscription=subscription, now=now)
        assert outcomes(ledger) == {delivery_id: "applied" if delivery_id == "m1" else "duplicate"}


@pytest.mark.fault(29, 30)
def test_a_clock_ahead_costs_a_second_call_and_no_wrong_record(source: RememberingSource) -> None:
    """It takes over a lease that still holds: whoever lost it can't complete it, or give up the other's."""
    client = in_memory()
    calls: list[str] = []
    each = delivery(order(), fifo=False)

    def hasty(message: Message[Any], _: str) -> None:
        calls.append("hasty")

    def slow(message: Message[Any], _: str) -> None:
        calls.append("slow")
        effects = External(calls={OrderPlaced: hasty})
        ledger = process(client, source, each, effects=effects, subscription=CALLS, now=NOW + DAY_SECONDS)
        assert outcomes(ledger) == {"m1": "applied"}

    ledger = process(client, source, each, effects=External(calls={OrderPlaced: slow}), subscription=CALLS)
    assert outcomes(ledger) == {"m1": "retry"}
    assert calls == ["slow", "hasty"]
    ledger = process(client, source, each, effects=External(calls={OrderPlaced: slow}), subscription=CALLS)
    assert outcomes(ledger) == {"m1": "applied"}
    assert calls == ["slow", "hasty"]
