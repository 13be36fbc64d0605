"""Events that come too late: refused where no marker could prove them duplicates, and never where one does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from messaging.batch import Delivery, Ledger
from messaging.effects import Add, Effect, External, Key, Transactional
from messaging.errors import RetryLater
from messaging.events import OrderPlaced
from messaging.subscription import DAY_SECONDS, RESERVE_SECONDS, Subscription
from messaging.tables import EXPIRATION
from tests.doubles import RememberingSource, Wire, refuse
from tests.factories import NOW, body, delivery, order
from tests.messaging import consuming
from tests.messaging.consuming import in_memory, outcomes
from tests.messaging.receiving import Killed

MAX_AGE_SECONDS = 300
ROW = Subscription(consumer="counter", events=(OrderPlaced,), writes=("revenue",))
EXPIRING_ROW = Subscription(
    consumer="counter", events=(OrderPlaced,), writes=("revenue",), max_age_seconds=MAX_AGE_SECONDS
)
CALLS_ROW = Subscription(
    consumer="caller", events=(OrderPlaced,), calls=("ses:SendEmail",), max_age_seconds=MAX_AGE_SECONDS
)
COUNT = Transactional(functions={OrderPlaced: lambda _m, _v: Effect((Add(Key("revenue", "total", "0"), "amount", 1),))})
A_MOMENT = 0.001

Consume = Callable[..., Ledger]


def old(age_seconds: float, delivery_id: str = "m1", **changes: Any) -> Delivery:
    """An event published so long before the consumer's now."""
    return delivery(body(order(**changes), time=NOW - age_seconds), delivery_id, fifo=False)


@pytest.fixture
def dynamodb() -> Wire:
    return Wire(in_memory())


@pytest.fixture
def consume(dynamodb: Wire, source: RememberingSource) -> Consume:
    def process(
        *deliveries: Delivery,
        row: Subscription = ROW,
        effects: Transactional | External = COUNT,
        now: float = NOW,
        remaining_seconds: float = 5.0,
    ) -> Ledger:
        return consuming.process(
            dynamodb,
            source,
            *deliveries,
            effects=effects,
            subscription=row,
            now=now,
            remaining_seconds=lambda: remaining_seconds,
        )

    return process


def dead(source: RememberingSource) -> dict[str, str]:
    return {each.id: facts["reason"] for each, facts in source.dead_letters}


def expirations(dynamodb: Wire) -> list[int]:
    """When each marker or claim expires."""
    return [int(item[EXPIRATION]["N"]) for item in dynamodb.scan(TableName="inbox")["Items"] if "status" in item]


class TestBoundaries:
    """The last moment in time, and the first one too late."""

    @pytest.mark.fault(9, 37)
    @pytest.mark.parametrize(
        ("row", "most_seconds", "reason"),
        [(ROW, ROW.oldest_event_seconds, "too_old"), (EXPIRING_ROW, MAX_AGE_SECONDS, "expired")],
        ids=["too_old", "expired"],
    )
    def test_an_event_is_in_time_until_its_age_is_past_the_limit(
        self, consume: Consume, source: RememberingSource, row: Subscription, most_seconds: int, reason: str
    ) -> None:
        """At the limit it is applied, a moment later dead-lettered with the reason and the limit."""
        assert outcomes(consume(old(most_seconds), row=row)) == {"m1": "applied"}
        assert outcomes(consume(old(most_seconds + A_MOMENT, "m2", order_id="2"), row=row)) == {"m2": "dead_lettered"}
        ((_, facts),) = source.dead_letters
        assert facts["reason"] == reason
        assert f"'OrderPlaced-2' is older than {most_seconds} s" in facts["detail"]

    def test_past_all_proof_the_reason_is_too_old(self, consume: Consume, source: RememberingSource) -> None:
        """Also where it expired long before: a redrive should not be tried again."""
        consume(old(EXPIRING_ROW.oldest_event_seconds, "m1"), row=EXPIRING_ROW)
        consume(old(EXPIRING_ROW.oldest_event_seconds + A_MOMENT, "m2"), row=EXPIRING_ROW)
        assert dead(source) == {"m1": "expired", "m2": "too_old"}

    def test_an_event_from_the_future_is_in_time(self, consume: Consume, dynamodb: Wire) -> None:
        """A producer whose clock is ahead loses nothing."""
        assert outcomes(consume(old(-DAY_SECONDS), row=EXPIRING_ROW)) == {"m1": "applied"}

    def test_an_event_in_time_costs_no_look(self, consume: Consume, dynamodb: Wire) -> None:
        """One commit, at the limit too; one look for each late one."""
        consume(old(MAX_AGE_SECONDS, "m1"), old(0, "m2", order_id="2"), row=EXPIRING_ROW)
        assert dynamodb.calls == ["transact_write_items"]
        dynamodb.calls.clear()
        consume(old(MAX_AGE_SECONDS + 1, "m3"), row=EXPIRING_ROW)
        assert dynamodb.calls == ["batch_get_item", "transact_write_items"]


class TestDuplicates:
    """What was done in time is no loss to tell of, however late it is repeated."""

    @pytest.mark.fault(9)
    @pytest.mark.parametrize("age_seconds", [MAX_AGE_SECONDS + 1, EXPIRING_ROW.oldest_event_seconds + 1])
    def test_a_late_repeat_is_a_duplicate_by_its_marker(
        self, consume: Consume, source: RememberingSource, age_seconds: int
    ) -> None:
        """Another delivery is a duplicate, the same one was applied: expired or too old, its marker lies there."""
        consume(delivery(order(), "m1", fifo=False), row=EXPIRING_ROW)
        late = NOW + age_seconds
        again = consume(delivery(order(), "m1", fifo=False), row=EXPIRING_ROW, now=late)
        other = consume(delivery(order(), "m2", fifo=False), row=EXPIRING_ROW, now=late)
        assert outcomes(again) | outcomes(other) == {"m1": "applied", "m2": "duplicate"}
        assert source.dead_letters == []

    def test_another_events_marker_proves_nothing(self, consume: Consume, source: RememberingSource) -> None:
        """The same id with other contents, and the same event at another consumer."""
        consume(delivery(order(), "m1", fifo=False), row=EXPIRING_ROW)
        consume(old(MAX_AGE_SECONDS + 1, "m2", priority="high"), row=EXPIRING_ROW)
        elsewhere = Subscription(consumer="other", events=(OrderPlaced,), writes=("revenue",), max_age_seconds=1)
        consume(old(MAX_AGE_SECONDS + 1, "m3"), row=elsewhere)
        assert dead(source) == {"m2": "expired", "m3": "expired"}

    def test_a_call_that_was_recorded_in_time_is_a_duplicate(self, consume: Consume, source: RememberingSource) -> None:
        """External effects too; and nobody is called for it."""
        called: list[str] = []
        effects = External(calls={OrderPlaced: lambda message, _: called.append(message.id)})
        consume(old(MAX_AGE_SECONDS), row=CALLS_ROW, effects=effects)
        assert outcomes(consume(old(MAX_AGE_SECONDS + 1, "m2"), row=CALLS_ROW, effects=effects)) == {"m2": "duplicate"}
        assert called == ["OrderPlaced-1001"]

    def test_a_claim_without_its_record_is_no_proof(self, consume: Consume, source: RememberingSource) -> None:
        """Nobody knows that the call was made, so people are told of the event."""

        def die(*_: Any) -> None:
            raise Killed

        with pytest.raises(Killed):
            consume(old(MAX_AGE_SECONDS), row=CALLS_ROW, effects=External(calls={OrderPlaced: die}))
        lapsed = NOW + CALLS_ROW.lease_seconds + 1
        consume(old(MAX_AGE_SECONDS), row=CALLS_ROW, effects=External(calls={OrderPlaced: die}), now=lapsed)
        assert dead(source) == {"m1": "expired"}

    def test_what_somebody_is_calling_for_is_waited_for(self, consume: Consume, source: RememberingSource) -> None:
        """A copy comes a moment too late, while the one in time is at it: nothing is both applied and dead-lettered."""
        meanwhile: list[dict[str, str]] = []

        def call(*_: Any) -> None:
            effects = External(calls={OrderPlaced: lambda _m, _k: None})
            meanwhile.append(outcomes(consume(old(MAX_AGE_SECONDS), row=CALLS_ROW, effects=effects, now=NOW + 1)))

        ledger = consume(old(MAX_AGE_SECONDS), row=CALLS_ROW, effects=External(calls={OrderPlaced: call}))
        assert (outcomes(ledger), meanwhile) == ({"m1": "applied"}, [{"m1": "retry"}])
        assert source.dead_letters == []

    def test_who_can_not_look_does_not_judge(self, consume: Consume, dynamodb: Wire, source: RememberingSource) -> None:
        """Without an answer, or without time to ask, the record comes again."""
        dynamodb.before["batch_get_item"] = [refuse("AccessDeniedException")]
        ledger = consume(old(MAX_AGE_SECONDS + 1), row=EXPIRING_ROW)
        assert [(v.outcome, v.reason) for _, v in ledger.verdicts()] == [("retry", RetryLater.__name__)]
        dynamodb.calls.clear()
        ledger = consume(old(MAX_AGE_SECONDS + 1), row=EXPIRING_ROW, remaining_seconds=RESERVE_SECONDS)
        assert outcomes(ledger) == {"m1": "retry"}
        assert (dynamodb.calls, source.dead_letters) == ([], [])


class TestMarkers:
    """A marker outlives every moment at which its event is accepted."""

    @pytest.mark.fault(29, 37)
    @pytest.mark.parametrize(
        ("age_seconds", "counts_from"),
        [(1_000, NOW), (0, NOW), (-1_000, NOW + 1_000)],
        ids=["late", "now", "ahead"],
    )
    @pytest.mark.parametrize("external", [False, True], ids=["transaction", "call"])
    def test_its_life_counts_from_the_later_of_now_and_the_events_time(
        self, consume: Consume, dynamodb: Wire, age_seconds: int, counts_from: float, external: bool
    ) -> None:
        """Of the derived length, from when it is written; a clock that is ahead makes it later."""
        row = Subscription(consumer="caller", events=(OrderPlaced,), calls=("ses:SendEmail",)) if external else ROW
        seen: list[int] = []
        calls = External(calls={OrderPlaced: lambda _m, _k: seen.extend(expirations(dynamodb))})
        consume(old(age_seconds), row=row, effects=calls if external else COUNT)
        expected = int(counts_from) + row.marker_lifetime_seconds
        assert expirations(dynamodb) == [expected]
        assert seen == [expected] * external  # the claim itself, before it was completed

    @pytest.mark.fault(37)
    def test_it_is_there_for_as_long_as_a_duplicate_is_accepted(self, consume: Consume, dynamodb: Wire) -> None:
        """A day longer than the oldest event that anybody takes, wherever the event's clock stands."""
        for hours in (-30, 0, 30):
            consume(old(hours * 3_600, f"m{hours}", order_id=f"{hours + 50}"))
            last_accepted = NOW - min(hours, 0) * 3_600 + ROW.oldest_event_seconds
            assert max(expirations(dynamodb)) >= last_accepted + DAY_SECONDS - 1

    @pytest.mark.fault(38)
    def test_an_item_that_expired_and_still_lies_there_is_obeyed(self, consume: Consume, dynamodb: Wire) -> None:
        """TTL may run days late: who is there is there, whatever its date says."""
        consume(delivery(order(), "m1", fifo=False))
        (marker,) = dynamodb.scan(TableName="inbox")["Items"]
        dynamodb.put_item(TableName="inbox", Item={**marker, EXPIRATION: {"N": "1"}})
        assert outcomes(consume(delivery(order(), "m2", fifo=False))) == {"m2": "duplicate"}
