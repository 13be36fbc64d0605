"""A replay reaches one consumer, and applies what was never applied; a forced one applies again, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cli.errors import UsageError
from cli.replaying.plan import Choice, Step
from lambdas import analytics, inventory, notifications, standard_orders
from messaging.cursor import cursor_key
from messaging.subscription import DAY_SECONDS
from testing import World
from tests.cli.replaying.replays import now, old, planned, replay
from tests.factories import line, order

HANDLERS = {
    "inventory": inventory.handler,
    "analytics": analytics.handler,
    "standard_orders": standard_orders.handler,
    "notifications": notifications.handler,
}
ORDERS = [order(str(number), customer_id=f"C{number % 2}") for number in range(4)]


def world_of(*consumers: str) -> World:
    world = World()
    for consumer in consumers:
        world.deploy(consumer, HANDLERS[consumer])
    return world


def why(steps: list[Step]) -> dict[str, str]:
    return {step.old.message.event.subject: step.why if not step.sends else "sends" for step in steps}


def revenue(world: World) -> Decimal:
    return sum((item["amount"] for item in world.items("revenue")), Decimal(0))


def test_what_was_never_applied_is_sent_to_this_consumer_alone() -> None:
    """In the order of each group, with what the topic would have delivered."""
    world = world_of("inventory", "analytics")
    olds = [old(event, now(world) + timedelta(seconds=n)) for n, event in enumerate(ORDERS)]
    sent = replay(world, "inventory", planned(world, "inventory", reversed(olds)))
    assert [each.outcome for each in sent] == ["sent"] * 4
    assert [each.step.old.id for each in sent] == [each.id for each in olds], "the order of publication"
    assert world.outcomes("inventory") == {each.id: ["applied"] for each in olds}
    assert world.outcomes("analytics") == {}


@pytest.mark.fault(9)
@pytest.mark.parametrize("consumer", ["inventory", "standard_orders", "analytics"])
def test_what_was_applied_is_left_out(consumer: str) -> None:
    """Whether its marker is in the inbox or the item that was written."""
    world = world_of(consumer)
    world.publish(*ORDERS[:2])
    world.run()
    steps = planned(world, consumer, [old(event, now(world)) for event in ORDERS])
    assert why(steps) == {"0": "applied already", "1": "applied already", "2": "sends", "3": "sends"}


@pytest.mark.fault(9)
def test_what_is_applied_between_plan_and_delivery_is_a_duplicate() -> None:
    """A replay goes through the inbox, so a stale plan does no harm."""
    world = world_of("analytics")
    steps = planned(world, "analytics", [old(ORDERS[0], now(world))])
    world.publish(ORDERS[0])
    world.run()
    once = revenue(world)
    replay(world, "analytics", steps)
    assert world.outcomes("analytics") == {ORDERS[0].event_id: ["applied", "duplicate"]}
    assert revenue(world) == once


def test_what_would_only_be_buried_is_left_out_and_says_why() -> None:
    """By age, by filter and by what its id was applied with."""
    world = world_of("standard_orders", "notifications", "analytics")
    old_enough = now(world) - timedelta(seconds=world.topic.subscription("analytics").oldest_event_seconds + 1)
    assert why(planned(world, "analytics", [old(ORDERS[0], old_enough)]))["0"].startswith("too old")
    assert why(planned(world, "notifications", [old(ORDERS[0], now(world) - timedelta(seconds=301))]))["0"].startswith(
        "expired"
    )
    high = order("9", priority="high")
    assert why(planned(world, "standard_orders", [old(high, now(world))])) == {"9": "standard_orders does not take it"}
    world.publish(ORDERS[0])
    world.run()
    tampered = order("0", customer_id="C0", lines=[line("NW-9")])
    assert why(planned(world, "analytics", [old(tampered, now(world))]))["0"].startswith("conflict")


def test_what_its_group_has_passed_is_left_out_as_stale() -> None:
    """A cursor never goes back."""
    world = world_of("inventory")
    world.put("inbox", {**cursor_key("inventory", "C0").attributes, "sequence": 5})
    olds = [old(ORDERS[0], now(world), sequence=5), old(ORDERS[2], now(world), sequence=6)]
    assert why(planned(world, "inventory", olds)) == {"0": "stale: sequence 5, and its group is at 5", "2": "sends"}


def test_an_operator_chooses_by_time_type_and_contents() -> None:
    """From `since` on and before `until`; an event that is there twice is sent once."""
    world = world_of("analytics")
    olds = [old(event, now(world) + timedelta(seconds=n)) for n, event in enumerate(ORDERS)]

    def chosen(choice: Choice) -> list[str]:
        steps = planned(world, "analytics", [*olds, olds[2]], choice=choice)
        return [step.old.message.event.subject for step in steps if step.sends]

    assert chosen(Choice(since=olds[1].message.time, until=olds[3].message.time)) == ["1", "2"]
    assert chosen(Choice(match="data.customer_id=C1")) == ["1", "3"]
    assert chosen(Choice(type="OrderCancelled")) == []
    with pytest.raises(UsageError):
        chosen(Choice(match="subject~["))


def forced(world: World, before: datetime) -> list[Step]:
    return planned(world, "analytics", [old(event, before) for event in ORDERS[:2]], forget_before=before)


def test_a_forced_replay_applies_again_what_was_applied_before_it() -> None:
    """Once: the same again, as after an interruption, finds what it has done itself."""
    world = world_of("analytics")
    world.publish(*ORDERS[:2])
    world.run(60)
    once, before = revenue(world), now(world)
    assert [each.outcome for each in replay(world, "analytics", forced(world, before))] == ["sent", "sent"]
    assert revenue(world) == 2 * once
    again = forced(world, before)
    assert [step.sends for step in again] == [False, False]
    assert again[0].why.startswith("applied already, at")


def test_a_forced_replay_that_was_interrupted_goes_on_where_it_was() -> None:
    """What it forgot and never sent has no marker, and is sent by the next run."""
    world = world_of("analytics")
    world.publish(*ORDERS[:2])
    world.run(60)
    once, before = revenue(world), now(world)

    class Dies:
        """An SQS client whose caller is killed at the first send."""

        def send_message_batch(self, **_: Any) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(world, "analytics", forced(world, before), sqs=Dies())
    replay(world, "analytics", forced(world, before))
    assert revenue(world) == 2 * once


def test_a_marker_that_has_changed_since_the_plan_is_not_forgotten() -> None:
    """Two operators at once: the second one's plan is about markers that are gone."""
    world = world_of("analytics")
    world.publish(*ORDERS[:2])
    world.run(60)
    once, before = revenue(world), now(world)
    plans = [forced(world, before), forced(world, before)]
    replay(world, "analytics", plans[0])
    assert {each.outcome for each in replay(world, "analytics", plans[1], run="r2")} == {"changed"}
    assert revenue(world) == 2 * once


def test_an_effect_that_is_its_own_proof_can_not_be_forgotten() -> None:
    """To forget it would delete it."""
    world = world_of("standard_orders")
    world.publish(ORDERS[0])
    world.run(60)
    steps = planned(world, "standard_orders", [old(ORDERS[0], now(world))], forget_before=now(world))
    assert why(steps)["0"].endswith("that can't be forgotten")


def test_a_lease_tells_when_its_call_was_completed() -> None:
    """It has no time of its own: it is kept for as long after it as any marker."""
    world = world_of("notifications")
    world.publish(ORDERS[0])
    world.run(60)
    steps = planned(world, "notifications", [old(ORDERS[0], now(world))], forget_before=now(world))
    assert [step.sends for step in steps] == [True]
    earlier = now(world) - timedelta(seconds=90)
    assert not planned(world, "notifications", [old(ORDERS[0], now(world))], forget_before=earlier)[0].sends


class Refusing:
    """An SQS client that refuses the events of these orders."""

    def __init__(self, sqs: Any, *subjects: str) -> None:
        self._sqs = sqs
        self._subjects = subjects

    def send_message_batch(self, **request: Any) -> Any:
        refused = [
            entry
            for entry in request["Entries"]
            if any(f'"subject":"{each}"' in entry["MessageBody"] for each in self._subjects)
        ]
        kept = [entry for entry in request["Entries"] if entry not in refused]
        reply = self._sqs.send_message_batch(**{**request, "Entries": kept}) if kept else {}
        failed = [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in refused]
        return {**reply, "Failed": failed}


def test_what_is_refused_is_not_overtaken_in_its_group() -> None:
    """The rest of its group waits for the next run; other groups go on."""
    world = world_of("inventory")
    olds = [old(event, now(world) + timedelta(seconds=n)) for n, event in enumerate(ORDERS)]
    sent = replay(world, "inventory", planned(world, "inventory", olds), sqs=Refusing(world.backend("sqs"), "0"))
    assert {each.step.old.message.event.subject: each.outcome for each in sent} == {
        "0": "refused",
        "1": "sent",
        "2": "refused",
        "3": "sent",
    }
    again = planned(world, "inventory", olds)
    assert [step.old.message.event.subject for step in again if step.sends] == ["0", "2"]


@pytest.mark.fault(9, 37)
def test_marker_lifetimes_outlast_what_a_replay_sends() -> None:
    """So that `applied already` can be trusted for every event that is young enough to be sent."""
    for row in World().topic.subscriptions:
        assert row.marker_lifetime_seconds >= row.oldest_event_seconds + DAY_SECONDS
