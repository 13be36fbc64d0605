"""The world as users meet it: what it does for them, and what it says when something is wrong."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import msgspec
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

from lambdas import analytics, inventory, notifications, relay
from lambdas.runtime import ConsumerFunction
from messaging.effects import Add, Create, Effect, Key, Transactional, View
from messaging.errors import RetryLater, TopologyError
from messaging.events import OrderPlaced
from messaging.message import Message
from messaging.subscription import Subscription
from messaging.topic import Topic
from messaging.topology import ORDERS
from testing import NeverAtRest, Process, World, order_cancelled, order_placed, unlike
from testing.faults import Fault, PlacedFaults
from testing.sqs import Refused

Function = Callable[[Message[OrderPlaced], View], Effect]
CONSUMER = "pointed"
COMMIT = f"{CONSUMER} dynamodb.transact_write_items"


def deployed(function: Function, *, real_botocore: bool = False) -> World:
    """A world with one consumer of orders."""
    row = Subscription(consumer=CONSUMER, events=(OrderPlaced,), writes=("revenue",))
    topic = Topic(name="orders", subscriptions=(row,))
    world = World(topic=topic, real_botocore=real_botocore)
    world.deploy(CONSUMER, ConsumerFunction(Transactional(functions={OrderPlaced: function}), topic=topic))
    return world


def point(message: Message[OrderPlaced], _: View) -> Effect:
    return Effect((Add(Key("revenue", message.event.customer_id, "points"), "amount", 1),))


def later(message: Message[OrderPlaced], _: View) -> Effect:
    raise RetryLater("not yet", delay_seconds=600)


def broken(message: Message[OrderPlaced], _: View) -> Effect:
    raise ZeroDivisionError("a bug")


def points(world: World) -> list[int]:
    return [int(item["amount"]) for item in world.items("revenue")]


@pytest.fixture
def world() -> World:
    return deployed(point)


class TestWhatHappens:
    """Events go through, in virtual time."""

    def test_it_takes_no_time(self, world: World) -> None:
        """A day is over at once, and nothing has happened before."""
        world.publish(order_placed("1"))
        assert world.items("revenue") == []
        started = time.monotonic()
        world.run(24 * 3600)
        assert world.elapsed_seconds == 24 * 3600
        assert time.monotonic() - started < 5
        assert points(world) == [1]

    def test_it_runs_until_nothing_is_left_to_do(self, world: World) -> None:
        """And then it is the time of what was done last; asked again, nothing is done."""
        world.publish(order_placed("1"))
        world.run()
        rested_at = world.scheduler.now
        assert 1 < world.elapsed_seconds < 60
        world.run()
        assert world.scheduler.now == rested_at

    def test_resting_and_running_are_the_same_run(self) -> None:
        """Whichever way time goes on."""

        def trace(run: Callable[[World], None]) -> str:
            world = deployed(point)
            world.inject("dies_after_call", at=COMMIT, times=2)
            world.publish(*(order_placed(str(number)) for number in range(20)))
            run(world)
            return world.trace.hash()

        assert trace(lambda world: world.run()) == trace(lambda world: world.run(14 * 24 * 3600))

    def test_what_is_published_first_arrives_first(self, world: World) -> None:
        """One producer, however often it is asked."""
        for number in range(20):
            world.publish(order_placed(str(number), customer_id="HOT"))
        world.run()
        assert [event.order_id for event in world.published()] == [str(number) for number in range(20)]
        assert [report.published for report in world.reports][:1] == [("OrderPlaced-0",)]

    def test_published_is_each_event_once_and_nothing_else(self, world: World) -> None:
        """Repeats are no new events, and what can't be read is none."""
        world.publish(order_placed("1"), order_cancelled("1"))
        world.publish(order_placed("1"), resend="again")
        client = world.backend("sns")
        client.publish(TopicArn=world.sns_topic.arn, Message="no JSON", MessageGroupId="g", MessageDeduplicationId="d")
        world.run()
        assert world.published() == [order_placed("1"), order_cancelled("1")]

    def test_an_event_that_nobody_takes_is_reported(self, world: World) -> None:
        """By the producer itself."""
        world.publish(order_cancelled("1"))
        world.run()
        assert world.reports[0].unrouted == ("OrderCancelled-1",)

    def test_new_code_is_there_at_once(self) -> None:
        """What old code could not do, and what it has parked."""
        world = deployed(broken)
        world.publish(order_placed("1"))
        world.run()
        assert [letter.reason for letter in world.dead_letters(CONSUMER)] == [None]
        world.deploy(CONSUMER, ConsumerFunction(Transactional(functions={OrderPlaced: point}), topic=world.topic))
        world.redrive(CONSUMER)
        world.run()
        assert (points(world), world.dead_letters(CONSUMER)) == ([1], [])

    def test_new_code_meets_the_same_disturbance(self, world: World) -> None:
        """Faults in functions strike it too."""
        world.deploy(CONSUMER, ConsumerFunction(Transactional(functions={OrderPlaced: point}), topic=world.topic))
        world.inject("exception", at=f"{CONSUMER} function")
        world.publish(order_placed("1"))
        world.run()
        world.assert_all_injected()
        assert world.outcomes(CONSUMER) == {"OrderPlaced-1": ["retry", "applied"]}

    def test_chance_outside_is_left_alone(self, world: World) -> None:
        """And does not reach inside: the same seed is the same run."""
        random.seed(1)
        expected = random.random()
        random.seed(1)
        world.publish(order_placed("1"))
        world.run()
        assert random.random() == expected

    def test_items_are_put_and_read_as_plain_values(self, world: World) -> None:
        """By the table's keys."""
        world.put("orders", {"order_id": "1", "event_id": "a", "units": 2})
        assert world.item("orders", "1", "a") == {"order_id": "1", "event_id": "a", "units": 2}
        assert world.item("orders", "1", "b") is None

    def test_what_is_counted_and_logged(self, world: World) -> None:
        """By the metrics' names, line by line."""
        world.publish(order_placed("1"), order_placed("2"))
        world.run()
        assert world.metrics(CONSUMER) == {"Records": 2, "Applied": 2}
        assert [line.message for line in world.log(CONSUMER)] == ["record", "record", "batch"]


class TestFaults:
    """By name, at a place, and noticed when they never strike."""

    def test_one_strikes_once_at_its_place(self, world: World) -> None:
        """The effect is there once."""
        world.inject("lost_reply", at=COMMIT)
        world.publish(order_placed("1"))
        world.run()
        world.assert_all_injected()
        assert world.hits == {Fault.LOST_REPLY: 1}
        assert points(world) == [1]

    def test_one_strikes_as_often_as_is_asked_for(self, world: World) -> None:
        """And then no more."""
        world.inject("invocation_throttled", at=CONSUMER, times=3)
        world.publish(order_placed("1"))
        world.run()
        assert world.hits == {Fault.INVOCATION_THROTTLED: 3}
        assert world.deployed[CONSUMER].fleet.invocations == 4

    def test_they_strike_beside_a_plan(self) -> None:
        """Which decides wherever nothing is asked for."""
        plan = PlacedFaults({})
        world = World(plan=plan)
        world.deploy("analytics", analytics.handler)
        world.inject("throttled", at="analytics")
        world.publish(order_placed("1"))
        world.run()
        assert world.hits == {Fault.THROTTLED: 1}
        assert "analytics invocation" in [place for place, _ in plan.seen]

    def test_by_chance_for_a_time(self, world: World) -> None:
        """Then all comes to rest, and every order counts once."""
        world.inject_by_chance({"lost_reply": 0.2, "dies_after_call": 0.02, "slow": 0.2}, seconds=120)
        world.publish(*(order_placed(str(number), customer_id=f"C{number}") for number in range(50)))
        world.run()
        assert points(world) == [1] * 50
        assert {Fault.LOST_REPLY, Fault.SLOW} <= set(world.hits)

    @pytest.mark.parametrize("fault", ["dies_before_call", "dies_after_call", "lands_after_death"])
    def test_a_producer_that_dies_starts_again(self, world: World, fault: str) -> None:
        """With what it had to publish."""
        world.inject(fault, at="producer sns.publish_batch")
        world.publish(order_placed("1"))
        world.run()
        world.assert_all_injected()
        assert points(world) == [1]

    @pytest.mark.parametrize(("fault", "outcomes"), [("published_again", 1), ("resent_late", 2)])
    def test_a_producer_that_repeats_itself(self, world: World, fault: str, outcomes: int) -> None:
        """SNS drops what comes within five minutes, the consumer the rest."""
        world.inject(fault, at="producer")
        world.publish(order_placed("1"))
        world.run()
        world.assert_all_injected()
        assert len(world.reports) == 2
        assert world.outcomes(CONSUMER)["OrderPlaced-1"] == ["applied", "duplicate"][:outcomes]
        assert points(world) == [1]

    def test_a_delivery_that_fails_for_good(self, world: World) -> None:
        """It lies in the subscription's own dead-letter queue."""
        world.inject("key_revoked", at=f"topic {CONSUMER}")
        world.publish(order_placed("1"))
        world.run()
        (letter,) = world.undelivered(CONSUMER)
        assert (letter.event_id, letter.reason) == ("OrderPlaced-1", None)

    def test_a_name_that_no_fault_has(self, world: World) -> None:
        """It says which is nearest, or all of them."""
        with pytest.raises(ValueError, match="'lost_replay', but: lost_reply"):
            world.inject("lost_replay")
        with pytest.raises(ValueError, match="but: dies_before_call, dies_after_call"):
            world.inject("!")
        with pytest.raises(ValueError, match="but: hangs"):
            world.inject_by_chance({"hang": 0.1}, seconds=1)

    def test_a_number_that_makes_no_sense(self, world: World) -> None:
        """Of times, or of places."""
        with pytest.raises(ValueError, match="0 times"):
            world.inject("hangs", times=0)
        with pytest.raises(ValueError, match="0 to 1"):
            world.inject_by_chance({"hangs": 5}, seconds=1)

    @pytest.mark.parametrize(
        ("fault", "at", "why"),
        [
            ("lost_reply", f"{CONSUMER} dynamodb.transact_write", "came too seldom"),
            ("lost_reply", f"{CONSUMER} dynamodb.transact_writes", f"no such place came, but {COMMIT}"),
            ("conflict", f"{CONSUMER} invocation", f"it can't strike at {CONSUMER} invocation"),
            ("hangs", "", "too seldom"),
        ],
    )
    def test_one_that_never_struck_is_noticed(self, world: World, fault: str, at: str, why: str) -> None:
        """With the reason, as far as the world can tell."""
        world.publish(order_placed("1"))
        world.run()
        world.inject(fault, at=at)
        world.run()
        with pytest.raises(AssertionError, match=why):
            world.assert_all_injected()
        assert world.injected.left == {fault: 1}

    def test_one_for_a_world_in_which_nothing_happened(self) -> None:
        """Nothing was deployed, say."""
        world = World()
        world.inject("hangs", at="inventory")
        with pytest.raises(AssertionError, match="none at all"):
            world.assert_all_injected()


class TestOutages:
    """Whole services."""

    @pytest.mark.parametrize("service", ["dynamodb", "sns", "sqs"])
    def test_an_outage_ends(self, world: World, service: str) -> None:
        """And everything goes on."""
        world.outage(service, seconds=7)
        world.publish(order_placed("1"))
        world.run()
        assert points(world) == [1]

    def test_one_that_begins_later(self, world: World) -> None:
        """After so long."""
        world.outage("dynamodb", after_seconds=60, seconds=60)
        assert not world.is_out("dynamodb")
        world.run(60)
        assert world.is_out("dynamodb")
        world.run(60)
        assert not world.is_out("dynamodb")

    def test_while_sqs_is_out_the_topic_delivers_nothing(self, world: World) -> None:
        """It tries again."""
        world.outage("sqs", seconds=600)
        world.publish(order_placed("1"))
        world.run(600)
        assert world.deployed[CONSUMER].queue.messages() == []
        world.run()
        assert points(world) == [1]

    def test_a_producer_goes_on_until_its_topic_is_back(self, world: World) -> None:
        """Each attempt has a report."""
        world.outage("sns", seconds=60)
        world.publish(order_placed("1"))
        world.run()
        assert [report.published for report in world.reports if report.published] == [("OrderPlaced-1",)]
        assert len(world.reports) > 1

    def test_a_producer_gives_up_what_the_topic_never_accepts(self, world: World) -> None:
        """A struct checks nothing where it is changed by hand."""
        world.publish(msgspec.structs.replace(order_placed("1"), priority="none"), order_placed("2"))
        world.run()
        (report,) = world.reports
        assert [entry.code for entry in report.failed] == ["invalid"]
        assert points(world) == [1]

    def test_a_service_that_there_is_not(self, world: World) -> None:
        """Those that there are have boto3's names."""
        with pytest.raises(ValueError, match="'ses' here, only dynamodb, sqs, sns, sesv2"):
            world.outage("ses", seconds=1)


class TestRest:
    """A world that never comes to rest says what waits in it."""

    def test_what_waits_in_a_queue(self) -> None:
        """And how often it was tried."""
        world = deployed(later)
        world.publish(order_placed("1"), order_placed("2"))
        with pytest.raises(NeverAtRest, match=r"2 messages in the queue of pointed, one of them received \d+ times"):
            world.run(longest_seconds=3600)

    def test_what_waits_in_the_outbox(self) -> None:
        """For a relay that can't."""
        world = World()
        world.deploy("inventory", inventory.handler)
        world.deploy_relay(relay.handler)
        world.outage("sns", after_seconds=60, seconds=1e9)
        world.publish(order_placed("1"))
        world.run(50)
        world.publish(order_placed("2"))
        world.run(15)
        world.put("outbox", {"message_group": "g", "position": "p", "messages": [SENDABLE]})
        with pytest.raises(NeverAtRest, match=r"1 items in the outbox \(the relay was invoked \d+ times"):
            world.run(longest_seconds=3600)

    def test_what_nobody_accepts(self, world: World) -> None:
        """From a producer that goes on and on."""
        world.outage("sns", seconds=1e9)
        world.publish(order_placed("1"), order_placed("2"))
        with pytest.raises(NeverAtRest, match="2 events that the topic does not accept"):
            world.run(longest_seconds=3600)

    def test_what_is_on_its_way(self, world: World) -> None:
        """From the topic, that is."""
        world.outage("sqs", seconds=1e9)
        world.publish(order_placed("1"))
        with pytest.raises(NeverAtRest, match="1 messages on their way from the topic to pointed"):
            world.run(longest_seconds=3600)

    def test_by_default_it_waits_longer_than_any_queue_keeps_a_message(self) -> None:
        """So what a queue gives up is at rest; it takes a moment."""
        world = deployed(broken)
        world.publish(order_placed("1"))
        world.run()
        assert len(world.dead_letters(CONSUMER)) == 1


SENDABLE = {"id": "a", "type": "OrderPlaced", "body": "b", "attributes": {"type": "OrderPlaced"}}


class TestErrors:
    """What is asked for by a wrong name."""

    def test_a_consumer_that_is_not_deployed(self, world: World) -> None:
        """Those that are, by all that ask."""
        for ask in (world.outcomes, world.dead_letters, world.undelivered, world.metrics, world.log, world.redrive):
            with pytest.raises(LookupError, match="'inventroy', only: pointed"):
                ask("inventroy")
        with pytest.raises(LookupError, match="only: pointed"):
            world.send("inventroy", "text")

    def test_a_consumer_without_a_row(self, world: World) -> None:
        """The topology's rows."""
        with pytest.raises(LookupError, match="no row of the topology is called 'inventory', only: pointed"):
            world.deploy("inventory", inventory.handler)

    def test_a_table(self, world: World) -> None:
        """Those that there are."""
        for ask in (world.items, world.put):
            with pytest.raises(LookupError, match="no table is called 'stocks', only: inbox, outbox, stock"):
                ask("stocks")
        with pytest.raises(LookupError, match="no table of the topology"):
            world.create_table_like("stocks", "more")

    def test_half_a_key(self, world: World) -> None:
        """Or one and a half."""
        with pytest.raises(ValueError, match="'orders': its key has a sort key"):
            world.item("orders", "1")
        with pytest.raises(ValueError, match="'stock': its key has no sort key"):
            world.item("stock", "1", "2")

    def test_a_service(self, world: World) -> None:
        """By boto3's name."""
        with pytest.raises(LookupError, match="no service is called 'ses', only: dynamodb, sqs, sns, sesv2"):
            world.backend("ses")

    def test_logs_that_are_off(self) -> None:
        """Nothing is not the same as nothing known."""
        world = World(keeps_logs=False)
        world.deploy("analytics", analytics.handler)
        for ask in (lambda: world.outcomes("analytics"), lambda: world.log("analytics"), world.published):
            with pytest.raises(LookupError, match="keeps_logs=True"):
                ask()
        assert world.metrics("analytics") == {}

    def test_what_is_no_function(self) -> None:
        """A plain function, say."""
        world = World()
        with pytest.raises(TypeError, match=r"lambda_handler\(\)"):
            world.deploy("inventory", lambda event, context: None)  # type: ignore[arg-type]  # that is the point
        with pytest.raises(TypeError, match=r"lambda_handler\(\)"):
            world.deploy_relay(None)  # type: ignore[arg-type]

    def test_a_change_that_there_is_not(self) -> None:
        """Only what a row can't say."""
        with pytest.raises(TypeError, match="batch_size"):
            World().deploy("inventory", inventory.handler, batch_size=1)

    def test_a_function_that_goes_by_another_row(self, world: World) -> None:
        """The world's would be half of the truth."""
        row = Subscription(consumer="inventory", events=(OrderPlaced,), writes=("stock",))
        with pytest.raises(ValueError, match="another row"):
            World(topic=Topic(name="orders", subscriptions=(row,))).deploy("inventory", inventory.handler)
        with pytest.raises(TopologyError, match="no subscription 'inventory'"):
            World().deploy("inventory", ConsumerFunction(inventory.handler.effects, topic=world.topic))

    def test_no_relay(self, world: World) -> None:
        """Nobody sweeps."""
        with pytest.raises(LookupError, match=r"world\.deploy_relay"):
            world.sweep()

    def test_a_redrive_during_a_redrive(self) -> None:
        """SQS has one at a time."""
        world = deployed(point)
        for number in range(3):
            world.send(CONSUMER, f"no JSON {number}")
        world.run()
        world.redrive(CONSUMER)
        with pytest.raises(Refused, match="already a task running"):
            world.redrive(CONSUMER)

    def test_a_function_that_asks_for_what_its_row_does_not_have(self) -> None:
        """Its log says what is wrong, however often it is tried."""

        def wrong(message: Message[OrderPlaced], view: View) -> Effect:
            return Effect((Create(Key("orders", message.id, message.id), {}),))

        world = deployed(wrong)
        world.publish(order_placed("1"))
        world.run()
        assert [letter.reason for letter in world.dead_letters(CONSUMER)] == [None]
        assert "KeyError" in str(world.log(CONSUMER)[0].extra)


class TestRealBotocore:
    """Clients down to the bytes."""

    def test_a_wrong_request_shows(self) -> None:
        """Whatever a configuration saves."""
        world = World(real_botocore=Config(parameter_validation=False))
        client = world.client("dynamodb", Process(world, "shop"))
        with pytest.raises(ParamValidationError):
            client.put_item(TableName="stock", Item={"sku": "NW-1"})

    def test_a_refusal_is_a_modelled_exception(self) -> None:
        """Read from the reply's bytes."""
        world = World(real_botocore=True)
        client = world.client("dynamodb", Process(world, "shop"))
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.get_item(TableName="none", Key={"id": {"S": "1"}})

    @pytest.mark.parametrize(
        ("real_botocore", "outcomes"),
        [(True, ["retry", "applied"]), (Config(retries={"total_max_attempts": 3}), ["applied"])],
    )
    def test_what_a_configuration_has_tried_again(self, real_botocore: bool | Config, outcomes: list[str]) -> None:
        """One attempt, as the shop's functions are configured, or three: within one invocation then."""
        world = World(real_botocore=real_botocore)
        world.deploy("notifications", notifications.handler)
        world.inject("server_error", at="notifications sesv2.send_email")
        world.publish(order_placed("1"))
        world.run()
        world.assert_all_injected()
        assert world.outcomes("notifications") == {"OrderPlaced-1": outcomes}

    def test_pauses_between_attempts_take_virtual_time(self) -> None:
        """And none of anybody else's."""
        world = World(real_botocore=True)
        process = Process(world, "shop")
        client = world.client("dynamodb", process)
        world.inject("server_error", at="shop", times=4)
        started = time.monotonic()
        client.get_item(TableName="stock", Key={"sku": {"S": "A"}})
        assert world.elapsed_seconds > 0.1
        assert time.monotonic() - started < 5

    def test_a_process_that_dies_in_a_call_is_dead(self) -> None:
        """Botocore does not try again for it."""
        world = deployed(point, real_botocore=True)
        world.inject("dies_after_call", at=COMMIT)
        world.publish(order_placed("1"))
        world.run()
        world.assert_all_injected()
        assert world.deployed[CONSUMER].fleet.deaths == 1
        assert points(world) == [1]

    def test_without_it_clients_are_plain(self) -> None:
        """The same errors, without bytes."""
        world = World()
        client = world.client("dynamodb", Process(world, "shop"))
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            client.get_item(TableName="none", Key={"id": {"S": "1"}})


def test_one_id_with_two_contents_is_published_twice_only_with_other_deduplication_ids(world: World) -> None:
    """SNS looks at ids, not at contents."""
    order = order_placed("1")
    world.publish(order)
    world.publish(unlike(order, priority="high"))
    world.run()
    assert world.deployed[CONSUMER].mapping.deliveries == 1
    assert ORDERS.subscription("inventory").fifo
