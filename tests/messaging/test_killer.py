"""Records that kill their function: dead-lettered alone, after few receives, and never a good one with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.batch import Delivery, Ledger
from messaging.effects import Add, Effect, External, Key, Transactional, View
from messaging.errors import RetryLater
from messaging.events import OrderPlaced
from messaging.message import Message
from messaging.subscription import RESERVE_SECONDS, Subscription
from messaging.suspicion import MAX_UNFINISHED_TRIES
from messaging.writes import MAX_ATTEMPTS
from tests.doubles import RememberingSource, Wire, lose_reply, refuse
from tests.factories import NOW, delivery, order
from tests.messaging import consuming
from tests.messaging.consuming import in_memory, outcomes, reasons
from tests.messaging.receiving import Killed, Queue

ROW = Subscription(consumer="analytics", events=(OrderPlaced,), writes=("revenue",))
FIFO_ROW = Subscription(consumer="analytics", events=(OrderPlaced,), writes=("revenue",), ordering="group")
CALLS_ROW = Subscription(consumer="notifications", events=(OrderPlaced,), calls=("ses:SendEmail",))
# Once uncounted, the counted tries, and the receive that finds them used up.
MOST_RECEIVES = MAX_UNFINISHED_TRIES + 2


class Function:
    """Counts each order in its own item. `behaviours` says what an order does instead; `runs`: whose turn it was."""

    def __init__(self) -> None:
        self.behaviours: dict[str, Callable[[], None]] = {}
        self.runs: list[str] = []

    def __call__(self, message: Message[Any], _: View) -> Effect:
        order_id = message.event.order_id
        self.runs.append(order_id)
        self.behaviours.get(order_id, lambda: None)()
        return Effect((Add(Key("revenue", order_id, "0"), "amount", 1),))


def die() -> None:
    raise Killed


def fail() -> None:
    raise RetryLater("says the function", delay_seconds=1)


@pytest.fixture
def function() -> Function:
    return Function()


@pytest.fixture
def consume(dynamodb: Wire, source: RememberingSource, function: Function) -> Callable[..., Ledger]:
    def process(
        deliveries: Sequence[Delivery],
        *,
        row: Subscription = ROW,
        now: float = NOW,
        remaining_seconds: Callable[[], float] = lambda: 5.0,
    ) -> Ledger:
        return consuming.process(
            dynamodb,
            source,
            *deliveries,
            effects=Transactional(functions={OrderPlaced: function}),
            subscription=row,
            now=now,
            remaining_seconds=remaining_seconds,
        )

    return process


def batch(*order_ids: str, attempt: int = 1) -> list[Delivery]:
    """Records of a standard queue."""
    return [delivery(order(each), f"m{each}", fifo=False, attempt=attempt) for each in order_ids]


def group(name: str, *order_ids: str, attempt: int = 1) -> list[Delivery]:
    """Records of one message group."""
    return [delivery(order(each, customer_id=name), f"m{each}", attempt=attempt) for each in order_ids]


def suspect(consume: Callable[..., Ledger], function: Function, *deliveries: Delivery, **options: Any) -> None:
    """Lets the function die with these records: begun, and never ended."""
    first, function.behaviours = dict(function.behaviours), {each.id.removeprefix("m"): die for each in deliveries}
    with pytest.raises(Killed):
        consume(deliveries, **options)
    function.behaviours = first
    function.runs.clear()


def counts(client: Any) -> dict[str, int]:
    """How often each order was counted."""
    items = client.scan(TableName="revenue")["Items"]
    return {item["day_country"]["S"]: int(item["amount"]["N"]) for item in items}


def dead(source: RememberingSource) -> dict[str, str]:
    """The reason of each dead letter."""
    return {each.id: facts["reason"] for each, facts in source.dead_letters}


class TestKillers:
    """The queue goes on receiving until nothing is left."""

    @pytest.mark.fault(25)
    @pytest.mark.parametrize("position", range(10))
    @pytest.mark.parametrize("row", [ROW, FIFO_ROW], ids=["standard", "fifo"])
    def test_a_killer_is_dead_lettered_alone(
        self,
        consume: Callable[..., Ledger],
        dynamodb: Wire,
        source: RememberingSource,
        function: Function,
        position: int,
        row: Subscription,
    ) -> None:
        """Wherever it stands in a batch of ten, also of one message group, the nine others are applied once each."""
        ids = [str(number) for number in range(10)]
        function.behaviours[ids[position]] = die
        records = group("C", *ids) if row.fifo else batch(*ids)
        queue = Queue(records, lambda deliveries, now: consume(deliveries, row=row, now=now), row)
        queue.drain(MOST_RECEIVES)
        assert dead(source) == {f"m{position}": "killer"}
        assert counts(dynamodb) == {each: 1 for each in ids if each != ids[position]}
        assert Counter(queue.settled.values()) == {"applied": 9, "dead_lettered": 1}
        assert queue.deaths == MOST_RECEIVES - 1

    @pytest.mark.fault(25)
    def test_what_others_died_of_does_not_add_up(
        self, consume: Callable[..., Ledger], source: RememberingSource, function: Function
    ) -> None:
        """A record that is done, and comes again only because its batch mate killed the function, is no suspect."""
        function.behaviours["killer"] = die
        queue = Queue(batch("good", "killer"), lambda deliveries, now: consume(deliveries, now=now), ROW)
        queue.drain(MOST_RECEIVES)
        assert queue.settled == {"mgood": "applied", "mkiller": "dead_lettered"}
        assert set(dead(source)) == {"mkiller"}

    def test_what_failed_gracefully_beside_a_killer_is_no_killer(
        self, consume: Callable[..., Ledger], source: RememberingSource, function: Function
    ) -> None:
        """It ended each time, though nobody could tell the queue: it is retried for as long as it takes."""
        function.behaviours |= {"later": fail, "killer": die}
        queue = Queue(batch("later", "killer"), lambda deliveries, now: consume(deliveries, now=now), ROW)
        for _ in range(2 * MOST_RECEIVES):
            queue.receive()
        assert dead(source) == {"mkiller": "killer"}
        function.behaviours.clear()
        queue.drain(3 * MOST_RECEIVES)
        assert queue.settled["mlater"] == "applied"

    @pytest.mark.fault(25)
    def test_two_killers_in_one_batch(
        self, consume: Callable[..., Ledger], dynamodb: Wire, source: RememberingSource, function: Function
    ) -> None:
        """Each costs the receives that it dies alone in, and nobody else is lost."""
        ids = [str(number) for number in range(10)]
        function.behaviours |= {"3": die, "7": die}
        queue = Queue(batch(*ids), lambda deliveries, now: consume(deliveries, now=now), ROW)
        queue.drain(MOST_RECEIVES + MAX_UNFINISHED_TRIES - 1)
        assert dead(source) == {"m3": "killer", "m7": "killer"}
        assert counts(dynamodb) == {each: 1 for each in ids if each not in ("3", "7")}

    def test_killers_in_groups_keep_the_order_of_their_successors(
        self, consume: Callable[..., Ledger], dynamodb: Wire, source: RememberingSource, function: Function
    ) -> None:
        """What follows a killer in its group is applied after it was parked; other groups do not wait for that."""
        function.behaviours |= {"a2": die, "b1": die}
        records = [*group("A", "a1", "a2", "a3", "a4"), *group("B", "b1", "b2"), *group("C", "c1", "c2")]
        queue = Queue(records, lambda deliveries, now: consume(deliveries, row=FIFO_ROW, now=now), FIFO_ROW)
        queue.drain(MOST_RECEIVES + MAX_UNFINISHED_TRIES - 1)
        assert dead(source) == {"ma2": "killer", "mb1": "killer"}
        assert counts(dynamodb) == dict.fromkeys(("a1", "a3", "a4", "b2", "c1", "c2"), 1)
        for killer, successors in {"a2": ["a3", "a4"], "b1": ["b2"]}.items():
            after = function.runs[len(function.runs) - function.runs[::-1].index(killer) :]
            assert [each for each in dict.fromkeys(function.runs) if each in successors] == successors
            assert set(successors) <= set(after), "none was run before its turn"
            assert not set(successors) & set(function.runs[: -len(after)])

    @pytest.mark.fault(25, 27)
    def test_a_call_that_kills_its_function_is_dead_lettered_alone(
        self, engine_dynamodb: Wire, source: RememberingSource
    ) -> None:
        """External effects: each innocent is called and completed, its claims lapse between the receives."""
        calls: list[str] = []

        def call(message: Message[Any], _: str) -> None:
            if message.event.order_id == "1":
                raise Killed
            calls.append(message.event.order_id)

        def process(deliveries: Sequence[Delivery], *, now: float) -> Ledger:
            effects = External(calls={OrderPlaced: call})
            return consuming.process(
                engine_dynamodb, source, *deliveries, effects=effects, subscription=CALLS_ROW, now=now
            )

        queue = Queue(batch("0", "1", "2"), process, CALLS_ROW)
        queue.drain(MOST_RECEIVES)
        assert dead(source) == {"m1": "killer"}
        assert queue.settled == {"m0": "applied", "m1": "dead_lettered", "m2": "applied"}
        assert set(calls) == {"0", "2"}

    def test_the_dead_letter_says_what_happened(
        self, consume: Callable[..., Ledger], source: RememberingSource, function: Function
    ) -> None:
        """How often, and that it was alone at last."""
        function.behaviours["1"] = die
        Queue(batch("1"), lambda deliveries, now: consume(deliveries, now=now), ROW).drain(MOST_RECEIVES)
        ((_, facts),) = source.dead_letters
        assert (facts["error"], facts["receive_count"]) == ("Killer", MOST_RECEIVES)
        assert f"{MAX_UNFINISHED_TRIES} times" in facts["detail"]

    def test_a_killer_whose_dead_letter_is_refused_is_not_run_again(
        self, consume: Callable[..., Ledger], source: RememberingSource, function: Function
    ) -> None:
        """Its count stays, so the next receive parks it."""
        function.behaviours["1"] = die
        source.accepts_dead_letters = False
        queue = Queue(batch("1"), lambda deliveries, now: consume(deliveries, now=now), ROW)
        for _ in range(MOST_RECEIVES + 2):
            queue.receive()
        assert len(function.runs) == MAX_UNFINISHED_TRIES + 1
        source.accepts_dead_letters = True
        queue.drain(MOST_RECEIVES + 3)
        assert dead(source) == {"m1": "killer"}


class TestCost:
    """What the counting costs a batch in which nobody is suspect."""

    def test_first_deliveries_pay_nothing(self, consume: Callable[..., Ledger], dynamodb: Wire) -> None:
        """One commit, no look at any count."""
        consume(batch(*"0123456789"))
        assert dynamodb.calls == ["transact_write_items"]

    def test_a_healthy_redelivered_batch_costs_a_read_and_a_write(
        self, consume: Callable[..., Ledger], dynamodb: Wire
    ) -> None:
        """Its tries are read and counted for all of it at once, and it commits together."""
        assert set(outcomes(consume(batch(*"0123456789", attempt=2))).values()) == {"applied"}
        assert dynamodb.calls == ["batch_get_item", "batch_write_item", "transact_write_items"]

    def test_one_that_fails_in_order_costs_one_more_write(
        self, consume: Callable[..., Ledger], dynamodb: Wire, function: Function
    ) -> None:
        """Its count is taken back together with the note of its failure."""
        function.behaviours["0"] = fail
        consume(batch("0", "1", attempt=2))
        assert dynamodb.calls[-1] == "batch_write_item"
        assert dynamodb.calls.count("batch_write_item") == 2


class TestTurns:
    """What is new and what was received before together, suspects alone and last."""

    def test_redelivered_records_run_with_the_new_ones(
        self, consume: Callable[..., Ledger], dynamodb: Wire, function: Function
    ) -> None:
        """One transaction: they would wait for ever behind others where there are always new ones."""
        consume([*batch("old", attempt=2), *batch("new")])
        assert function.runs == ["old", "new"]
        assert dynamodb.calls.count("transact_write_items") == 1

    def test_a_suspect_runs_alone_and_last(
        self, consume: Callable[..., Ledger], dynamodb: Wire, function: Function
    ) -> None:
        """After new and redelivered ones, each suspect in a transaction of its own."""
        suspect(consume, function, *batch("s1", "s2", attempt=2))
        dynamodb.calls.clear()
        consume([*batch("s1", "s2", attempt=3), *batch("old", attempt=2), *batch("new")])
        assert function.runs == ["old", "new", "s1", "s2"]
        assert dynamodb.calls.count("transact_write_items") == 3  # the two others are one

    def test_the_least_suspect_is_tried_first(self, consume: Callable[..., Ledger], function: Function) -> None:
        """The likeliest killer goes last, so that all others are done by then."""
        suspect(consume, function, *batch("twice", attempt=2))
        suspect(consume, function, *batch("twice", attempt=3))
        suspect(consume, function, *batch("once", attempt=2))
        consume([*batch("twice", attempt=4), *batch("once", attempt=3)])
        assert function.runs == ["once", "twice"]

    def test_what_follows_a_suspect_in_its_group_waits_for_it(
        self, consume: Callable[..., Ledger], function: Function
    ) -> None:
        """New ones too: they are applied after it in the same batch, and other groups before."""
        suspect(consume, function, *group("A", "a1", attempt=2), row=FIFO_ROW)
        records = [*group("A", "a1", attempt=3), *group("A", "a2"), *group("B", "b1")]
        ledger = consume(records, row=FIFO_ROW)
        assert function.runs == ["b1", "a1", "a2"]
        assert set(outcomes(ledger).values()) == {"applied"}

    def test_what_precedes_a_suspect_in_its_group_goes_first(
        self, consume: Callable[..., Ledger], function: Function
    ) -> None:
        """Order within a group is never given up."""
        suspect(consume, function, *group("A", "a2", attempt=2), row=FIFO_ROW)
        consume([*group("A", "a1"), *group("A", "a2", attempt=3)], row=FIFO_ROW)
        assert function.runs == ["a1", "a2"]

    def test_a_suspect_that_fails_holds_back_what_follows(
        self, consume: Callable[..., Ledger], function: Function
    ) -> None:
        """As any failure in a group does."""
        suspect(consume, function, *group("A", "a1", attempt=2), row=FIFO_ROW)
        function.behaviours["a1"] = fail
        ledger = consume([*group("A", "a1", attempt=3), *group("A", "a2")], row=FIFO_ROW)
        assert outcomes(ledger) == {"ma1": "retry", "ma2": "held_back"}
        assert function.runs == ["a1"]


class TestCounts:
    """Only what did not end is counted, and only what is counted is tried."""

    def test_a_graceful_failure_clears_the_count(
        self, consume: Callable[..., Ledger], source: RememberingSource, function: Function
    ) -> None:
        """However often it fails in order, between deaths too, it is no killer."""
        for _ in range(MAX_UNFINISHED_TRIES):
            for _ in range(MAX_UNFINISHED_TRIES - 1):
                suspect(consume, function, *batch("1", attempt=2))
            function.behaviours["1"] = fail
            assert outcomes(consume(batch("1", attempt=3))) == {"m1": "retry"}
        for attempt in range(2, 40):
            assert outcomes(consume(batch("1", attempt=attempt))) == {"m1": "retry"}
        function.behaviours.clear()
        assert outcomes(consume(batch("1", attempt=41))) == {"m1": "applied"}
        assert dead(source) == {}

    def test_what_was_done_before_a_suspect_killed_is_no_suspect(
        self, consume: Callable[..., Ledger], dynamodb: Wire, function: Function
    ) -> None:
        """Its try is taken back before the suspect's turn: next time it is tried in company again."""
        suspect(consume, function, *batch("s", attempt=2))
        function.behaviours |= {"k": fail, "s": die}
        with pytest.raises(Killed):
            consume([*batch("k", attempt=2), *batch("s", attempt=3)])
        function.behaviours.clear()
        dynamodb.calls.clear()
        assert set(outcomes(consume(batch("k", "other", attempt=3))).values()) == {"applied"}
        assert dynamodb.calls.count("transact_write_items") == 1

    def test_an_applied_event_is_no_killer(
        self, consume: Callable[..., Ledger], dynamodb: Wire, source: RememberingSource
    ) -> None:
        """The function died each time after the commit, before it could say so. Who cannot look whether, waits."""

        def die_now(_: dict[str, Any]) -> None:
            raise Killed

        dynamodb.after["transact_write_items"] = [die_now]
        with pytest.raises(Killed):
            consume(batch("1", attempt=2))
        for attempt in range(3, 2 + MAX_UNFINISHED_TRIES):
            dynamodb.before["batch_write_item"] = [lambda _: None, die_now]  # counted, tried, and gone
            with pytest.raises(Killed):
                consume(batch("1", attempt=attempt))
        dynamodb.before["batch_get_item"] = [lambda _: None, refuse("InternalFailure")]
        assert outcomes(consume(batch("1", attempt=9))) == {"m1": "retry"}
        assert outcomes(consume(batch("1", attempt=10))) == {"m1": "applied"}
        assert dead(source) == {}

    def test_a_redrive_is_a_new_start(
        self, consume: Callable[..., Ledger], source: RememberingSource, function: Function
    ) -> None:
        """The mended function applies the event: its count belonged to the delivery that was parked."""
        function.behaviours["1"] = die
        Queue(batch("1"), lambda deliveries, now: consume(deliveries, now=now), ROW).drain(MOST_RECEIVES)
        function.behaviours.clear()
        redriven = delivery(order("1"), "redriven", fifo=False, attempt=2)
        assert outcomes(consume([redriven])) == {"redriven": "applied"}

    def test_uncounted_means_untried(
        self, consume: Callable[..., Ledger], dynamodb: Wire, source: RememberingSource, function: Function
    ) -> None:
        """When DynamoDB does not take the count, the record is handed back, and new ones are applied."""
        dynamodb.before["batch_write_item"] = [refuse("AccessDeniedException")]
        ledger = consume([*batch("old", attempt=2), *batch("new")])
        assert outcomes(ledger) == {"mold": "retry", "mnew": "applied"}
        assert function.runs == ["new"]
        assert [list(delays) for delays in source.postponed] == [["mold"]]

    def test_a_suspect_that_cannot_be_counted_is_untried_too(
        self, consume: Callable[..., Ledger], dynamodb: Wire, function: Function
    ) -> None:
        """Each by itself: the next suspect is tried."""
        suspect(consume, function, *batch("s1", "s2", attempt=2))
        dynamodb.before["batch_write_item"] = [refuse("AccessDeniedException")]
        assert outcomes(consume(batch("s1", "s2", attempt=3))) == {"ms1": "retry", "ms2": "applied"}
        assert function.runs == ["s2"]

    def test_a_count_whose_answer_was_lost_is_taken_back(
        self, consume: Callable[..., Ledger], dynamodb: Wire, source: RememberingSource, function: Function
    ) -> None:
        """It was written, but its record never tried: nobody becomes a killer by that."""
        for attempt in range(2, 2 + 2 * MAX_UNFINISHED_TRIES):
            dynamodb.after["batch_write_item"] = [lose_reply] * MAX_ATTEMPTS
            assert outcomes(consume(batch("1", attempt=attempt))) == {"m1": "retry"}
        assert function.runs == []
        assert dead(source) == {}

    def test_when_counts_cannot_be_read_what_was_received_before_waits(
        self, consume: Callable[..., Ledger], dynamodb: Wire, function: Function
    ) -> None:
        """New ones run, for nobody could have counted them."""
        dynamodb.before["batch_get_item"] = [refuse("InternalFailure")]
        ledger = consume([*batch("old", attempt=2), *batch("new")])
        assert outcomes(ledger) == {"mold": "retry", "mnew": "applied"}
        assert function.runs == ["new"]

    def test_when_counts_cannot_be_read_a_group_waits_from_there_on(
        self, consume: Callable[..., Ledger], dynamodb: Wire, function: Function
    ) -> None:
        """A new record does not overtake the redelivered one before it."""
        dynamodb.before["batch_get_item"] = [refuse("InternalFailure")]
        ledger = consume([*group("A", "a1", attempt=2), *group("A", "a2"), *group("B", "b1")], row=FIFO_ROW)
        assert outcomes(ledger) == {"ma1": "retry", "ma2": "held_back", "mb1": "applied"}


class TestDeadline:
    """Time that runs out is no death."""

    def test_without_time_no_count_is_looked_at(self, consume: Callable[..., Ledger], dynamodb: Wire) -> None:
        """A read that hangs would be the invocation's end, and the next one's suspicion."""
        ledger = consume(batch("1", attempt=2), remaining_seconds=lambda: RESERVE_SECONDS)
        assert outcomes(ledger) == {"m1": "retry"}
        assert dynamodb.calls == []

    def test_near_the_end_no_suspect_is_begun(self, consume: Callable[..., Ledger], function: Function) -> None:
        """It waits, with its count as it was, and may go as soon as there is time for a step."""
        suspect(consume, function, *batch("s", attempt=2))
        remaining = [RESERVE_SECONDS + 0.1]
        function.behaviours["new"] = lambda: remaining.insert(0, RESERVE_SECONDS)
        ledger = consume([*batch("s", attempt=3), *batch("new")], remaining_seconds=lambda: remaining[0])
        assert outcomes(ledger)["ms"] == "retry"
        assert "s" not in function.runs
        remaining.insert(0, RESERVE_SECONDS + 0.1)
        assert outcomes(consume(batch("s", attempt=4), remaining_seconds=lambda: remaining[0])) == {"ms": "applied"}

    def test_others_leave_a_suspect_its_share(self, consume: Callable[..., Ledger], function: Function) -> None:
        """Where others take all the time there is, a suspect would wait for ever."""
        suspect(consume, function, *batch("s", attempt=2))
        remaining = [10.0]
        function.behaviours["slow"] = lambda: remaining.insert(0, 2 * RESERVE_SECONDS)
        ledger = consume([*batch("slow", "s", attempt=3), *batch("new")], remaining_seconds=lambda: remaining[0])
        assert outcomes(ledger) == {"mslow": "retry", "ms": "applied", "mnew": "retry"}

    def test_a_suspect_that_comes_first_may_go_with_one_step(
        self, consume: Callable[..., Ledger], function: Function
    ) -> None:
        """After a kill the function has started cold, and would otherwise never have the time."""
        suspect(consume, function, *batch("s", attempt=2))
        ledger = consume(batch("s", attempt=3), remaining_seconds=lambda: RESERVE_SECONDS + 0.1)
        assert outcomes(ledger) == {"ms": "applied"}

    @pytest.mark.fault(24, 40)
    def test_a_commit_that_hangs_makes_no_killer(
        self, consume: Callable[..., Ledger], dynamodb: Wire, source: RememberingSource
    ) -> None:
        """While transactions hang the function answers in time, receive after receive: then the record is applied."""
        remaining = [0.0]

        def hang(_: dict[str, Any]) -> None:
            remaining[0] -= 1.8  # what the functions' clients wait for at most
            raise ReadTimeoutError(endpoint_url="http://dynamodb")

        for attempt in range(1, 2 + 2 * MAX_UNFINISHED_TRIES):
            remaining[0] = 5.0
            dynamodb.before["transact_write_items"] = [hang] * 9
            ledger = consume(batch("1", attempt=attempt), remaining_seconds=lambda: remaining[0])
            assert outcomes(ledger) == {"m1": "retry"}, reasons(ledger)
        dynamodb.before.clear()
        assert outcomes(consume(batch("1", attempt=20))) == {"m1": "applied"}
        assert dead(source) == {}


class Mortal:
    """A client whose process dies at the n-th call, before DynamoDB has it or after it was applied."""

    def __init__(self, client: Any, deaths: Iterator[tuple[int, bool]]) -> None:
        self._client = client
        self._deaths = deaths
        self.exceptions = client.exceptions
        self.start()

    def start(self) -> None:
        """A new invocation, which has the next death before it."""
        self._calls_left, self._applied = next(self._deaths, (-1, False))

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            dies = self._calls_left == 0
            self._calls_left -= 1
            if dies and not self._applied:
                raise Killed
            reply = getattr(self._client, operation)(**request)
            if dies:
                raise Killed
            return reply

        return call


@pytest.mark.fault(21, 22, 23)
@settings(max_examples=150, deadline=None)
@given(
    deaths=st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=MAX_UNFINISHED_TRIES),
    killer=st.sampled_from([None, *range(5)]),
    fifo=st.booleans(),
)
def test_deaths_of_other_causes_dead_letter_nobody(
    deaths: list[tuple[int, bool]], killer: int | None, fifo: bool
) -> None:
    """The process dies at any calls up to three times, or once beside a killer: every good record is applied once."""
    client, source, function = in_memory(), RememberingSource(), Function()
    mortal = Mortal(client, iter(deaths if killer is None else deaths[:1]))
    if killer is not None:
        function.behaviours[str(killer)] = die
    row = FIFO_ROW if fifo else ROW

    def process(deliveries: Sequence[Delivery], *, now: float) -> Ledger:
        mortal.start()
        effects = Transactional(functions={OrderPlaced: function})
        return consuming.process(mortal, source, *deliveries, effects=effects, subscription=row, now=now)

    ids = [str(number) for number in range(5)]
    records = [delivery(order(each, customer_id=f"C{int(each) % 2}"), f"m{each}", fifo=fifo) for each in ids]
    queue = Queue(records, process, row)
    queue.drain(MOST_RECEIVES + MAX_UNFINISHED_TRIES)
    assert set(dead(source)) == ({f"m{killer}"} if killer is not None else set())
    assert counts(client) == {each: 1 for each in ids if each != str(killer)}
