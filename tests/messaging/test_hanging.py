"""Calls that hang or are slow: the function answers before it is killed, and no good record pays for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from messaging.batch import Delivery, Ledger
from messaging.effects import Add, Create, Effect, External, Key, Transactional, View
from messaging.events import OrderCancelled, OrderPlaced
from messaging.message import Message
from messaging.store import Store
from messaging.subscription import RESERVE_SECONDS, Subscription
from messaging.suspicion import MAX_UNFINISHED_TRIES
from tests.doubles import RememberingSource
from tests.factories import NOW, cancellation, delivery, order
from tests.messaging import consuming
from tests.messaging.consuming import in_memory, outcomes
from tests.messaging.receiving import Killed

EVENTS = (OrderPlaced, OrderCancelled)
ROW = Subscription(consumer="counter", events=EVENTS, reads=("stock",), writes=("revenue",))
KEEPING_ROW = Subscription(consumer="keeper", events=EVENTS, writes=("orders",))
CALLS_ROW = Subscription(consumer="caller", events=EVENTS, calls=("ses:SendEmail",))
LONGEST_SECONDS = 1.8  # what a call of the functions' clients takes at most
assert LONGEST_SECONDS < RESERVE_SECONDS

# How long a call takes, and whether its answer arrives.
Answer = tuple[float, bool]
AT_ONCE: Answer = (0.0, True)
SLOW: Answer = (LONGEST_SECONDS, True)
HANGS: Answer = (LONGEST_SECONDS, False)


class World:
    """Everything that one function talks to. Each call takes the next of the answers, then all answer at once.

    A call that is not over in time is where the function is killed. `outage`: nothing reaches DynamoDB any more.
    """

    def __init__(self) -> None:
        self.client = in_memory()
        self.exceptions = self.client.exceptions
        self.source = RememberingSource()
        self.answers: Iterator[Answer] = iter(())
        self.left_seconds = 0.0
        self.outage = False
        self.log: list[str] = []
        self.sandbox: dict[str, Store] = {}

    def start(self, seconds: float, answers: Sequence[Answer] = ()) -> None:
        """A new invocation."""
        self.left_seconds, self.answers, self.outage = seconds, iter(answers), False
        self.log.clear()

    def wait(self, seconds: float) -> None:
        self.left_seconds -= seconds
        if self.left_seconds <= 0:
            self.sandbox.clear()
            raise Killed

    def answers_in_time(self, name: str) -> bool:
        self.log.append(name)
        seconds, arrives = next(self.answers, AT_ONCE)
        self.wait(seconds)
        return arrives

    def dead_letter(self, each: Delivery, facts: Mapping[str, Any]) -> bool:
        return self.source.dead_letter(each, facts) and self.answers_in_time("dead_letter")

    def postpone(self, delays: Sequence[tuple[Delivery, int]], has_time: Callable[[], bool]) -> bool:
        return bool(delays) and has_time() and self.answers_in_time("postpone")

    def call(self, message: Message[Any], _: str) -> None:
        if not self.answers_in_time("call"):
            raise ReadTimeoutError(endpoint_url="https://provider")

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            if self.outage:
                self.wait(LONGEST_SECONDS)
                raise ReadTimeoutError(endpoint_url="https://dynamodb")
            reply = getattr(self.client, operation)(**request)
            if not self.answers_in_time(operation):
                raise ReadTimeoutError(endpoint_url="https://dynamodb")
            return reply

        return call

    def process(self, row: Subscription, *deliveries: Delivery, now: float = NOW) -> Ledger:
        return consuming.process(
            self,
            self,
            *deliveries,
            effects=self.effects(row),
            subscription=row,
            now=now,
            remaining_seconds=lambda: self.left_seconds,
            sleep=self.wait,
            sandbox=self.sandbox,
        )

    def effects(self, row: Subscription) -> Transactional | External:
        """Calls, an item that is its own marker, or what has both a marker and reads."""
        if row is CALLS_ROW:
            return External(calls=dict.fromkeys(EVENTS, self.call), at_most_once=frozenset({OrderCancelled}))
        if row is KEEPING_ROW:
            return Transactional(functions=dict.fromkeys(EVENTS, keep))
        return Transactional(functions=dict.fromkeys(EVENTS, count), reads=lambda message: [Key("stock", message.id)])


def keep(message: Message[Any], _: View) -> Effect:
    return Effect((Create(Key("orders", message.event.order_id, message.id), {}),))


def count(message: Message[Any], _: View) -> Effect:
    return Effect((Add(Key("revenue", message.id, "0"), "amount", 1),))


@pytest.fixture
def world() -> World:
    return World()


def placed(order_id: str, attempt: int = 1) -> Delivery:
    return delivery(order(order_id), f"p{order_id}", fifo=False, attempt=attempt)


def cancelled(order_id: str, attempt: int = 1) -> Delivery:
    return delivery(cancellation(order(order_id)), f"c{order_id}", fifo=False, attempt=attempt)


def begun(world: World, row: Subscription, each: Delivery, times: int, seconds: float = 5.0) -> None:
    """So many times the function dies as soon as it has counted the try."""
    for _ in range(times):
        world.start(seconds, [AT_ONCE, AT_ONCE, (seconds, True)])
        with pytest.raises(Killed):
            world.process(row, each)


class TestInTime:
    """No call is begun that the function might not survive."""

    def test_a_lapsed_lease_is_not_taken_over_without_time(self, world: World) -> None:
        """The look at the claim was slow: taking it over may be slower."""
        world.start(5.0, [AT_ONCE, (9.0, True)])
        with pytest.raises(Killed):
            world.process(CALLS_ROW, placed("1"))
        world.start(2 * LONGEST_SECONDS + 0.5, [SLOW, SLOW])
        later = NOW + CALLS_ROW.lease_seconds + 1
        world.process(CALLS_ROW, placed("1"), now=later)
        assert world.log == ["batch_execute_statement", "batch_get_item"]

    def test_a_claim_is_not_given_up_without_time(self, world: World) -> None:
        """The call before it was slow, and its record too: the second claim lapses by itself."""
        world.start(5.0, [AT_ONCE, SLOW, SLOW, SLOW])
        assert outcomes(world.process(CALLS_ROW, placed("1"), placed("2"))) == {"p1": "applied", "p2": "retry"}
        assert world.log == ["batch_execute_statement", "call", "batch_execute_statement"]

    @pytest.mark.fault(24)
    def test_there_is_time_to_record_a_call_that_was_slow(self, world: World) -> None:
        """Its record may be slow too: so it is begun only where there is time for both."""
        for spent_seconds in (0.0, 0.5, 1.0, LONGEST_SECONDS):
            world.start(5.0, [(spent_seconds, True), SLOW, SLOW])
            world.process(CALLS_ROW, placed(f"after-{spent_seconds}"))

    def test_a_killer_is_not_looked_up_without_time(self, world: World) -> None:
        """Whether it was applied after all can be asked when it comes again."""
        begun(world, ROW, placed("1", attempt=2), MAX_UNFINISHED_TRIES)
        world.start(RESERVE_SECONDS + 0.5, [AT_ONCE, AT_ONCE, SLOW, SLOW])
        ledger = world.process(ROW, placed("2"), placed("1", attempt=9))
        assert outcomes(ledger) == {"p2": "applied", "p1": "retry"}
        assert world.log == ["batch_get_item", "batch_get_item", "transact_write_items"]

    def test_an_item_that_is_there_is_not_looked_at_without_time(self, world: World) -> None:
        """Whose it is can be asked when the record comes again."""
        world.start(5.0)
        world.process(KEEPING_ROW, placed("1"))
        world.start(2 * LONGEST_SECONDS + 1.0, [SLOW, (0.7, True), SLOW, SLOW])
        world.process(KEEPING_ROW, placed("1", attempt=2))

    @pytest.mark.parametrize("row", [ROW, KEEPING_ROW, CALLS_ROW], ids=["marker", "item", "call"])
    @pytest.mark.parametrize("attempt", [1, 2], ids=["new", "redelivered"])
    def test_of_many_requests_each_needs_time(self, world: World, row: Subscription, attempt: int) -> None:
        """A batch that takes one for each 25 statements or writes, or each hundred keys: all of them slow."""
        for spent_seconds in (0.0, 1.0, LONGEST_SECONDS):
            world.start(5.0, [(spent_seconds, True), *[SLOW] * 9])
            batch = (placed(f"{spent_seconds}-{number}", attempt) for number in range(250))
            world.process(row, *batch)


class TestSurvived:
    """What the function survived is no killer."""

    @pytest.mark.fault(25, 40)
    @pytest.mark.parametrize("arrives", [True, False], ids=["slow call", "hanging call"])
    def test_a_call_beside_a_hanging_dynamodb_makes_no_killer(self, world: World, arrives: bool) -> None:
        """Each invocation answers in time, so its tries are taken back, receive after receive."""

        def call(*_: Any) -> None:
            world.outage = True
            world.wait(LONGEST_SECONDS)
            if not arrives:
                raise ReadTimeoutError(endpoint_url="https://provider")

        world.call = call  # type: ignore[method-assign,assignment]
        for attempt in range(1, 3 + MAX_UNFINISHED_TRIES):
            world.start(4.9)
            world.process(CALLS_ROW, placed("1", attempt), now=NOW + attempt * CALLS_ROW.visibility_timeout_seconds)
        assert world.source.dead_letters == []

    def test_what_ended_in_order_is_no_suspect(self, world: World) -> None:
        """Its try is taken back with the batch in which it failed: next time it goes in company."""
        world.start(5.0, [AT_ONCE, AT_ONCE, AT_ONCE, HANGS])
        assert outcomes(world.process(CALLS_ROW, placed("1", attempt=2))) == {"p1": "retry"}
        world.start(5.0)
        batch = [placed("1", attempt=3), placed("2", attempt=3)]
        assert set(outcomes(world.process(CALLS_ROW, *batch)).values()) == {"applied"}
        assert world.log.count("batch_execute_statement") == 2  # claimed together, recorded together

    @pytest.mark.fault(23, 25)
    @pytest.mark.parametrize("row", [ROW, CALLS_ROW], ids=["marker", "call"])
    def test_what_was_applied_before_the_function_died_is_no_killer(self, world: World, row: Subscription) -> None:
        """Again and again it died of something else, before it could say so: its marker proves it. (Which item would
        be the marker of an effect without one in the inbox, only the function knows, and that must not run again.)"""
        world.start(5.0)
        world.process(row, placed("1"))
        begun(world, row, placed("1", attempt=2), MAX_UNFINISHED_TRIES)
        world.start(5.0)
        assert outcomes(world.process(row, placed("1", attempt=9))) == {"p1": "applied"}
        assert world.source.dead_letters == []


@pytest.mark.parametrize("seconds", [3, 4, 5, 30])
def test_a_redelivered_record_is_tried_beside_new_ones(world: World, seconds: int) -> None:
    """With every time-out that a row may have, where AWS is quick: else it would wait for a batch without new ones."""
    row = Subscription(consumer="counter", events=EVENTS, writes=("revenue",), timeout_seconds=seconds)
    world.start(seconds - 0.01)
    ledger = world.process(row, placed("new"), placed("again", attempt=2))
    assert outcomes(ledger) == {"pnew": "applied", "pagain": "applied"}


answers = st.tuples(st.sampled_from([0.0, 0.3, 1.0, LONGEST_SECONDS]), st.booleans())


@pytest.mark.fault(24, 40)
@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([ROW, KEEPING_ROW, CALLS_ROW]),
    st.lists(st.lists(answers, max_size=12), min_size=1, max_size=4),
    st.lists(st.tuples(st.sampled_from([placed, cancelled]), st.sampled_from("12")), min_size=1, max_size=4),
)
def test_whatever_is_slow_the_function_answers_in_time(
    row: Subscription, invocations: list[list[Answer]], records: list[tuple[Callable[..., Delivery], str]]
) -> None:
    """Over several receives of a batch; and when AWS is quick again, every record is settled, none as a killer."""
    world = World()
    batch = [make(order_id) for make, order_id in dict.fromkeys(records)]
    for receive, slowness in enumerate([*invocations, [], [], []], start=2):
        world.start(row.timeout_seconds, slowness)
        ledger = world.process(row, *batch, now=NOW + receive * row.visibility_timeout_seconds)
        batch = [replace(each, attempt=receive) for each in ledger.handed_back()]
    assert batch == []
    assert {facts["reason"] for _, facts in world.source.dead_letters} <= {"in_doubt"}
