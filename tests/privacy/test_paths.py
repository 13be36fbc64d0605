"""No log, metric, trace, dead letter's attribute, record or error holds anything of a payload, whatever comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from messaging import consumer, outgoing
from messaging.batch import Ledger, Verdict
from messaging.errors import REASONS
from messaging.journal import tell_records
from messaging.telemetry import tell_batch
from tests.privacy.shop import GIVEN_UP, PATHS, SECRET, UNDELIVERED, Path, Shop, ends, open_shop, order


def sights(shop: Shop) -> Iterator[tuple[str, str]]:
    """All that people and machines read about messages, by the place where they do; not the messages."""
    world = shop.world
    yield "logs, metrics, answers and errors of functions", shop.output.text
    for name in world.deployed:
        for letters in (world.dead_letters(name), world.undelivered(name)):
            for letter in letters:
                told = {"attributes": letter.message.attributes, "group": letter.message.group}
                yield "attributes of a dead letter", repr(told)
    for item in world.items("inbox"):
        yield "markers, leases and failure records", repr(item)
    for item in world.items("outbox"):
        yield "what is noted of a message that can't be sent", repr({**item, "messages": None})
    for report in world.reports:
        yield "a publisher's report", repr(report)
    for message in world._services.accepted:
        yield "traces", repr([json.loads(message).get(name) for name in ("traceparent", "tracestate")])


def leaks(shop: Shop) -> set[str]:
    """Where the canary is."""
    return {place for place, text in sights(shop) if SECRET in text}


@pytest.mark.fault(63)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_the_canary_is_nowhere(path: Path) -> None:
    """It has gone its way, and nobody has told of it."""
    shop = open_shop()
    path.take(shop)
    assert path.end in {*ends(shop.world, path.consumer)}
    assert leaks(shop) == set()
    assert f'"service":"{path.consumer}-' in shop.output.text or path.end == UNDELIVERED


@pytest.mark.fault(63)
@pytest.mark.parametrize("code", ["ValidationException", "BadRequestException", "InvalidParameter", "InternalError"])
def test_what_aws_repeats_in_its_errors_is_not_repeated(code: str) -> None:
    """Every operation of every function fails once, with the whole request in the error."""
    shop = open_shop(echoes=code)
    shop.world.publish(order(), order("1002", priority="high"))
    shop.world.send("inventory", SECRET)
    shop.world.run()
    assert "applied" in {*ends(shop.world, "inventory")}
    operations = {"send_message", "transact_write_items", "batch_execute_statement", "publish_batch", "send_email"}
    assert shop.output.echoed >= operations
    assert leaks(shop) == set()


def test_every_reason_has_its_path() -> None:
    """And so has what SQS and SNS give up."""
    assert {path.end for path in PATHS} >= {*REASONS, GIVEN_UP, UNDELIVERED, "applied", "duplicate", "retry"}


def _tells_of_foreign_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    reject = consumer._FailurePolicy.reject

    def telling(self: Any, delivery: Any, error: Exception) -> None:
        if isinstance(error, ValueError):
            self._ledger.settle(delivery, Verdict("retry", type(error).__name__, str(error)))
        else:
            reject(self, delivery, error)

    monkeypatch.setattr(consumer._FailurePolicy, "reject", telling)


def _keeps_the_body_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "_instant", lambda _: SECRET)


def _counts_by_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def counting(ledger: Ledger, metrics: Any, *, seconds: float) -> None:
        for delivery in ledger.deliveries:
            metrics.add_dimension("Place", json.loads(delivery.body)["data"]["ship_to"]["city"])
        tell_batch(ledger, metrics, seconds=seconds)

    monkeypatch.setattr("lambdas.runtime.tell_batch", counting)


def _stops_with_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(ledger: Ledger, log: Any, *, consumer: str) -> None:
        if consumer == "ledger":  # which gives up soon
            raise RuntimeError(ledger.deliveries[0].body)
        tell_records(ledger, log, consumer=consumer)

    monkeypatch.setattr("lambdas.runtime.tell_records", stop)


def _logs_what_the_relay_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambdas.relay.tell_sent", lambda message, log: log.info(message.body))


def _takes_any_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = outgoing.prepare

    def traced(*arguments: Any, **named: Any) -> outgoing.Outgoing:
        prepared = prepare(*arguments, **named)
        return outgoing.Outgoing(
            event_id=prepared.event_id,
            event_type=prepared.event_type,
            group=prepared.group,
            body=json.dumps({**json.loads(prepared.body), "traceparent": f"00-{SECRET}"}),
            attributes=prepared.attributes,
        )

    monkeypatch.setattr("messaging.publisher.prepare", traced)


FUNCTIONS, LETTERS = "logs, metrics, answers and errors of functions", "attributes of a dead letter"
PLANTED: dict[Callable[[pytest.MonkeyPatch], None], tuple[str, set[str]]] = {
    _tells_of_foreign_errors: ("a bug that tells", {FUNCTIONS, "markers, leases and failure records"}),
    _keeps_the_body_with_the_reason: ("one id, two contents", {LETTERS}),
    _counts_by_place: ("an order of high priority", {FUNCTIONS}),
    _stops_with_the_body: ("applied in a transaction", {FUNCTIONS}),
    _logs_what_the_relay_sends: ("refused, and told of by the relay", {FUNCTIONS}),
    _takes_any_trace: ("applied in a transaction", {"traces"}),
}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__.strip("_"))
def test_a_planted_leak_is_found(plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """In each of the places where it could be."""
    plant(monkeypatch)
    name, where = PLANTED[plant]
    shop = open_shop()
    (path,) = (each for each in PATHS if each.name == name)
    path.take(shop)
    assert leaks(shop) >= where
