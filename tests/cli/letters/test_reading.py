"""Looking at letters harms none."""

from __future__ import annotations

import itertools
import signal
from dataclasses import replace
from typing import Any

import pytest

from cli.errors import Cancelled, NotFound
from cli.letters import listing
from cli.letters.hold import Hold
from cli.letters.interruption import heard, stopping
from cli.letters.reading import Reading, read
from cli.letters.selection import Selection
from lambdas import standard_orders
from testing import World, order_placed
from testing.faults import Fault
from tests.cli.letters.operating import OneFault, desk, operate
from tests.cli.letters.test_importing import BOTH, COUNT, poisoned


def seen(world: World, consumer: str) -> Reading:
    """What an operator reads."""
    readings: list[Reading] = []

    def look(at: Any) -> Any:
        readings.append(read(at))
        return []

    operate(world, consumer, look)
    return readings[0]


@BOTH
@pytest.mark.parametrize("customers", [1, 3])
def test_all_that_can_be_seen_is_read_and_let_go(consumer: str, customers: int) -> None:
    """Ten of a group at most, in its order; twice is the same."""
    world = poisoned(consumer, customers)
    for _ in range(2):
        reading = seen(world, consumer)
        assert len(reading.letters) == COUNT
        assert (reading.behind, reading.elsewhere) == (0, 0)
        assert world.deployed[consumer].dead_letter_queue.counts.not_visible == 0
    if consumer == "standard_orders":
        for customer in range(customers):
            ids = [letter.name for letter in reading.letters if letter.group == f"C{customer}"]
            assert ids == sorted(ids)


def test_a_long_reading_tells_how_far_it_is() -> None:
    """Here each look at the clock takes five seconds."""
    world, said, seconds = poisoned("standard_orders", COUNT), list[str](), itertools.count(0.0, 5.0)

    def look(at: Any) -> Any:
        read(replace(at, clock=lambda: next(seconds), say=said.append))
        return []

    operate(world, "standard_orders", look)
    assert said[0] == f"read {min(COUNT, 10)} of {COUNT} letters"


def test_ctrl_c_ends_a_reading_and_nothing_is_told_of_half_a_queue() -> None:
    """What was held is let go."""
    world, looks = poisoned("standard_orders", COUNT), itertools.count()

    def look(at: Any) -> Any:
        read(replace(at, stopped=lambda: next(looks) > 0))
        return []

    operated = operate(world, "standard_orders", look)
    assert isinstance(operated.error, Cancelled)
    assert world.deployed["standard_orders"].dead_letter_queue.counts.not_visible == 0


class OneByOne:
    """A queue that gives one message a call, however many are asked for, as SQS may."""

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs
        self.calls = 0

    def receive_message(self, **request: Any) -> Any:
        self.calls += 1
        return self._sqs.receive_message(**{**request, "MaxNumberOfMessages": 1 if self.calls <= 3 else 10})

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._sqs, operation)


def test_letters_behind_one_that_came_alone_are_read_too() -> None:
    """Its group is let go and taken again, while all other groups are held."""
    world, readings = poisoned("standard_orders"), list[Reading]()

    def look(at: Any) -> Any:
        readings.append(read(replace(at, sqs=OneByOne(at.sqs))))
        return []

    operate(world, "standard_orders", look)
    assert (len(readings[0].letters), readings[0].behind) == (COUNT, 0)


def test_more_than_ten_of_a_group_are_counted_and_told_by_their_records() -> None:
    """Nobody can look at those bodies; when and why they died is in the inbox."""
    world = World()
    world.deploy("standard_orders", standard_orders.handler)
    placed = [order_placed(f"{1001 + n}") for n in range(14)]
    world.disturbance.unprocessable |= {order.event_id for order in placed}
    world.publish(*placed)
    world.run()
    reading = seen(world, "standard_orders")
    assert (len(reading.letters), reading.behind) == (10, 4)
    rows: list[dict[str, Any]] = []

    def look(at: Any) -> Any:
        rows.extend(listing.rows(at, Selection(), reading))
        return []

    operate(world, "standard_orders", look)
    assert sorted(row["id"] for row in rows) == [order.event_id for order in placed]
    assert [row["shown"] for row in rows] == [*[True] * 10, *[False] * 4]
    assert {row["reason"] for row in rows} == {"poison"}
    errors: list[NotFound] = []

    def find(at: Any) -> Any:
        try:
            listing.find(at, "OrderPlaced-1013")
        except NotFound as error:
            errors.append(error)
        return []

    operate(world, "standard_orders", find)
    assert "4 letters lie behind" in str(errors[0])
    assert "Its last failure: poison" in str(errors[0])


@BOTH
def test_whatever_goes_wrong_nothing_stays_held(consumer: str) -> None:
    """An answer that is lost, at any call: what was taken is let go at once, or comes back by itself."""
    number = 0
    while True:
        world = poisoned(consumer)
        world.plan = faults = OneFault(number, Fault.LOST_REPLY)
        operate(world, consumer, look_only)
        world.run(30)
        assert world.deployed[consumer].dead_letter_queue.counts.not_visible == 0
        assert len(world.dead_letters(consumer)) == COUNT
        number += 1
        if number > len(faults.places):
            break
    assert number > 4


def look_only(at: Any) -> Any:
    read(at)
    return []


class Interrupting:
    """A client whose first release is interrupted by Ctrl-C."""

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs
        self.released = 0

    def change_message_visibility_batch(self, **request: Any) -> Any:
        self.released += len(request["Entries"])
        if self.released <= 10:
            raise KeyboardInterrupt
        return self._sqs.change_message_visibility_batch(**request)

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._sqs, operation)


def test_ctrl_c_while_letters_are_let_go_does_not_keep_the_others() -> None:
    """It is heard when that is done."""
    world = World()
    world.deploy("standard_orders", standard_orders.handler)
    queue = world.deployed["standard_orders"].dead_letter_queue
    for n in range(25):
        queue.send("x", group=f"{n}", deduplication_id=f"{n}")
    sqs = Interrupting(world.backend("sqs"))
    hold = Hold(sqs, desk(world, "standard_orders").queue)
    ids = [letter.id for _ in range(3) for letter in hold.take()]
    with pytest.raises(KeyboardInterrupt):
        hold.release(ids)
    assert sqs.released == 25
    assert queue.counts.not_visible == 10


def test_the_first_ctrl_c_is_noted_and_the_second_one_heard() -> None:
    """And afterwards it is what it was before."""
    before = signal.getsignal(signal.SIGINT)
    with stopping() as stopped:
        assert not stopped()
        signal.raise_signal(signal.SIGINT)
        assert stopped()
        with heard(), pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is before
