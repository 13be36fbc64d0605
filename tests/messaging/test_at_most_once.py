"""Calls that must not be made twice: in doubt rather than repeated, and in order beside calls that may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from messaging.batch import Delivery, Ledger
from messaging.effects import Add, Effect, External, Key, Transactional
from messaging.errors import Poison, RetryLater
from messaging.events import OrderCancelled, OrderPlaced
from messaging.lease import MAX_ATTEMPTS
from messaging.message import Message
from messaging.subscription import RESERVE_SECONDS, Subscription
from tests.doubles import RememberingSource, Wire, lose_reply, refuse
from tests.factories import NOW, cancellation, delivery, order
from tests.messaging import consuming
from tests.messaging.consuming import in_memory, outcomes
from tests.messaging.receiving import Killed

ROW = Subscription(consumer="refunds", events=(OrderPlaced, OrderCancelled), calls=("ses:SendEmail",))
FIFO_ROW = Subscription(
    consumer="refunds", events=(OrderPlaced, OrderCancelled), calls=("ses:SendEmail",), ordering="group"
)
LAPSED = NOW + ROW.lease_seconds + 1

Consume = Callable[..., Ledger]


class Provider:
    """Somebody who is called; does what `failures` holds for an event when it was called."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.failures: dict[str, BaseException] = {}

    def __call__(self, message: Message[Any], _: str) -> None:
        self.called.append(message.id)
        if message.id in self.failures:
            raise self.failures[message.id]


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def dynamodb() -> Wire:
    return Wire(in_memory())


@pytest.fixture
def consume(dynamodb: Wire, provider: Provider, source: RememberingSource) -> Consume:
    """Processes a batch in which cancellations are told at most once, and orders at least once."""

    def process(*deliveries: Delivery, row: Subscription = ROW, now: float = NOW) -> Ledger:
        effects = External(
            calls={OrderPlaced: provider, OrderCancelled: provider}, at_most_once=frozenset({OrderCancelled})
        )
        return consuming.process(dynamodb, source, *deliveries, effects=effects, subscription=row, now=now)

    return process


def cancelled(order_id: str = "1", delivery_id: str | None = None, *, fifo: bool = False) -> Delivery:
    return delivery(cancellation(order(order_id)), delivery_id or f"c{order_id}", fifo=fifo)


def placed(order_id: str, *, fifo: bool = False) -> Delivery:
    return delivery(order(order_id), f"p{order_id}", fifo=fifo)


def claims(dynamodb: Wire) -> list[str]:
    """The status of each claim that lies there."""
    return [item["status"]["S"] for item in dynamodb.scan(TableName="inbox")["Items"] if "status" in item]


def dead(source: RememberingSource) -> dict[str, str]:
    return {each.id: facts["reason"] for each, facts in source.dead_letters}


class TestDoubt:
    """A call that may have happened is never made again."""

    @pytest.mark.fault(27)
    def test_a_function_that_died_in_the_call_leaves_it_in_doubt(
        self, consume: Consume, provider: Provider, source: RememberingSource
    ) -> None:
        """Its claim lapses and is taken over by nobody: a dead letter that names the event."""
        provider.failures["OrderCancelled-1"] = Killed()
        with pytest.raises(Killed):
            consume(cancelled())
        assert outcomes(consume(cancelled(), now=LAPSED)) == {"c1": "dead_lettered"}
        assert provider.called == ["OrderCancelled-1"]
        ((_, facts),) = source.dead_letters
        assert (facts["reason"], facts["error"]) == ("in_doubt", "InDoubt")
        assert "OrderCancelled-1" in facts["detail"]

    @pytest.mark.fault(28)
    def test_while_the_claim_holds_nobody_judges(
        self, consume: Consume, provider: Provider, source: RememberingSource
    ) -> None:
        """The holder may still be calling, and may still say so."""
        provider.failures["OrderCancelled-1"] = Killed()
        with pytest.raises(Killed):
            consume(cancelled())
        assert outcomes(consume(cancelled(), now=NOW + ROW.lease_seconds)) == {"c1": "retry"}
        assert (dead(source), len(provider.called)) == ({}, 1)

    @pytest.mark.fault(32)
    @pytest.mark.parametrize("applied", [False, True], ids=["refused", "answer lost"])
    def test_a_call_that_could_not_be_recorded_is_in_doubt_or_known(
        self, consume: Consume, provider: Provider, dynamodb: Wire, source: RememberingSource, applied: bool
    ) -> None:
        """It was made. Unrecorded it is in doubt; where only the answer was lost, the next attempt finds the record."""
        hooks = [lambda _: None, *[lose_reply if applied else refuse("ThrottlingException")] * MAX_ATTEMPTS]
        (dynamodb.after if applied else dynamodb.before)["batch_execute_statement"] = hooks
        assert outcomes(consume(cancelled())) == {"c1": "retry"}
        assert outcomes(consume(cancelled(), now=LAPSED)) == {"c1": "applied" if applied else "dead_lettered"}
        assert dead(source) == ({} if applied else {"c1": "in_doubt"})
        assert len(provider.called) == 1

    def test_an_exception_of_somebody_elses_leaves_the_call_in_doubt(
        self, consume: Consume, provider: Provider, source: RememberingSource
    ) -> None:
        """Nobody knows what had happened before it: dead-lettered at once, its text not told, its neighbours called."""
        provider.failures["OrderCancelled-1"] = ConnectionError("to ALFKI")
        ledger = consume(cancelled("1"), cancelled("2"), placed("3"))
        assert outcomes(ledger) == {"c1": "dead_lettered", "c2": "applied", "p3": "applied"}
        ((_, facts),) = source.dead_letters
        assert facts["reason"] == "in_doubt"
        assert "ConnectionError" in facts["detail"]
        assert "ALFKI" not in facts["detail"]

    @pytest.mark.fault(5)
    def test_a_redriven_doubt_stays_one(self, consume: Consume, provider: Provider, source: RememberingSource) -> None:
        """Under a new delivery id, soon or late: redriving is no way to have the call made."""
        provider.failures["OrderCancelled-1"] = ConnectionError()
        consume(cancelled())
        provider.failures.clear()
        assert outcomes(consume(cancelled("1", "soon"))) == {"soon": "retry"}
        assert outcomes(consume(cancelled("1", "late"), now=LAPSED)) == {"late": "dead_lettered"}
        assert dead(source) == {"c1": "in_doubt", "late": "in_doubt"}
        assert len(provider.called) == 1

    def test_a_doubt_whose_dead_letter_is_refused_is_not_called_either(
        self, consume: Consume, provider: Provider, source: RememberingSource
    ) -> None:
        """Handed back until the queue takes it."""
        provider.failures["OrderCancelled-1"] = ConnectionError()
        source.accepts_dead_letters = False
        assert outcomes(consume(cancelled())) == {"c1": "retry"}
        assert outcomes(consume(cancelled(), now=LAPSED)) == {"c1": "retry"}
        source.accepts_dead_letters = True
        assert outcomes(consume(cancelled(), now=LAPSED)) == {"c1": "dead_lettered"}
        assert len(provider.called) == 1

    def test_a_repeat_within_the_batch_is_not_called_after_a_doubt(self, consume: Consume, provider: Provider) -> None:
        """The same event again comes back, and is in doubt when its time has come."""
        provider.failures["OrderCancelled-1"] = ConnectionError()
        ledger = consume(cancelled("1", "m1"), cancelled("1", "m2"))
        assert outcomes(ledger) == {"m1": "dead_lettered", "m2": "retry"}
        assert len(provider.called) == 1

    @pytest.mark.fault(1, 2)
    def test_a_recorded_call_is_known_for_good(self, consume: Consume, provider: Provider) -> None:
        """Its redelivery is done, another delivery of the event is a duplicate."""
        assert outcomes(consume(cancelled())) == {"c1": "applied"}
        assert outcomes(consume(cancelled(), now=LAPSED)) == {"c1": "applied"}
        assert outcomes(consume(cancelled("1", "again"), now=LAPSED)) == {"again": "duplicate"}
        assert len(provider.called) == 1


class TestNoDoubt:
    """A call that surely was not made is made later."""

    def test_a_call_that_asks_for_later_is_made_again(
        self, consume: Consume, provider: Provider, dynamodb: Wire, source: RememberingSource
    ) -> None:
        """RetryLater says that nothing has happened: the claim is given up at once."""
        provider.failures["OrderCancelled-1"] = RetryLater("closed", delay_seconds=9)
        assert outcomes(consume(cancelled())) == {"c1": "retry"}
        assert claims(dynamodb) == []
        assert source.postponed == [{"c1": 9}]
        provider.failures.clear()
        assert outcomes(consume(cancelled())) == {"c1": "applied"}

    def test_a_call_may_find_its_message_poison(
        self, consume: Consume, provider: Provider, dynamodb: Wire, source: RememberingSource
    ) -> None:
        """Poison says so too: dead-lettered for what it is, and redriven it is called."""
        provider.failures["OrderCancelled-1"] = Poison("no such account")
        assert outcomes(consume(cancelled())) == {"c1": "dead_lettered"}
        assert (dead(source), claims(dynamodb)) == ({"c1": "poison"}, [])
        provider.failures.clear()
        assert outcomes(consume(cancelled("1", "redriven"))) == {"redriven": "applied"}

    @pytest.mark.fault(32)
    def test_a_claim_whose_answer_was_lost_is_ours(self, consume: Consume, provider: Provider, dynamodb: Wire) -> None:
        """Its repeat finds it, and the call is made, once."""
        dynamodb.after["batch_execute_statement"] = [lose_reply]
        assert outcomes(consume(cancelled())) == {"c1": "applied"}
        assert len(provider.called) == 1

    @pytest.mark.fault(31, 32)
    @pytest.mark.parametrize("lost", [False, True], ids=["refused", "answers lost"])
    def test_a_claim_that_stays_unknown_is_given_up(
        self, consume: Consume, provider: Provider, dynamodb: Wire, source: RememberingSource, lost: bool
    ) -> None:
        """It may be ours, and its call was not made: the next attempt need not wait, and doubts nothing."""
        if lost:
            dynamodb.after["batch_execute_statement"] = [lose_reply]
            dynamodb.before["batch_get_item"] = [refuse("AccessDeniedException")]  # nor can it be looked at
        else:
            dynamodb.before["batch_execute_statement"] = [refuse("ThrottlingException")] * MAX_ATTEMPTS
        assert outcomes(consume(cancelled())) == {"c1": "retry"}
        assert (provider.called, claims(dynamodb)) == ([], [])
        assert outcomes(consume(cancelled())) == {"c1": "applied"}
        assert dead(source) == {}

    def test_without_time_for_the_call_its_claim_is_given_up(
        self, dynamodb: Wire, provider: Provider, source: RememberingSource
    ) -> None:
        """Claiming took what was left."""
        remaining = [5.0]
        dynamodb.after["batch_execute_statement"] = [lambda _: remaining.insert(0, RESERVE_SECONDS + 0.1)]
        effects = External(calls={OrderCancelled: provider}, at_most_once=frozenset({OrderCancelled}))
        ledger = consuming.process(
            dynamodb,
            source,
            cancelled(),
            effects=effects,
            subscription=ROW,
            remaining_seconds=lambda: remaining[0],
        )
        assert outcomes(ledger) == {"c1": "retry"}
        assert (provider.called, claims(dynamodb)) == ([], [])

    def test_an_event_without_a_call_is_not_in_doubt(
        self, dynamodb: Wire, provider: Provider, source: RememberingSource
    ) -> None:
        """A row that lists more than its function has: nothing was called, so it waits for new code."""
        effects = External(calls={OrderPlaced: provider}, at_most_once=frozenset({OrderCancelled}))
        ledger = consuming.process(dynamodb, source, cancelled(), effects=effects, subscription=ROW)
        assert outcomes(ledger) == {"c1": "retry"}


class TestTogether:
    """Both kinds in one batch."""

    def test_a_group_keeps_its_order(self, consume: Consume, provider: Provider) -> None:
        """Whatever is claimed together and whatever alone."""
        batch = [placed("1"), cancelled("1"), placed("2"), placed("3"), cancelled("3"), cancelled("2"), placed("4")]
        ledger = consume(*(delivery(each.body, each.id, group="ALFKI") for each in batch), row=FIFO_ROW)
        assert set(outcomes(ledger).values()) == {"applied"}
        assert provider.called == [
            *("OrderPlaced-1", "OrderCancelled-1", "OrderPlaced-2", "OrderPlaced-3"),
            *("OrderCancelled-3", "OrderCancelled-2", "OrderPlaced-4"),
        ]

    @pytest.mark.fault(10)
    @pytest.mark.parametrize("failing", ["OrderPlaced-1", "OrderCancelled-1"])
    def test_what_follows_a_failure_in_its_group_is_not_called(
        self, consume: Consume, provider: Provider, dynamodb: Wire, failing: str
    ) -> None:
        """Of either kind, after either kind, and no claim is left behind."""
        provider.failures[failing] = RetryLater("closed")
        batch = [placed("1", fifo=True), cancelled("1", fifo=True), placed("2", fifo=True), cancelled("2", fifo=True)]
        ledger = consume(*batch, row=FIFO_ROW)
        assert provider.called[-1] == failing
        assert list(outcomes(ledger).values())[len(provider.called) :] == ["held_back"] * (4 - len(provider.called))
        assert claims(dynamodb) == ["COMPLETED"] * (len(provider.called) - 1)

    def test_a_group_goes_on_after_a_doubt(self, consume: Consume, provider: Provider) -> None:
        """As after every dead letter."""
        provider.failures["OrderCancelled-1"] = ConnectionError()
        ledger = consume(placed("1", fifo=True), cancelled("1", fifo=True), placed("2", fifo=True), row=FIFO_ROW)
        assert outcomes(ledger) == {"p1": "applied", "c1": "dead_lettered", "p2": "applied"}

    def test_a_lapsed_call_that_may_be_repeated_is(self, consume: Consume, provider: Provider) -> None:
        """Only what is listed is made at most once."""
        provider.failures["OrderPlaced-1"] = Killed()
        with pytest.raises(Killed):
            consume(placed("1"), cancelled("1"))
        provider.failures.clear()
        assert outcomes(consume(placed("1"), cancelled("1"), now=LAPSED)) == {"p1": "applied", "c1": "applied"}
        assert provider.called == ["OrderPlaced-1", "OrderPlaced-1", "OrderCancelled-1"]


class TestRoundTrips:
    """What claims and records cost."""

    def test_ten_calls_take_two(self, consume: Consume, dynamodb: Wire) -> None:
        """Claimed together, recorded together."""
        consume(*(placed(str(number)) for number in range(10)))
        assert dynamodb.calls == ["batch_execute_statement"] * 2

    def test_with_a_duplicate_three(self, consume: Consume, dynamodb: Wire) -> None:
        """One to see what the claim met."""
        consume(placed("3"))
        dynamodb.calls.clear()
        consume(*(placed(str(number)) for number in range(10)))
        assert dynamodb.calls == ["batch_execute_statement", "batch_get_item", "batch_execute_statement"]

    def test_with_lapsed_leases_four(self, consume: Consume, provider: Provider, dynamodb: Wire) -> None:
        """One to take all of them over."""
        provider.failures["OrderPlaced-0"] = Killed()
        with pytest.raises(Killed):
            consume(*(placed(str(number)) for number in range(4)))
        provider.failures.clear()
        dynamodb.calls.clear()
        consume(*(placed(str(number)) for number in range(10)), now=LAPSED)
        statement = "batch_execute_statement"
        assert dynamodb.calls == [statement, "batch_get_item", statement, statement]

    def test_at_most_once_takes_two_a_call(self, consume: Consume, dynamodb: Wire) -> None:
        """Each is claimed and recorded by itself, so that a crash leaves one in doubt, not ten."""
        consume(*(cancelled(str(number)) for number in range(5)))
        assert dynamodb.calls == ["batch_execute_statement"] * 10


def test_a_claim_is_no_proof_to_a_version_that_writes(
    consume: Consume, provider: Provider, dynamodb: Wire, source: RememberingSource
) -> None:
    """A row that called and now writes in a transaction: what was claimed and not recorded waits, and is never done."""
    provider.failures["OrderPlaced-1"] = Killed()
    with pytest.raises(Killed):
        consume(placed("1"))
    now_writes = Subscription(consumer="refunds", events=(OrderPlaced, OrderCancelled), writes=("revenue",))
    effects = Transactional(functions={OrderPlaced: lambda _m, _v: Effect((Add(Key("revenue", "1", "0"), "n", 1),))})
    ledger = consuming.process(dynamodb, source, placed("1"), effects=effects, subscription=now_writes, now=LAPSED)
    assert outcomes(ledger) == {"p1": "retry"}
    assert dynamodb.scan(TableName="revenue")["Items"] == []
