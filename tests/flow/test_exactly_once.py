"""Two thousand orders while functions are killed: every effect exactly once, and only bad messages dead."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from local import engine as local_engine
from local import processes
from local.demo.places import Places
from local.demo.publishing import cancellations, sequences
from local.demo.stock import initial_units, seed_stock
from local.deployment import Deployment
from local.engine import Engine
from messaging.events import OrderPlaced
from messaging.outgoing import Draft
from messaging.samples.orders import generate_orders, generate_stock
from messaging.tables import STOCK
from messaging.topology import ORDERS
from tests.flow.commit_killer import PHASES, CommitKiller
from tests.flow.conftest import KILLER_CITY, KILLER_CONSUMERS
from tests.flow.observing import (
    Totals,
    assert_order_per_customer,
    dead_letters,
    drained,
    publish,
    wait_for,
)

SEED = 7
ORDERS_PLACED = 2_000
CANCELLED = 100
DUPLICATES = 100  # 5 %
POISON = 20  # 1 %
KILLS_IN_COMMITS, KILLS_ANYWHERE = 12, 8
KILLS = KILLS_IN_COMMITS + KILLS_ANYWHERE
COMMITS_A_KILL = 30
# A killed function's messages come back after this; the deployed 31 s would only make the test longer.
VISIBILITY_SECONDS = 6


def placed_orders() -> tuple[list[OrderPlaced], OrderPlaced]:
    """Good orders, and among them the one that kills: its customer has others before and after it."""
    # Customers of this test alone: a group's cursor stays where another test has left it.
    orders = [
        msgspec.structs.replace(each, customer_id=f"{each.customer_id}-{SEED}")
        for each in generate_orders(ORDERS_PLACED, seed=SEED)
    ]
    position = next(n for n in range(len(orders) // 20, len(orders)) if orders[n].priority == "standard")
    fatal = msgspec.structs.replace(
        orders[position], ship_to=msgspec.structs.replace(orders[position].ship_to, city=KILLER_CITY)
    )
    orders[position] = fatal
    return orders, fatal


@contextmanager
def short_visibility(deployment: Deployment, places: Places) -> Iterator[None]:
    sqs = deployment.client("sqs")
    before = {
        url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
        for url in places.queue_urls
    }
    for url in before:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)})
    try:
        yield
    finally:
        for url, attributes in before.items():
            sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)


@contextmanager
def through(endpoint: str, deployment: Deployment, places: Places) -> Iterator[None]:
    """Functions reach DynamoDB by another way."""
    functions = deployment.client("lambda")
    names = [places.function(consumer) for consumer in places.consumers]
    before = {
        name: functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"] for name in names
    }
    for name, variables in before.items():
        changed = {**variables, "AWS_ENDPOINT_URL_DYNAMODB": endpoint}
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": changed})
    try:
        yield
    finally:
        for name, variables in before.items():
            functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


@contextmanager
def killing_anywhere(running: Engine, killed: list[int]) -> Iterator[None]:
    """Kills processes of functions now and then, whatever they do."""
    stop = threading.Event()

    def kill() -> None:
        while len(killed) < KILLS_ANYWHERE and not stop.wait(1.0):
            functions = local_engine.function_processes(running)
            # another function each time, and never all at once: the engine replaces them one by one
            victim = functions[len(killed) % len(functions)] if functions else None
            if victim is not None and processes.send(victim, signal.SIGKILL):
                killed.append(victim.pid)

    thread = threading.Thread(target=kill, name="killer")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def poison(deployment: Deployment, places: Places, orders: list[OrderPlaced]) -> dict[str, set[str]]:
    """Malformed messages into every queue, in groups that good messages are in; their bodies by consumer."""
    sqs = deployment.client("sqs")
    sent: dict[str, set[str]] = {consumer: set() for consumer in places.consumers}
    for number in range(POISON):
        consumer = places.consumers[number % len(places.consumers)]
        text = f"}}{{ {SEED}-{number}"
        request: dict[str, Any] = {"QueueUrl": places.queue_url(consumer), "MessageBody": text}
        if ORDERS.subscription(consumer).fifo:
            request |= {"MessageGroupId": orders[number * 50].customer_id, "MessageDeduplicationId": f"poison-{number}"}
        sqs.send_message(**request)
        sent[consumer].add(text)
    return sent


@pytest.mark.fault(1, 2, 4, 21, 22, 23, 25)
def test_two_thousand_orders_while_functions_are_killed(
    deployment: Deployment, places: Places, running: Engine
) -> None:
    """Killed before, during and after commits and anywhere else; with resends, poison and one order that kills."""
    orders, fatal = placed_orders()
    cancelled = [each for each in cancellations(orders, CANCELLED, SEED) if each.order_id != fatal.order_id]
    numbers = sequences(orders)
    drafts: list[Any] = [Draft(event=each, sequence=numbers[each.event_id]) for each in orders]
    stock = generate_stock([line.sku for each in orders for line in each.lines], SEED)
    seed_stock(deployment.client("dynamodb"), places.table(STOCK), initial_units(stock, orders, scarce=True))
    before = Totals(deployment, places)
    parked = {consumer: Counter(bodies(deployment, places, consumer)) for consumer in places.consumers}
    killer = CommitKiller(
        deployment.endpoint,
        lambda: local_engine.function_processes(running),
        kills=KILLS_IN_COMMITS,
        interval=COMMITS_A_KILL,
    )
    killed: list[int] = []
    with ExitStack() as stack:
        stack.enter_context(short_visibility(deployment, places))
        stack.enter_context(through(stack.enter_context(killer.serving()), deployment, places))
        stack.enter_context(killing_anywhere(running, killed))
        publish(deployment, places, drafts, "a")
        malformed = poison(deployment, places, orders)
        publish(deployment, places, cancelled, "b")
        good = [draft for draft in drafts if draft.event is not fatal]
        publish(deployment, places, random.Random(SEED).sample(good, DUPLICATES), "c")
        wait_for(lambda: killer.killed.total() + len(killed) == KILLS, "all functions killed")
        wait_for(lambda: dead_everywhere(deployment, places, fatal), "the killer dead-lettered by all that it kills")
        drained(deployment, places)
    kills = killer.killed.total() + len(killed)
    assert kills == KILLS
    assert all(killer.killed[phase] >= 3 for phase in PHASES), killer.killed

    for consumer in places.consumers:
        assert needless(deployment, places, consumer, {*malformed[consumer], *parked[consumer]}, fatal) == []
        letters = Counter(bodies(deployment, places, consumer)) - parked[consumer]
        assert malformed[consumer] <= set(letters)
        assert any(fatal.event_id in body for body in letters) is (consumer in KILLER_CONSUMERS)
        # One more for each kill between send and acknowledgement.
        assert letters.total() <= len(malformed[consumer]) + (consumer in KILLER_CONSUMERS) + kills

    after = Totals(deployment, places)
    good_orders = [each for each in orders if each.order_id != fatal.order_id]
    expected = sum((each.amount() for each in good_orders), Decimal(0))
    assert after.revenue - before.revenue == expected - sum((each.amount() for each in cancelled), Decimal(0))
    assert after.stock.violations == ()
    decided = after.reservations - before.reservations
    assert decided.total() == len(good_orders)
    refused = decided["refused"]
    assert refused > 0
    routed = Counter(row.consumer for event in [*orders, *cancelled] for row in ORDERS.routes(event.attributes))
    routed.subtract(KILLER_CONSUMERS)
    routed["notifications"] += refused
    assert after.applied - before.applied == routed
    # A kill between sending and recording sends that batch's mails again.
    mails = after.emails - before.emails
    assert len(orders) + refused <= mails <= len(orders) + refused + 10 * kills
    assert_order_per_customer(deployment, places, [*good_orders, *cancelled])


def needless(
    deployment: Deployment, places: Places, consumer: str, known: set[str], fatal: OrderPlaced
) -> list[dict[str, Any]]:
    """Dead letters that are neither malformed nor the killer, with what their attribute says."""
    letters = dead_letters(deployment, places, consumer)
    return [
        {**letter, "body": letter["body"][:80]}
        for letter in letters
        if letter["body"] not in known and fatal.event_id not in letter["body"]
    ]


def bodies(deployment: Deployment, places: Places, consumer: str) -> list[str]:
    """What a dead-letter queue holds."""
    return [letter["body"] for letter in dead_letters(deployment, places, consumer)]


def dead_everywhere(deployment: Deployment, places: Places, fatal: OrderPlaced) -> bool:
    """Whether each consumer that an order kills has given it up."""
    return all(
        any(fatal.event_id in body for body in bodies(deployment, places, consumer)) for consumer in KILLER_CONSUMERS
    )
