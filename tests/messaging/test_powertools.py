"""Records of Powertools' idempotency utility: what is done for it is done for us, and the other way round."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError

from messaging.batch import Delivery, Ledger
from messaging.effects import Add, Create, Effect, External, Key, Transactional
from messaging.errors import TopologyError
from messaging.events import OrderPlaced
from messaging.subscription import Subscription
from messaging.topic import Topic
from tests.doubles import RememberingSource, Wire
from tests.factories import body, delivery, order
from tests.messaging import consuming
from tests.messaging.consuming import in_memory, outcomes

PREFIX = "shop.orders"
COUNT = Transactional(functions={OrderPlaced: lambda _m, _v: Effect((Add(Key("revenue", "total", "0"), "amount", 1),))})
CALLS_ROW = Subscription(consumer="caller", events=(OrderPlaced,), calls=("ses:SendEmail",), powertools_prefix=PREFIX)

Handle = Callable[..., Any]


def row(prefix: str | None = PREFIX, **options: Any) -> Subscription:
    return Subscription(
        consumer="counter", events=(OrderPlaced,), writes=("revenue", "orders"), powertools_prefix=prefix, **options
    )


class Context:
    """As much of Lambda's context as Powertools asks for."""

    def get_remaining_time_in_millis(self) -> int:
        return 5_000


@pytest.fixture
def dynamodb(moto_dynamodb: Wire) -> Wire:
    """Powertools makes a client of its own."""
    return moto_dynamodb


@pytest.fixture
def handled() -> list[str]:
    """Whatever Powertools' function was run for."""
    return []


@pytest.fixture
def handle(dynamodb: Wire, handled: list[str]) -> Handle:
    """A function that was idempotent by Powertools, its key the event's id, its table our inbox."""
    # Its own client: it registers itself in the client's user agent.
    layer = DynamoDBPersistenceLayer(table_name="inbox", boto3_client=boto3.client("dynamodb"))
    context: Any = Context()
    config = IdempotencyConfig(event_key_jmespath="powertools_json(body).id", lambda_context=context)

    def handler(*, record: dict[str, Any], inside: Callable[[], None] = lambda: None) -> str:
        handled.append(record["messageId"])
        inside()
        return "done"

    return idempotent(handler, layer, config, key_prefix=PREFIX)


def idempotent(function: Handle, layer: DynamoDBPersistenceLayer, config: IdempotencyConfig, **options: Any) -> Handle:
    """The function under Powertools' decorator."""
    decorated: Handle = idempotent_function(
        function, data_keyword_argument="record", persistence_store=layer, config=config, **options
    )
    return decorated


def record(order_id: str = "1") -> dict[str, Any]:
    """What Powertools' function gets of an event."""
    return {"messageId": f"m{order_id}", "body": body(order(order_id), time=time.time())}


def copied(dynamodb: Wire) -> Wire:
    """A world that holds the very records that Powertools has written."""
    client = in_memory()
    for item in dynamodb.scan(TableName="inbox")["Items"]:
        client.put_item(TableName="inbox", Item=item)
    return Wire(client)


def process(
    client: Wire,
    source: RememberingSource,
    *deliveries: Delivery,
    effects: Transactional | External = COUNT,
    subscription: Subscription | None = None,
) -> Ledger:
    """Powertools knows only the real time."""
    return consuming.process(
        client, source, *deliveries, effects=effects, subscription=subscription or row(), now=time.time()
    )


def batch(*order_ids: str) -> list[Delivery]:
    return [delivery(record(each)["body"], f"ours{each}", fifo=False) for each in order_ids]


class TestTheirs:
    """What Powertools has written."""

    def test_what_it_has_completed_is_a_duplicate(
        self, handle: Handle, dynamodb: Wire, source: RememberingSource
    ) -> None:
        """Alone at the price of the commit that finds out, among others at that of any duplicate."""
        handle(record=record("1"))
        assert outcomes(process(dynamodb, source, *batch("1"))) == {"ours1": "duplicate"}
        assert dynamodb.calls == ["transact_write_items"]
        dynamodb.calls.clear()
        ledger = process(dynamodb, source, *batch("1", "2"))
        assert outcomes(ledger) == {"ours1": "duplicate", "ours2": "applied"}
        assert dynamodb.calls == ["transact_write_items"] * 2

    def test_also_where_an_item_would_be_its_own_marker(
        self, handle: Handle, dynamodb: Wire, source: RememberingSource
    ) -> None:
        """Only under its own key does its record say anything."""
        handle(record=record("1"))
        keep = Transactional(
            functions={OrderPlaced: lambda m, _: Effect((Create(Key("orders", m.event.order_id, m.id), {}),))}
        )
        client = copied(dynamodb)
        assert outcomes(process(client, source, *batch("1"), effects=keep)) == {"ours1": "duplicate"}
        assert client.scan(TableName="orders")["Items"] == []

    def test_also_where_it_was_a_call(self, handle: Handle, dynamodb: Wire, source: RememberingSource) -> None:
        """Nobody is called again; its claim finds out, and one look."""
        handle(record=record("1"))
        called: list[str] = []
        effects = External(calls={OrderPlaced: lambda message, _: called.append(message.id)})
        client = copied(dynamodb)
        ledger = process(client, source, *batch("1", "2"), effects=effects, subscription=CALLS_ROW)
        assert outcomes(ledger) == {"ours1": "duplicate", "ours2": "applied"}
        assert called == ["OrderPlaced-2"]
        assert client.calls == ["batch_execute_statement", "batch_get_item", "batch_execute_statement"]

    def test_also_when_it_comes_too_late(self, handle: Handle, dynamodb: Wire, source: RememberingSource) -> None:
        """A late repeat of what Powertools did in time is no dead letter."""
        handle(record={"messageId": "m1", "body": body(order("1"), time=time.time() - 600)})
        late = delivery(body(order("1"), time=time.time() - 600), "late", fifo=False)
        ledger = process(dynamodb, source, late, subscription=row(max_age_seconds=300))
        assert outcomes(ledger) == {"late": "duplicate"}

    @pytest.mark.parametrize("external", [False, True], ids=["transaction", "call"])
    def test_what_it_has_in_progress_is_waited_for(
        self, handle: Handle, dynamodb: Wire, source: RememberingSource, external: bool
    ) -> None:
        """Handed back with a delay, neither applied nor called; when it has completed, a duplicate."""
        called: list[str] = []
        effects = External(calls={OrderPlaced: lambda message, _: called.append(message.id)}) if external else COUNT
        subscription = CALLS_ROW if external else row()
        while_it_runs: list[Ledger] = []

        def come_in() -> None:
            client = copied(dynamodb) if external else dynamodb
            while_it_runs.append(process(client, source, *batch("1"), effects=effects, subscription=subscription))

        handle(record=record("1"), inside=come_in)
        assert [outcomes(each) for each in while_it_runs] == [{"ours1": "retry"}]
        assert [list(delays) for delays in source.postponed] == [["ours1"]]
        ledger = process(copied(dynamodb), source, *batch("1"), effects=effects, subscription=subscription)
        assert outcomes(ledger) == {"ours1": "duplicate"}
        assert (called, source.dead_letters) == ([], [])

    def test_what_failed_for_it_is_ours_to_do(self, handle: Handle, dynamodb: Wire, source: RememberingSource) -> None:
        """It deletes its record then."""

        def fail() -> None:
            raise ConnectionError

        with pytest.raises(ConnectionError):
            handle(record=record("1"), inside=fail)
        assert outcomes(process(dynamodb, source, *batch("1"))) == {"ours1": "applied"}

    def test_the_prefix_that_it_makes_up_itself(
        self, dynamodb: Wire, source: RememberingSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The function's name in Lambda and its qualified name: what the README calls before the `#`."""
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop-orders")
        layer = DynamoDBPersistenceLayer(table_name="inbox", boto3_client=boto3.client("dynamodb"))
        context: Any = Context()
        config = IdempotencyConfig(event_key_jmespath="powertools_json(body).id", lambda_context=context)

        def handler(*, record: dict[str, Any]) -> str:
            return "done"

        handle = idempotent(handler, layer, config)
        handle(record=record("1"))
        ours = row(f"shop-orders.{handler.__module__}.{handler.__qualname__}")
        assert outcomes(process(dynamodb, source, *batch("1"), subscription=ours)) == {"ours1": "duplicate"}

    def test_a_row_without_the_prefix_knows_nothing_of_it(
        self, handle: Handle, dynamodb: Wire, source: RememberingSource
    ) -> None:
        """Nor one with another prefix."""
        handle(record=record("1"))
        for number, prefix in enumerate((None, "shop.returns")):
            ledger = process(dynamodb, source, delivery(record("1")["body"], f"m{number}"), subscription=row(prefix))
            assert outcomes(ledger) == {f"m{number}": "applied"}


class TestOurs:
    """What we have written, while functions of both kinds still run."""

    def test_what_we_have_applied_is_done_for_it(
        self, handle: Handle, handled: list[str], dynamodb: Wire, source: RememberingSource
    ) -> None:
        """It does not run its function, and has no answer of it to give."""
        process(dynamodb, source, *batch("1"))
        assert handle(record=record("1")) is None
        assert handled == []

    def test_what_we_have_claimed_is_in_progress_for_it(
        self, handle: Handle, handled: list[str], dynamodb: Wire, source: RememberingSource
    ) -> None:
        """It raises, so its record comes again; later the call is done for it too."""
        client = Wire(in_memory())

        def hand_over() -> None:
            for item in client.scan(TableName="inbox")["Items"]:
                dynamodb.put_item(TableName="inbox", Item=item)

        def call(*_: Any) -> None:
            hand_over()
            with pytest.raises(IdempotencyAlreadyInProgressError):
                handle(record=record("1"))

        effects = External(calls={OrderPlaced: call})
        ledger = process(client, source, *batch("1"), effects=effects, subscription=CALLS_ROW)
        assert outcomes(ledger) == {"ours1": "applied"}
        hand_over()
        handle(record=record("1"))
        assert handled == []


def test_two_rows_with_one_prefix_are_refused() -> None:
    """Each would take the other's markers for its own; rows without one share nothing."""
    with pytest.raises(TopologyError, match="powertools_prefix"):
        Topic(name="t", subscriptions=(row(), CALLS_ROW))
    Topic(name="t", subscriptions=(row(None), Subscription(consumer="other", events=(OrderPlaced,))))
