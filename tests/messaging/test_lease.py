"""External effects: one worker at a time, every write fenced, the same event done once unless a worker died."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from messaging.batch import Delivery, Ledger, Work
from messaging.effects import External
from messaging.errors import Poison
from messaging.events import OrderPlaced
from messaging.lease import MAX_ATTEMPTS, Claim, Leases
from messaging.message import Message, decode
from messaging.reads import Reader
from messaging.subscription import RESERVE_SECONDS, Subscription
from tests.doubles import RememberingSource, Wire, lose_reply, refuse
from tests.factories import NOW, delivery, order
from tests.messaging import consuming
from tests.messaging.consuming import TABLE_NAMES, outcomes

ROW = Subscription(consumer="notifications", events=(OrderPlaced,), calls=("ses:SendEmail",))
FIFO_ROW = Subscription(consumer="notifications", events=(OrderPlaced,), calls=("ses:SendEmail",), ordering="group")
LAPSED = NOW + ROW.lease_seconds + 1


def leases(client: Any, *, owner: str = "me", now: float = NOW) -> Leases:
    return Leases(
        client,
        reader=Reader(client, tables=TABLE_NAMES),
        table="inbox",
        subscription=ROW,
        clock=lambda: now,
        sleep=lambda _: None,
        new_owner=lambda: owner,
    )


def works(*order_ids: str, delivery_prefix: str = "m", **changes: Any) -> list[Work]:
    deliveries = [delivery(order(each, **changes), delivery_prefix + each, fifo=False) for each in order_ids]
    return [Work(each, decode(each.body)) for each in deliveries]


class TestLeases:
    """Claim, take over, complete, release."""

    def test_a_batch_is_claimed_and_completed_in_two_round_trips(self, engine_dynamodb: Wire) -> None:
        """Ten events, one call each way."""
        mine = leases(engine_dynamodb)
        batch = works(*map(str, range(10)))
        assert mine.claim(batch) == [Claim.MINE] * 10
        assert mine.complete(batch) == [True] * 10
        assert engine_dynamodb.calls == ["batch_execute_statement"] * 2

    def test_a_completed_event_is_a_duplicate_or_ones_own_work(self, engine_dynamodb: Wire) -> None:
        """Another delivery is a duplicate; the same delivery again was a lost acknowledgement."""
        batch = works("1")
        leases(engine_dynamodb).claim(batch)
        leases(engine_dynamodb).complete(batch)
        other = leases(engine_dynamodb, owner="other")
        assert other.claim(works("1", delivery_prefix="resent")) == [Claim.DUPLICATE]
        assert other.claim(batch) == [Claim.APPLIED]

    @pytest.mark.fault(7)
    def test_a_held_lease_is_busy(self, engine_dynamodb: Wire) -> None:
        """Nobody else may call while the holder may still be calling."""
        leases(engine_dynamodb).claim(works("1"))
        assert leases(engine_dynamodb, owner="other").claim(works("1")) == [Claim.BUSY]

    @pytest.mark.fault(27, 30)
    def test_a_lapsed_lease_is_taken_over_once(self, engine_dynamodb: Wire) -> None:
        """Two workers find it lapsed at the same moment: compare-and-swap lets one through."""
        leases(engine_dynamodb).claim(works("1"))
        second, third = (leases(engine_dynamodb, owner=owner, now=LAPSED) for owner in ("second", "third"))
        lost: list[list[Claim]] = []
        # between the third's look and its take-over the second takes over
        engine_dynamodb.after["batch_get_item"] = [lambda _: lost.append(second.claim(works("1")))]
        assert third.claim(works("1")) == [Claim.BUSY]
        assert lost == [[Claim.MINE]]

    @pytest.mark.fault(29, 30)
    def test_a_worker_that_lost_its_lease_completes_nothing(self, engine_dynamodb: Wire) -> None:
        """Its late completion is fenced off; the new owner's stands."""
        late, now = leases(engine_dynamodb, owner="late"), leases(engine_dynamodb, owner="now", now=LAPSED)
        late.claim(works("1"))
        assert now.claim(works("1")) == [Claim.MINE]
        assert late.complete(works("1")) == [False]
        late.release(works("1"))
        assert now.complete(works("1")) == [True]

    def test_a_released_claim_can_be_had_at_once(self, engine_dynamodb: Wire) -> None:
        """A failed call does not make the next attempt wait."""
        mine = leases(engine_dynamodb)
        mine.claim(works("1"))
        mine.release(works("1"))
        assert leases(engine_dynamodb, owner="other").claim(works("1")) == [Claim.MINE]

    @pytest.mark.fault(30)
    def test_a_release_never_deletes_a_completed_marker(self, engine_dynamodb: Wire) -> None:
        """What is done stays done."""
        mine = leases(engine_dynamodb)
        mine.claim(works("1"))
        mine.complete(works("1"))
        mine.release(works("1"))
        assert leases(engine_dynamodb, owner="other").claim(works("1", delivery_prefix="x")) == [Claim.DUPLICATE]

    @pytest.mark.fault(47)
    def test_an_event_with_other_contents_is_tampered(self, engine_dynamodb: Wire) -> None:
        """The payload hash is checked on claims too."""
        leases(engine_dynamodb).claim(works("1"))
        assert leases(engine_dynamodb, owner="other").claim(works("1", priority="high")) == [Claim.TAMPERED]

    def test_a_lease_left_behind_by_the_same_process_is_somebody_elses(self, engine_dynamodb: Wire) -> None:
        """Its call may still have happened: the process waits for the lease to lapse like everybody."""
        owners = iter("abcdef")
        mine = Leases(
            engine_dynamodb,
            reader=Reader(engine_dynamodb, tables={"inbox": "inbox"}),
            table="inbox",
            subscription=ROW,
            clock=lambda: NOW,
            sleep=lambda _: None,
            new_owner=lambda: next(owners),
        )
        assert mine.claim(works("1")) == [Claim.MINE]
        assert mine.claim(works("1")) == [Claim.BUSY]

    def test_without_time_no_second_round_trip_is_begun(self, engine_dynamodb: Wire) -> None:
        """Neither the look at the holder nor a repeat of what was throttled."""
        leases(engine_dynamodb, owner="other").claim(works("1"))
        engine_dynamodb.calls.clear()
        assert leases(engine_dynamodb).claim(works("1"), lambda: False) == [Claim.UNKNOWN]
        engine_dynamodb.before["batch_execute_statement"] = [refuse("ThrottlingException")] * 9
        assert leases(engine_dynamodb).claim(works("2"), lambda: False) == [Claim.UNKNOWN]
        assert engine_dynamodb.calls == ["batch_execute_statement"] * 2

    @pytest.mark.fault(32)
    def test_a_claim_whose_answer_was_lost_is_still_ours(self, engine_dynamodb: Wire) -> None:
        """The repeat finds our own owner."""
        engine_dynamodb.after["batch_execute_statement"] = [lose_reply]
        assert leases(engine_dynamodb).claim(works("1")) == [Claim.MINE]

    @pytest.mark.fault(32)
    def test_a_completion_whose_answer_was_lost_is_done(self, engine_dynamodb: Wire) -> None:
        """The repeat succeeds on what is completed already."""
        mine = leases(engine_dynamodb)
        mine.claim(works("1"))
        engine_dynamodb.after["batch_execute_statement"] = [lose_reply]
        assert mine.complete(works("1")) == [True]

    @pytest.mark.fault(31, 35)
    def test_a_throttle_hidden_in_an_http_200_is_retried_for_its_statement_alone(self, engine_dynamodb: Wire) -> None:
        """The statement that went through is not repeated."""
        throttled = {"Responses": [{"TableName": "inbox"}, {"Error": {"Code": "ThrottlingError"}}]}
        engine_dynamodb.replies["batch_execute_statement"] = [throttled]
        mine = leases(engine_dynamodb)
        assert mine.claim(works("1", "2")) == [Claim.MINE, Claim.MINE]
        assert engine_dynamodb.scan(TableName="inbox")["Count"] == 1  # only the second was really sent

    @pytest.mark.fault(31)
    def test_endless_throttling_is_unknown(self, engine_dynamodb: Wire) -> None:
        """Bounded, and never taken for a claim."""
        engine_dynamodb.before["batch_execute_statement"] = [refuse("ThrottlingException")] * 99
        assert leases(engine_dynamodb).claim(works("1")) == [Claim.UNKNOWN]
        assert len(engine_dynamodb.calls) == MAX_ATTEMPTS

    def test_many_events_take_a_call_for_each_25(self, engine_dynamodb: Wire) -> None:
        """BatchExecuteStatement's limit."""
        assert set(leases(engine_dynamodb).claim(works(*map(str, range(60))))) == {Claim.MINE}
        assert engine_dynamodb.calls == ["batch_execute_statement"] * 3


class Killed(BaseException):
    """The function's process dies."""


class Provider:
    """Somebody who is called; raises what `failures` holds for an order."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.failures: dict[str, BaseException] = {}

    def __call__(self, message: Message[Any], idempotency_key: str) -> None:
        if message.event.order_id in self.failures:
            raise self.failures[message.event.order_id]
        self.keys.append(idempotency_key)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def consume(engine_dynamodb: Wire, provider: Provider, source: RememberingSource) -> Callable[..., Ledger]:
    def process(
        deliveries: Sequence[Delivery],
        *,
        row: Subscription = ROW,
        remaining_seconds: Callable[[], float] = lambda: 5.0,
        owner: str = "me",
        now: float = NOW,
        **options: Any,
    ) -> Ledger:
        return consuming.process(
            engine_dynamodb,
            source,
            *deliveries,
            effects=External(calls={OrderPlaced: provider}, **options),
            subscription=row,
            remaining_seconds=remaining_seconds,
            owner=owner,
            now=now,
        )

    return process


def claims(client: Any) -> int:
    """How many claims there are, completed or not."""
    return sum("status" in item for item in client.scan(TableName="inbox")["Items"])


class TestCalls:
    """The calls of one batch."""

    def test_each_event_is_called_once_with_its_key(self, consume: Callable[..., Ledger], provider: Provider) -> None:
        """The key is consumer and event; the same event twice in a batch runs once."""
        batch = [delivery(order("1"), "m1", fifo=False), delivery(order("1"), "m2", fifo=False)]
        assert outcomes(consume(batch)) == {"m1": "applied", "m2": "duplicate"}
        assert provider.keys == ["notifications#OrderPlaced-1"]

    @pytest.mark.fault(27)
    @pytest.mark.parametrize(("calls_per_completion", "again"), [(1, 0), (2, 1), (None, 3)])
    def test_a_crash_repeats_only_what_was_not_recorded(
        self, consume: Callable[..., Ledger], provider: Provider, calls_per_completion: int | None, again: int
    ) -> None:
        """Killed in the fourth of five calls: three were made, the unrecorded ones come again."""
        batch = [delivery(order(n), f"m{n}", fifo=False) for n in "12345"]
        provider.failures["4"] = Killed()
        with pytest.raises(Killed):
            consume(batch, calls_per_completion=calls_per_completion)
        provider.failures.clear()
        ledger = consume(batch, owner="next", now=LAPSED, calls_per_completion=calls_per_completion)
        assert set(outcomes(ledger).values()) == {"applied"}
        assert len(provider.keys) == 5 + again

    @pytest.mark.fault(12)
    def test_a_failing_call_fails_alone_and_may_be_tried_at_once(
        self, consume: Callable[..., Ledger], provider: Provider
    ) -> None:
        """Its claim is released, its neighbours are completed."""
        batch = [delivery(order(n), f"m{n}", fifo=False) for n in "123"]
        provider.failures["2"] = ConnectionError("down")
        assert outcomes(consume(batch)) == {"m1": "applied", "m2": "retry", "m3": "applied"}
        provider.failures.clear()
        assert outcomes(consume(batch[1:2], owner="next")) == {"m2": "applied"}
        assert len(provider.keys) == 3

    def test_a_call_may_find_the_message_poison(
        self, consume: Callable[..., Ledger], provider: Provider, source: RememberingSource
    ) -> None:
        """A rejected e-mail is parked with its reason."""
        provider.failures["1"] = Poison("rejected")
        assert outcomes(consume([delivery(order("1"), fifo=False)])) == {"m1": "dead_lettered"}
        assert source.dead_letters[0][1]["detail"] == "rejected"

    @pytest.mark.fault(10)
    def test_in_a_group_nothing_is_called_after_a_failure(
        self, consume: Callable[..., Ledger], provider: Provider, engine_dynamodb: Wire
    ) -> None:
        """The claims of what was held back are released too."""
        provider.failures["1"] = ConnectionError("down")
        batch = [delivery(order(n), f"m{n}") for n in "12"]
        assert outcomes(consume(batch, row=FIFO_ROW)) == {"m1": "retry", "m2": "held_back"}
        assert provider.keys == []
        assert claims(engine_dynamodb) == 0

    def test_what_there_is_no_time_for_is_handed_back_unclaimed(
        self, consume: Callable[..., Ledger], provider: Provider, engine_dynamodb: Wire
    ) -> None:
        """The first is called and completed, the second released."""
        batch = [delivery(order(n), f"m{n}", fifo=False) for n in "12"]
        ledger = consume(batch, remaining_seconds=lambda: RESERVE_SECONDS + 0.1 if provider.keys else 5.0)
        assert outcomes(ledger) == {"m1": "applied", "m2": "retry"}
        assert len(provider.keys) == 1
        assert claims(engine_dynamodb) == 1

    def test_a_completion_that_cannot_be_recorded_is_no_success(
        self, consume: Callable[..., Ledger], engine_dynamodb: Wire
    ) -> None:
        """The record comes back; after the lease somebody calls again: at least once, said aloud."""
        engine_dynamodb.after["batch_execute_statement"] = [
            lambda _: engine_dynamodb.before.update(batch_execute_statement=[refuse("ThrottlingException")] * 9)
        ]
        assert outcomes(consume([delivery(order("1"), fifo=False)])) == {"m1": "retry"}

    def test_a_busy_event_comes_back_later(
        self, consume: Callable[..., Ledger], engine_dynamodb: Wire, provider: Provider, source: RememberingSource
    ) -> None:
        """Another worker is at it: neither called nor acknowledged."""
        leases(engine_dynamodb, owner="other").claim(works("1"))
        assert outcomes(consume([delivery(order("1"), fifo=False)])) == {"m1": "retry"}
        assert provider.keys == []
        assert [list(delays) for delays in source.postponed] == [["m1"]]

    def test_two_contents_under_one_id_in_a_batch_are_a_conflict(
        self, consume: Callable[..., Ledger], source: RememberingSource
    ) -> None:
        """The first is called, the other parked."""
        batch = [delivery(order("1"), "m1", fifo=False), delivery(order("1", priority="high"), "m2", fifo=False)]
        assert outcomes(consume(batch)) == {"m1": "applied", "m2": "dead_lettered"}
        assert source.dead_letters[0][1]["reason"] == "conflict"
