"""Unsafe rows: the topology refuses what it can see by itself, the rules what only the whole app shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, cast

import msgspec
import pytest

from messaging.errors import TopologyError
from messaging.events import CATALOGUE, EventType, OrderCancelled, OrderPlaced, StockRefused, StockReserved
from messaging.subscription import Subscription
from messaging.topic import Topic
from tests.stacks.rules.shop import Shop, reported


def shop_of(row: Subscription) -> Shop:
    """The shop with the filter of another row."""
    shop = Shop()
    shop.of["Subscription"]["FilterPolicy"] = row.filter_policy
    return shop


def refusal(shop: Shop, folder: Path, **synth: Any) -> tuple[list[tuple[str, str]], str]:
    """What is found, and in which words."""
    with pytest.raises(RuntimeError) as refused:
        shop.synthesize(folder, **synth)
    return reported(folder).findings, str(refused.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"ordering": "strict", "where": {"priority": ["high"]}}, "a filter drops events, and strict waits for each"),
        ({"where": {f"attribute_{n}": ["x"] for n in range(5)}}, "at most 5 names, this one has 6"),
        ({"where": {"sku": [str(n) for n in range(151)]}}, "at most 150 combinations, this one has 151"),
        ({"where": {"sku": [{"regex": "A.*"}]}}, "operator 'regex' is not supported"),
        ({"where": {"quantity": [{"numeric": [">", 5]}]}}, "attributes are strings"),
        ({"ordering": "group", "batch_size": 11}, "FIFO 1 to 10"),
        ({"retention_seconds": 15 * 24 * 60 * 60}, "60 s to 14 days"),
        ({"ordering": "monotonic", "calls": ("ses:SendEmail",)}, "no transaction that moves a cursor"),
    ],
    ids=["strict and filtered", "names", "combinations", "operator", "number", "batch", "retention", "cursor"],
)
def test_the_topology_refuses_what_a_row_alone_shows(row: dict[str, Any], words: str) -> None:
    """Before anything is synthesized, naming the consumer or the filter."""
    with pytest.raises(TopologyError, match=words):
        Subscription(**{"consumer": "ledger", "events": (OrderPlaced,), **row})


def test_the_topology_refuses_strict_ordering_that_misses_an_event() -> None:
    """A numbered event that a strict row does not take would be waited for."""
    row = Subscription(consumer="ledger", events=(OrderPlaced,), ordering="strict")
    with pytest.raises(TopologyError, match="strict waits for each OrderCancelled too"):
        Topic(name="orders", subscriptions=(row,))


def test_a_filter_that_was_changed_by_hand_may_not_drop_what_strict_ordering_waits_for(tmp_path: Path) -> None:
    """The row takes every event, and its subscription in the template does not."""
    row = Subscription(consumer="ledger", events=CATALOGUE, ordering="strict")
    shop = shop_of(Subscription(consumer="ledger", events=(OrderPlaced, StockReserved, StockRefused)))
    findings, said = refusal(shop, tmp_path, topic=Topic(name="orders", subscriptions=(row,)))
    assert findings == [("strict-order", "S/Subscription")]
    assert "ledger is strict, and its filter drops OrderCancelled" in said


def test_an_event_must_have_a_taker(tmp_path: Path) -> None:
    """Or be announced: SNS drops it in silence."""
    row = Subscription(consumer="ledger", events=(OrderPlaced, OrderCancelled, StockReserved), ordering="group")
    findings, said = refusal(shop_of(row), tmp_path, topic=Topic(name="orders", subscriptions=(row,)))
    assert findings == [("unrouted-event[StockRefused]", "S/Topic")]
    assert "no subscription takes StockRefused with type=StockRefused" in said
    assert "name it in the topic's `announced`" in said
    announced = Topic(name="orders", subscriptions=(row,), announced=(StockRefused,))
    assert shop_of(row).synthesize(tmp_path / "announced", topic=announced).findings == []


def test_an_event_must_have_a_taker_with_each_value_of_its_attributes(tmp_path: Path) -> None:
    """Two filters by priority that leave one out lose its orders."""
    row = Subscription(consumer="ledger", events=(OrderPlaced,), where={"priority": ["high"]}, ordering="group")
    rest = tuple(event for event in CATALOGUE if event is not OrderPlaced)
    findings, said = refusal(shop_of(row), tmp_path, topic=Topic(name="orders", subscriptions=(row,), announced=rest))
    assert findings == [("unrouted-event[OrderPlaced]", "S/Topic")]
    assert "no subscription takes OrderPlaced with type=OrderPlaced, priority=standard" in said


def test_a_subscription_that_was_added_by_hand_is_a_taker(tmp_path: Path) -> None:
    """Whoever takes the event, it is not lost."""
    row = Subscription(consumer="ledger", events=(OrderPlaced, OrderCancelled, StockReserved), ordering="group")
    shop = shop_of(row)
    shop.add(
        "ByHand", "AWS::SNS::Subscription", **shop.of["Subscription"] | {"FilterPolicy": {"type": ["StockRefused"]}}
    )
    assert shop.synthesize(tmp_path, topic=Topic(name="orders", subscriptions=(row,))).findings == []


class Wide(msgspec.Struct, frozen=True):
    """An event with ten attributes, of which one is its type."""

    type: ClassVar[str] = "Wide"
    version: ClassVar[int] = 1
    numbered: ClassVar[bool] = False

    name: str

    @property
    def attributes(self) -> dict[str, str]:
        return {"type": self.type} | {f"attribute_{n}": f"{self.name}-{n}" for n in range(9)}


WIDE = cast(EventType, Wide)


def test_an_event_with_more_attributes_than_a_dead_letter_has_room_for_is_refused(tmp_path: Path) -> None:
    """SQS would take it, and not with the reason of its death; one more, and it would never see it."""
    row = Subscription(consumer="ledger", events=(*CATALOGUE, WIDE), ordering="group")
    findings, said = refusal(shop_of(row), tmp_path, topic=Topic(name="orders", subscriptions=(row,)))
    assert findings == [("message-attributes[Wide]", "S/Topic")]
    assert "Wide has 10 message attributes: attribute_0," in said


def test_an_attribute_that_can_be_any_text_may_be_the_one_that_is_filtered_for(tmp_path: Path) -> None:
    """Nobody knows the names of what will be sold."""
    row = Subscription(consumer="ledger", events=CATALOGUE, ordering="group")
    shop = shop_of(row)
    wanted = {"type": ["Wide"], "attribute_1": ["apples-1"]}
    shop.add("ByHand", "AWS::SNS::Subscription", **shop.of["Subscription"] | {"FilterPolicy": wanted})
    findings, _ = refusal(
        shop, tmp_path, topic=Topic(name="orders", subscriptions=(row,)), catalogue=(*CATALOGUE, WIDE)
    )
    assert findings == [("message-attributes[Wide]", "S/Topic")]  # neither matchless nor unrouted
