"""Redrives in a world: the real consumer gets what the operator sends, whatever happens to either."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cli.errors import CliError, PartlyDone
from cli.letters.judging import Rules
from cli.letters.redriving import Gait, plan
from cli.letters.selection import Selection
from lambdas import analytics, inventory, notifications, standard_orders
from lambdas.runtime import ConsumerFunction
from messaging.effects import Add, Effect, Key, Transactional, View
from messaging.errors import Poison
from messaging.events import OrderCancelled, OrderPlaced, StockRefused, StockReserved
from messaging.message import Message
from messaging.subscription import Subscription
from messaging.topic import Topic
from testing import World, line, numbered, order_placed, unlike
from testing.faults import Fault
from tests.cli.letters.operating import OneFault, Operated, operate, redriven

CONSUMERS: dict[str, Any] = {"analytics": analytics.handler, "standard_orders": standard_orders.handler}
BOTH = pytest.mark.parametrize("consumer", [*CONSUMERS])


def orders(count: int, customers: int = 3) -> list[OrderPlaced]:
    return [order_placed(f"{1001 + n}", customer_id=f"C{n % customers}") for n in range(count)]


def buried(consumer: str, count: int = 7, **world_options: Any) -> World:
    """A world in which a bug has buried so many orders, and is mended."""
    world = World(**world_options)
    world.deploy(consumer, CONSUMERS[consumer])
    placed = orders(count)
    world.disturbance.unprocessable |= {order.event_id for order in placed}
    world.publish(*placed)
    world.run()
    assert len(world.dead_letters(consumer)) == count
    world.disturbance.heal()
    return world


def applied(world: World, consumer: str) -> dict[str, int]:
    """How often each event was applied."""
    return {event_id: said.count("applied") for event_id, said in world.outcomes(consumer).items()}


def assert_all_applied_once(world: World, consumer: str, count: int) -> None:
    assert world.dead_letters(consumer) == []
    assert applied(world, consumer) == dict.fromkeys((order.event_id for order in orders(count)), 1)


class TestAll:
    """Nothing goes wrong."""

    @pytest.mark.fault(5, 6)
    @BOTH
    def test_every_letter_is_applied_once_and_none_is_left(self, consumer: str) -> None:
        """On a FIFO queue and on a standard one."""
        world = buried(consumer, 25)
        operated = operate(world, consumer, redriven())
        assert operated.error is None
        assert [*operated.outcomes.values()] == ["moved"] * 25
        assert_all_applied_once(world, consumer, 25)

    def test_what_is_behind_the_first_ten_of_its_group_follows_in_order(self) -> None:
        """Forty letters of one customer, of which nobody can see more than ten at once."""
        world = World()
        world.deploy("standard_orders", standard_orders.handler)
        placed = orders(40, customers=1)
        world.disturbance.unprocessable |= {order.event_id for order in placed}
        world.publish(*placed)
        world.run()
        world.disturbance.heal()
        operated = operate(world, "standard_orders", redriven())
        assert [step.letter.event_id for step in operated.steps] == [order.event_id for order in placed]
        assert world.dead_letters("standard_orders") == []
        log = [row.extra["event_id"] for row in world.log("standard_orders") if row.extra.get("outcome") == "applied"]
        assert log == [order.event_id for order in placed]

    def test_the_message_is_what_it_was_but_for_the_count(self) -> None:
        """Body, group and attributes; the second redrive counts on, as the next dead letter has kept the first."""
        world = buried("standard_orders", 1)
        (first,) = world.dead_letters("standard_orders")
        world.disturbance.unprocessable.add("OrderPlaced-1001")
        for redrives in (1, 2):
            operate(world, "standard_orders", redriven())
            (letter,) = world.dead_letters("standard_orders")
            assert (letter.message.body, letter.message.group) == (first.message.body, first.message.group)
            assert letter.message.attributes["type"] == first.message.attributes["type"]
            assert letter.facts is not None
            assert (letter.facts["redrives"], letter.reason) == (redrives, "poison")

    def test_the_rate_is_kept(self) -> None:
        """Twenty letters at four a second take five seconds or so."""
        world = buried("analytics", 20)
        began = world.elapsed_seconds
        operated = operate(world, "analytics", redriven(gait=Gait(rate=4.0)))
        assert len(operated.steps) == 20
        assert 4.0 < world.elapsed_seconds - began < 60.0

    @pytest.mark.fault(52)
    def test_what_the_topic_could_not_deliver_reaches_its_consumer(self) -> None:
        """From a FIFO queue to a standard one, which takes neither group nor deduplication id."""
        world = World()
        world.deploy("analytics", analytics.handler)
        world.inject("key_revoked", at="topic analytics")
        world.publish(order_placed("1001"))
        world.run()
        operated = operate(world, "analytics", redriven(), of_topic=True)
        assert operated.outcomes == {"OrderPlaced-1001": "moved"}
        assert [step.letter.reason for step in operated.steps] == ["undelivered"]
        assert world.undelivered("analytics") == []
        assert applied(world, "analytics") == {"OrderPlaced-1001": 1}


class TestWhatStays:
    """Letters that would only come back, or that nobody has asked for."""

    def test_only_what_is_asked_for_moves(self) -> None:
        """The others are let go at the end, and are there as they were."""
        world = buried("standard_orders", 6)
        operated = operate(
            world, "standard_orders", redriven(Rules(selection=Selection(ids=("OrderPlaced-1003", "OrderPlaced-1004"))))
        )
        moved = [name for name, outcome in operated.outcomes.items() if outcome == "moved"]
        assert moved == ["OrderPlaced-1003", "OrderPlaced-1004"]
        assert len(world.dead_letters("standard_orders")) == 4
        assert operate(world, "standard_orders", redriven()).error is None
        assert_all_applied_once(world, "standard_orders", 6)

    @BOTH
    def test_a_letter_whose_event_was_applied_is_deleted_and_not_sent(self, consumer: str) -> None:
        """A copy of an event got through while its letter lay there: a marker in the inbox, or an item, proves it."""
        world = buried(consumer, 1)
        world.publish(order_placed("1001", customer_id="C0"), resend="again")
        world.run()
        operated = operate(world, consumer, redriven())
        assert operated.outcomes == {"OrderPlaced-1001": "done"}
        assert "applied" in operated.why["OrderPlaced-1001"]
        assert_all_applied_once(world, consumer, 1)

    def test_applied_ones_can_be_kept(self) -> None:
        """For those who want to look first."""
        world = buried("analytics", 1)
        world.publish(order_placed("1001", customer_id="C0"), resend="again")
        world.run()
        operated = operate(world, "analytics", redriven(Rules(selection=Selection(), keep_applied=True)))
        assert operated.outcomes == {"OrderPlaced-1001": "stays"}
        assert len(world.dead_letters("analytics")) == 1

    def test_an_id_that_was_applied_with_other_contents_stays(self) -> None:
        """It is no proof that this letter's contents were applied; by its reason it is sent, and comes back."""
        world = World()
        world.deploy("analytics", analytics.handler)
        order = order_placed("1001")
        world.publish(order)
        world.publish(unlike(order, lines=[line("NW-1", 9)]), resend="again")
        world.run()
        assert operate(world, "analytics", redriven()).outcomes == {"OrderPlaced-1001": "stays"}
        assert len(world.dead_letters("analytics")) == 1
        asked = operate(world, "analytics", redriven(Rules(selection=Selection(reason="conflict"))))
        assert asked.steps[0].outcome == "moved"
        assert [letter.reason for letter in world.dead_letters("analytics")] == ["conflict"]

    @pytest.mark.fault(55)
    def test_a_message_is_redriven_so_often_and_no_more(self) -> None:
        """The count outlives each dead letter."""
        world = buried("analytics", 1)
        world.disturbance.unprocessable.add("OrderPlaced-1001")
        rules = Rules(selection=Selection(), max_redrives=2)
        outcomes = [operate(world, "analytics", redriven(rules)).steps[0].outcome for _ in range(3)]
        assert outcomes == ["moved", "moved", "stays"]

    def test_an_expired_letter_stays_unless_it_is_insisted_on(self) -> None:
        """Its consumer takes nothing that is older than five minutes."""
        world = World()
        world.deploy("notifications", notifications.handler)
        world.outage("sesv2", seconds=3_600)
        world.publish(order_placed("1001"))
        world.run()
        assert [letter.reason for letter in world.dead_letters("notifications")] == ["expired"]
        operated = operate(world, "notifications", redriven())
        assert operated.outcomes == {"OrderPlaced-1001": "stays"}
        assert "expired" in operated.why["OrderPlaced-1001"]
        insisted = operate(world, "notifications", redriven(Rules(selection=Selection(), ignore_expiry=True)))
        assert insisted.steps[0].outcome == "moved"
        assert [letter.reason for letter in world.dead_letters("notifications")] == ["expired"]

    @pytest.mark.fault(17)
    def test_an_overtaken_letter_stays_as_stale(self) -> None:
        """Its group's cursor says so, whatever it died of."""
        world = World()
        world.put("stock", {"sku": "NW-1", "units": 39}, {"sku": "NW-2", "units": 39})
        world.deploy("inventory", inventory.handler)
        world.disturbance.unprocessable.add("OrderPlaced-1001")
        world.publish(*numbered(order_placed("1001"), order_placed("1002")))
        world.run()
        world.disturbance.heal()
        operated = operate(world, "inventory", redriven())
        assert operated.outcomes == {"OrderPlaced-1001": "stays"}
        assert "stale" in operated.why["OrderPlaced-1001"]
        assert [letter.reason for letter in world.dead_letters("inventory")] == ["poison"]

    def test_a_plan_says_what_would_move_and_moves_nothing(self) -> None:
        """And holds nothing afterwards."""
        world = buried("standard_orders", 4)
        world.publish(order_placed("1001", customer_id="C0"), resend="again")
        world.run()
        rules = Rules(selection=Selection(match="group~C[01]"))
        seen: list[Any] = []

        def look(at: Any) -> Any:
            seen.append(plan(at, rules))
            return []

        operate(world, "standard_orders", look)
        actions = {each.letter.name[-4:]: each.action for each in seen[0].decisions}
        assert actions == {"1001": "done", "1002": "moves", "1003": "stays", "1004": "moves"}
        assert (seen[0].moves, seen[0].done) == (2, 1)
        assert len(world.dead_letters("standard_orders")) == 4
        assert world.deployed["standard_orders"].dead_letter_queue.counts.not_visible == 0


class TestCanaries:
    """A few first."""

    @BOTH
    def test_the_rest_follows_when_they_are_applied(self, consumer: str) -> None:
        """All of it, once."""
        world = buried(consumer, 12)
        operated = operate(world, consumer, redriven(gait=Gait(rate=1_000, canaries=3)))
        assert operated.error is None
        assert_all_applied_once(world, consumer, 12)

    @BOTH
    def test_the_rest_stays_when_one_comes_back(self, consumer: str) -> None:
        """The bug is not mended after all: two letters were tried, ten are as they were."""
        world = buried(consumer, 12)
        world.disturbance.unprocessable |= {order.event_id for order in orders(12)}
        operated = operate(world, consumer, redriven(gait=Gait(rate=1_000, canaries=2)))
        assert isinstance(operated.error, PartlyDone)
        assert "poison" in str(operated.error)
        assert sorted(letter.facts.get("redrives", 0) for letter in world.dead_letters(consumer) if letter.facts) == [
            *[0] * 10,
            *[1] * 2,
        ]

    def test_a_body_that_tells_of_no_event_is_seen_to_come_back(self) -> None:
        """Its failure record is under its delivery's id, which is that of the message that was sent."""
        world = World()
        world.deploy("standard_orders", standard_orders.handler)
        world.send("standard_orders", "no JSON")
        world.run()
        operated = operate(world, "standard_orders", redriven(gait=Gait(canaries=1)))
        assert isinstance(operated.error, PartlyDone)
        assert "came back" in str(operated.error)

    def test_the_rest_stays_when_nothing_is_known_of_them_in_time(self) -> None:
        """The consumer fails for now: neither applied nor back."""
        world = buried("analytics", 5)
        world.disturbance.stubborn |= {order.event_id: 3 for order in orders(5)}
        operated = operate(world, "analytics", redriven(gait=Gait(rate=1_000, canaries=1, canary_seconds=20.0)))
        assert isinstance(operated.error, CliError)
        assert len(world.dead_letters("analytics")) == 4

    def test_what_comes_back_in_the_same_run_is_not_sent_again(self) -> None:
        """Each letter is sent once, and the run ends."""
        world = buried("analytics", 30)
        world.disturbance.unprocessable |= {order.event_id for order in orders(30)}
        operated = operate(world, "analytics", redriven(gait=Gait(rate=5.0)))
        assert isinstance(operated.error, PartlyDone)
        assert sum(step.outcome == "moved" for step in operated.steps) == 30
        assert {letter.facts.get("redrives") for letter in world.dead_letters("analytics") if letter.facts} == {1}


class TestSequences:
    """A strict group goes back in its order, or not at all. Of five events the second is poison: the later are held."""

    @pytest.fixture
    def broken(self) -> set[str]:
        """Ids of events that the code can't take (yet)."""
        return {"OrderPlaced-1002"}

    @pytest.fixture
    def world(self, broken: set[str]) -> World:
        """With four dead letters."""

        def book(message: Message[Any], _: View) -> Effect:
            if message.id in broken:
                raise Poison("says the function")
            return Effect((Add(Key("revenue", message.id, "0"), "amount", 1),))

        events = (OrderPlaced, OrderCancelled)
        row = Subscription(consumer="keeper", events=events, writes=("revenue",), ordering="strict")
        topic = Topic(name="orders", subscriptions=(row,), announced=(StockReserved, StockRefused))
        world = World(topic=topic)
        effects = Transactional(functions={OrderPlaced: book, OrderCancelled: book})
        world.deploy("keeper", ConsumerFunction(effects, topic=topic))
        world.publish(*numbered(*(order_placed(f"{1001 + n}") for n in range(5))))
        world.run()
        assert [letter.reason for letter in world.dead_letters("keeper")] == ["poison", "held", "held", "held"]
        return world

    def test_they_go_back_together(self, world: World, broken: set[str]) -> None:
        """And are applied in order."""
        broken.clear()
        assert operate(world, "keeper", redriven()).error is None
        assert world.dead_letters("keeper") == []
        log = [row.extra["event_id"] for row in world.log("keeper") if row.extra.get("outcome") == "applied"]
        assert log == [f"OrderPlaced-{1001 + n}" for n in range(5)]

    def test_held_ones_alone_stay(self, world: World, broken: set[str]) -> None:
        """What they wait for is not asked for, so they would only be held again."""
        broken.clear()
        operated = operate(world, "keeper", redriven(Rules(selection=Selection(reason="held"))))
        assert set(operated.outcomes.values()) == {"stays"}
        assert "sequence 3, and 2 of its group" in operated.why["OrderPlaced-1003"]
        assert [letter.reason for letter in world.dead_letters("keeper")] == ["poison", "held", "held", "held"]

    @pytest.mark.fault(17, 18)
    def test_a_group_whose_letters_changed_places_goes_back_in_sequence(self, world: World, broken: set[str]) -> None:
        """The first one was redriven alone, in vain, and lies last now."""
        operate(world, "keeper", redriven(Rules(selection=Selection(ids=("OrderPlaced-1002",)))))
        assert [letter.event_id for letter in world.dead_letters("keeper")][-1] == "OrderPlaced-1002"
        broken.clear()
        assert operate(world, "keeper", redriven()).error is None
        assert world.dead_letters("keeper") == []
        assert max(applied(world, "keeper").values()) == 1
        assert len(applied(world, "keeper")) == 5


def first_calls(consumer: str) -> list[str]:
    """The calls of a redrive in which nothing goes wrong."""
    faults = OneFault()
    world = buried(consumer, 7)
    world.plan = faults
    operate(world, consumer, redriven())
    return faults.places


@pytest.mark.parametrize("pause_seconds", [0, 400])
@BOTH
@pytest.mark.parametrize(
    "fault",
    [Fault.DIES_BEFORE_CALL, Fault.DIES_AFTER_CALL, Fault.LANDS_AFTER_DEATH, Fault.LOST_REPLY, Fault.LANDS_LATE],
)
def test_whatever_call_is_its_last_the_next_run_ends_it(fault: Fault, consumer: str, pause_seconds: int) -> None:
    """At once, or when SQS has forgotten what was sent: nothing is lost, applied twice or left in the queue."""
    places = first_calls(consumer)
    assert {place.rpartition(".")[2] for place in places} >= {
        "receive_message",
        "send_message_batch",
        "delete_message_batch",
        "change_message_visibility_batch",
        "batch_get_item",
    }
    for number in range(len(places)):
        world = buried(consumer, 7)
        world.plan = OneFault(number, fault)
        died = begun(world, consumer, pause_seconds)
        assert operate(world, consumer, redriven()).error is None, (places[number], died.error)
        assert_all_applied_once(world, consumer, 7)


def begun(world: World, consumer: str, pause_seconds: int) -> Operated:
    """A redrive that something happens to, and the time until somebody looks again."""
    died = operate(world, consumer, redriven())
    world.run(pause_seconds)
    return died


@BOTH
@pytest.mark.parametrize("pause_seconds", [0, 400])
def test_a_death_while_the_bug_is_still_there_doubles_no_letter_for_good(consumer: str, pause_seconds: int) -> None:
    """What was sent, but not deleted, comes back beside its own letter: the next run knows the one by the other."""
    places = first_calls(consumer)
    number = places.index("operator sqs.delete_message_batch")
    world = buried(consumer, 7)
    world.disturbance.unprocessable |= {order.event_id for order in orders(7)}
    world.plan = OneFault(number, Fault.DIES_BEFORE_CALL)
    begun(world, consumer, pause_seconds)
    assert len(world.dead_letters(consumer)) > 7
    world.disturbance.heal()
    operated = operate(world, consumer, redriven())
    assert sum(step.outcome == "moved" for step in operated.steps) == 7
    assert_all_applied_once(world, consumer, 7)


@BOTH
@pytest.mark.parametrize("stop_after", [1, 5, 12])
def test_ctrl_c_finishes_a_batch_and_holds_nothing(consumer: str, stop_after: int) -> None:
    """The same command again does the rest."""
    world = buried(consumer, 25)
    stopped = operate(world, consumer, redriven(), stop_after=stop_after)
    assert stopped.error is None
    assert stop_after <= sum(step.outcome == "moved" for step in stopped.steps) < 25
    assert world.deployed[consumer].dead_letter_queue.counts.not_visible == 0
    operate(world, consumer, redriven())
    assert_all_applied_once(world, consumer, 25)


@BOTH
def test_what_sqs_refuses_stays_and_is_told(consumer: str) -> None:
    """Nothing behind a refused letter of its group overtakes it."""
    world = buried(consumer, 9)
    world.inject("unprocessed", at="operator sqs.send_message_batch")
    operated = operate(world, consumer, redriven())
    world.assert_all_injected()
    assert isinstance(operated.error, PartlyDone)
    refused = {name for name, outcome in operated.outcomes.items() if outcome == "refused"}
    assert {letter.event_id for letter in world.dead_letters(consumer)} == refused
    assert operate(world, consumer, redriven()).error is None
    assert_all_applied_once(world, consumer, 9)
    if consumer == "standard_orders":
        log = [row.extra["event_id"] for row in world.log(consumer) if row.extra.get("outcome") == "applied"]
        for customer in range(3):
            mine = [order.event_id for order in orders(9) if order.customer_id == f"C{customer}"]
            assert [event_id for event_id in log if event_id in mine] == mine


def test_letters_that_a_killed_run_holds_are_waited_for() -> None:
    """They come back into sight by themselves some seconds later."""
    world = buried("standard_orders", 7)
    places = first_calls("standard_orders")
    world.plan = OneFault(places.index("operator sqs.send_message_batch"), Fault.DIES_BEFORE_CALL)
    said: list[str] = []

    def again(at: Any) -> Any:
        return redriven()(replace(at, say=said.append))

    process_died = operate(world, "standard_orders", redriven())
    assert process_died.error is not None
    world.plan = OneFault()
    world.deployed["standard_orders"].dead_letter_queue.receive(10, 30)
    operate(world, "standard_orders", again)
    assert "held by somebody else" in said[0]
    assert_all_applied_once(world, "standard_orders", 7)
