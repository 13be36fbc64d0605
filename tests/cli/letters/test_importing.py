"""Mended letters in the place of dead ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest

from cli.letters.files import letters_in, line
from cli.letters.importing import restore, to_consumer, to_queue
from cli.letters.judging import Rules
from cli.letters.letter import Letter
from cli.letters.reading import read
from cli.letters.redriving import Gait
from cli.letters.selection import Selection
from lambdas import analytics, standard_orders
from testing import World, order_placed
from testing.events import body
from testing.faults import Fault
from tests.cli.letters.operating import OneFault, Work, operate, redriven

CONSUMERS: dict[str, Any] = {"analytics": analytics.handler, "standard_orders": standard_orders.handler}
BOTH = pytest.mark.parametrize("consumer", [*CONSUMERS])
COUNT = 7
GAIT = Gait(rate=1_000.0)


def poisoned(consumer: str, customers: int = 3) -> World:
    """A world with orders whose currency is wrong, all of them dead."""
    world = World()
    world.deploy(consumer, CONSUMERS[consumer])
    for n in range(COUNT):
        order = order_placed(f"{1001 + n}", customer_id=f"C{n % customers}")
        world.send(consumer, body(order).replace('"USD"', '"EUR"'), group=order.customer_id)
    world.run()
    assert len(world.dead_letters(consumer)) == COUNT
    return world


def mended(world: World, consumer: str, *, only: slice = slice(None)) -> list[Letter]:
    """A file of its letters, mended with a filter."""
    seen: list[Letter] = []

    def look(at: Any) -> Any:
        seen.extend(read(at).letters)
        return []

    operate(world, consumer, look)
    lines = [json.dumps({**(fields := json.loads(line(each))), "body": mend(fields["body"])}) for each in seen]
    return letters_in(sorted(lines)[only], unsigned="")


def mend(text: str) -> str:
    return text.replace('"EUR"', '"USD"')


def sent(lines: Sequence[Letter]) -> Work:
    """To the consumer."""

    def work(at: Any) -> Any:
        with closing(to_consumer(at, lines, read(at), GAIT, Rules(selection=Selection()))) as steps:
            yield from steps

    return work


def put_aside(lines: Sequence[Letter]) -> Work:
    """To the end of the dead-letter queue."""

    def work(at: Any) -> Any:
        with closing(to_queue(at, lines, read(at), GAIT)) as steps:
            yield from steps

    return work


def assert_all_applied_once(world: World, consumer: str) -> None:
    outcomes = {event_id: said.count("applied") for event_id, said in world.outcomes(consumer).items()}
    assert outcomes == {f"OrderPlaced-{1001 + n}": 1 for n in range(COUNT)}
    assert world.dead_letters(consumer) == []


@BOTH
@pytest.mark.parametrize("customers", [1, 3])
def test_each_is_sent_in_its_new_wording_and_applied(consumer: str, customers: int) -> None:
    """And a second time nothing happens."""
    world = poisoned(consumer, customers)
    lines = mended(world, consumer)
    assert [*operate(world, consumer, sent(lines)).outcomes.values()] == ["moved"] * COUNT
    assert operate(world, consumer, sent(lines)).steps == []
    assert_all_applied_once(world, consumer)


@BOTH
def test_put_aside_they_wait_for_a_redrive(consumer: str) -> None:
    """With the reason that they had; twice is once."""
    world = poisoned(consumer)
    lines = mended(world, consumer)
    for _ in range(2):
        operate(world, consumer, put_aside(lines))
        letters = world.dead_letters(consumer)
        assert sorted(letter.message.body for letter in letters) == sorted(each.body for each in lines)
        assert {letter.reason for letter in letters} == {"poison"}
    operate(world, consumer, redriven())
    assert_all_applied_once(world, consumer)


@BOTH
def test_letters_that_are_not_in_the_file_stay(consumer: str) -> None:
    """As they were, also in front of those of the file."""
    world = poisoned(consumer, customers=1)
    lines = mended(world, consumer, only=slice(2, 4))
    operate(world, consumer, sent(lines))
    assert len(world.dead_letters(consumer)) == COUNT - 2
    assert len(world.outcomes(consumer)) == 2
    assert world.deployed[consumer].dead_letter_queue.counts.not_visible == 0


@BOTH
@pytest.mark.parametrize("aside", [False, True])
@pytest.mark.parametrize("fault", [Fault.DIES_BEFORE_CALL, Fault.DIES_AFTER_CALL, Fault.LOST_REPLY])
def test_whatever_call_is_its_last_the_next_import_ends_it(consumer: str, aside: bool, fault: Fault) -> None:
    """Nothing is lost, and nothing is there twice in the end."""
    number = 0
    while True:
        world = poisoned(consumer)
        lines = mended(world, consumer)
        work = put_aside(lines) if aside else sent(lines)
        world.plan = faults = OneFault(number, fault)
        died = operate(world, consumer, work)
        world.plan = OneFault()
        world.run(400)
        operate(world, consumer, work)
        operate(world, consumer, redriven())
        assert_all_applied_once(world, consumer)
        number += 1
        if number > len(faults.places):
            break
        assert died.error is not None or "change_message_visibility" in faults.places[number - 1]
    assert number > 5


def test_what_was_purged_can_be_restored() -> None:
    """Letters of a file that are there no more are sent; those that are there are left alone."""
    world = poisoned("standard_orders")
    lines = mended(world, "standard_orders")
    world.sqs.execute("PurgeQueue", {"QueueUrl": world.deployed["standard_orders"].dead_letter_queue.url})
    operated = operate(world, "standard_orders", lambda at: restore(at, lines, read(at), to_dlq=False))
    assert [*operated.outcomes.values()] == ["moved"] * COUNT
    assert_all_applied_once(world, "standard_orders")
    assert operate(world, "standard_orders", lambda at: restore(at, lines, read(at), to_dlq=False)).steps == []
