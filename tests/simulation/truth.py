"""What must be true of a simulated world whatever went wrong: watched while it runs, and judged when it is at rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from messaging.items import plain
from testing.faults import Fault, Options, Plan
from testing.world import DeadLetter, World
from tests.simulation.letters import (
    DOUBLE,
    LEAKED,
    LOST,
    OUT_OF_ORDER,
    UNBALANCED,
    UNDRAINED,
    Judge,
    event_id_in,
    event_id_of,
)
from tests.simulation.workload import CANARY, TAMPERED_MONTH, Kind, Publication

STOCK_PER_SKU = 10_000_000
TALLIES = "tallies"
SHOWN = 5  # of each kind of violation of each consumer; all are counted


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must never be. `event_id` is whose life explains it."""

    what: str
    consumer: str
    event_id: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.consumer}: {self.event_id} {self.what}{': ' if self.detail else ''}{self.detail}"


@dataclass
class Truth:
    """Of one world. `publications` by event id are those that the topic has accepted at least once; `tampered` those
    that were published with two contents. `gives_reasons`: whether consumers say why they give a message up."""

    world: World
    publications: dict[str, Publication] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    applied: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    tampered: set[str] = field(default_factory=set)
    gives_reasons: bool = True
    redriven: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    stock_per_sku: int = STOCK_PER_SKU
    met: Counter[str] = field(default_factory=Counter)
    _marked: Mapping[str, set[str]] = field(default_factory=dict)
    _routes: dict[tuple[str, ...], set[str]] = field(default_factory=dict)
    _last: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world.plan = _Meeting(self.world.plan, self.met)

    def watch(self, consumer: str, table: str) -> None:
        """Count the effects of a counting consumer as they are written."""
        self.world.store.watch(table, partial(self._counted, consumer))

    def redrive(self, consumer: str) -> None:
        """Judge what is about to come back, and note it: its order is that of the redrive."""
        letters = self._letters(consumer)
        self._judge_letters(consumer, letters, self.applied.get(consumer, {}))
        self.redriven[consumer].update(letters)

    def _counted(self, consumer: str, change: Any) -> None:
        item = plain(change.new)
        event_id, times = str(item["day_country"]), int(item["amount"])
        self.applied[consumer][event_id] = times
        self.world.trace.note(event_id, f"{consumer} applies it")
        publication = self.publications.get(event_id)
        if times > 1:
            self._violate(DOUBLE, consumer, event_id, f"applied {times} times")
        elif publication is not None and publication.sequence is not None:
            self._check_order(consumer, publication, publication.sequence)

    def _check_order(self, consumer: str, publication: Publication, sequence: int) -> None:
        row = self.world.deployed[consumer].row
        if not row.fifo:
            return
        last = self._last.get((consumer, publication.group), 0)
        if sequence < last and not (row.ordering == "group" and self._was_dead(consumer, publication.event_id)):
            self._violate(OUT_OF_ORDER, consumer, publication.event_id, f"sequence {sequence} after {last}")
        if row.ordering == "strict" and sequence > last + 1:
            self._violate(OUT_OF_ORDER, consumer, publication.event_id, f"sequence {sequence} after {last}, a gap")
        self._last[consumer, publication.group] = max(last, sequence)

    def _was_dead(self, consumer: str, event_id: str) -> bool:
        """Whether it comes back from the dead, which a queue's order alone can't put right."""
        return event_id in self.redriven[consumer] or event_id in self._undelivered(consumer)

    def _undelivered(self, consumer: str) -> set[str]:
        return {
            event_id_in(message.body) for message in self.world.deployed[consumer].topic_dead_letter_queue.messages()
        }

    def _violate(self, what: str, consumer: str, event_id: str, detail: str = "") -> None:
        self.counts[consumer, what] += 1
        if self.counts[consumer, what] <= SHOWN:
            self.violations.append(Violation(what, consumer, event_id, detail))

    def judge(self) -> None:
        """At rest: nobody is lost, nobody is dead without need, reasons are true, totals are exact."""
        self._marked = _marked(self.world)
        for consumer in self.world.deployed:
            self._judge_consumer(consumer)
        found = [*call_violations(self)]
        if self.world.deployed.keys() & {"inventory", "analytics"}:
            found += shop_violations(self)
        for violation in found:
            self._violate(violation.what, violation.consumer, violation.event_id, violation.detail)

    def marked(self, consumer: str) -> set[str]:
        """The events that a consumer's markers say are applied; known once it is judged."""
        return self._marked[consumer]

    def judge_logs(self) -> None:
        """No log, reason or record of a failure holds anything of a payload. Needs logs."""
        for consumer, deployed in self.world.deployed.items():
            for line in deployed.telemetry.lines:
                if CANARY in str(line.extra):
                    self._violate(LEAKED, consumer, str(line.extra.get("event_id")), line.message)
        for item in self.world.store.items("inbox"):
            if CANARY in str(item):
                self._violate(LEAKED, "inbox", str(item["id"]), "in a record of failures")

    def violate_drain(self, detail: str) -> None:
        """It took too long until all was at rest."""
        self._violate(UNDRAINED, "all", "unknown", detail)

    def _judge_consumer(self, consumer: str) -> None:
        deployed = self.world.deployed[consumer]
        if left := deployed.queue.messages():
            self._violate(UNDRAINED, consumer, event_id_in(left[0].body), f"{len(left)} messages are left")
        dead = self._letters(consumer)
        undelivered = self._undelivered(consumer)
        done = self.applied[consumer] if consumer in self.applied else self._marked[consumer]
        for publication in self.publications.values():
            if not self._is_routed(consumer, publication):
                continue
            event_id = publication.event_id
            if event_id not in done and event_id not in dead and event_id not in undelivered:
                self._violate(LOST, consumer, event_id, "neither applied nor in a dead-letter queue")
            if event_id in self.tampered and self.gives_reasons and event_id not in {*dead, *undelivered}:
                self._violate(LOST, consumer, event_id, "its other contents are in no dead-letter queue")
        self._judge_letters(consumer, dead, done)

    def _letters(self, consumer: str) -> dict[str, list[DeadLetter]]:
        letters: dict[str, list[DeadLetter]] = defaultdict(list)
        for letter in self.world.dead_letters(consumer):
            letters[event_id_of(letter)].append(letter)
        return letters

    def _judge_letters(self, consumer: str, dead: Mapping[str, Sequence[DeadLetter]], done: Collection[str]) -> None:
        missed = {*dead, *self._undelivered(consumer), *self.redriven[consumer]}
        judge = Judge(self.world, consumer, self.publications, missed)
        for event_id, letters in dead.items():
            for letter in letters:
                if CANARY in str(letter.facts):
                    self._violate(LEAKED, consumer, event_id, "in the facts of its dead letter")
                fault = judge.fault(event_id, letter, applied=event_id in done, gives_reasons=self.gives_reasons)
                if fault is not None:
                    what, detail = fault
                    self._violate(what, consumer, event_id, detail)

    def _is_routed(self, consumer: str, publication: Publication) -> bool:
        if publication.order is None:
            return False
        attributes = publication.order.attributes
        key = tuple(attributes.values())
        if key not in self._routes:
            self._routes[key] = {row.consumer for row in self.world.topic.routes(attributes)}
        return consumer in self._routes[key]


def _marked(world: World) -> Mapping[str, set[str]]:
    """The events that each consumer's markers say are applied."""
    marked: dict[str, set[str]] = defaultdict(set)
    for item in world.store.items("inbox"):
        consumer, _, event_id = item["id"]["S"].partition("#")
        if item.get("status", {}).get("S") == "COMPLETED":
            marked[consumer].add(event_id)
    for item in world.store.items("orders"):
        marked[item["consumer"]["S"]].add(item["event_id"]["S"])
    return marked


def shop_violations(truth: Truth) -> Iterator[Violation]:
    """Whether the shop's totals are those of the events that were applied, to the last digit."""
    world = truth.world
    yield from _revenue(truth, world)
    yield from _stock(truth.stock_per_sku, world)
    yield from _refusals(truth, world)
    yield from _tallies(truth, world)


def _revenue(truth: Truth, world: World) -> Iterator[Violation]:
    expected: Counter[str] = Counter()
    for event_id in truth.marked("analytics"):
        publication = truth.publications.get(event_id)
        order = publication.order if publication else None
        if order is None or publication is None or publication.kind is Kind.TAMPERED:
            continue
        amount = order.amount() if event_id.startswith("OrderPlaced") else -order.amount()
        expected[f"{order.placed_at[:10]}#{order.ship_to.country}"] += amount  # type: ignore[assignment]  # Decimals
    found: dict[str, Decimal] = defaultdict(Decimal)
    for item in world.items("revenue"):
        found[item["day_country"]] += item["amount"]
    for name in sorted({*expected, *found}):
        if not name.startswith(TAMPERED_MONTH) and expected.get(name, 0) != found.get(name, 0):
            yield Violation(UNBALANCED, "analytics", name, f"{found.get(name)} instead of {expected.get(name)}")


def _stock(stock_per_sku: int, world: World) -> Iterator[Violation]:
    """What is reserved and what is in stock are together what there was."""
    missing: Counter[str] = Counter()
    for item in world.items("stock"):
        missing[item["sku"]] = stock_per_sku - int(item["units"])
        if item["units"] < 0:
            yield Violation(UNBALANCED, "inventory", item["sku"], f"{item['units']} units in stock")
    for item in world.items("reservations"):
        if item["status"] == "refused" and stock_per_sku == STOCK_PER_SKU:
            yield Violation(UNBALANCED, "inventory", f"OrderPlaced-{item['order_id']}", "refused, with plenty in stock")
        for sku, units in item.get("lines", {}).items():
            missing[sku] -= int(units)
    for sku, units in missing.items():
        if units:
            yield Violation(UNBALANCED, "inventory", sku, f"{units} units are neither in stock nor reserved")


def _refusals(truth: Truth, world: World) -> Iterator[Violation]:
    """Whoever was refused is told so: the follow-up event has reached its consumer."""
    if world.relay is None or "notifications" not in world.deployed:
        return
    told = truth.marked("notifications") | {event_id_of(letter) for letter in world.dead_letters("notifications")}
    told |= {event_id_in(each.body) for each in world.deployed["notifications"].topic_dead_letter_queue.messages()}
    for item in world.items("reservations"):
        event_id = f"StockRefused-{item['order_id']}"
        if item["status"] == "refused" and event_id not in told:
            yield Violation(LOST, "notifications", event_id, "a follow-up event")


def _tallies(truth: Truth, world: World) -> Iterator[Violation]:
    """A tally that was read and written back counts every event once."""
    if "tallied" not in world.deployed:
        return
    expected: Counter[str] = Counter()
    for event_id in truth.marked("tallied"):
        expected[truth.publications[event_id].group] += 1
    found = {item["order_id"]: int(item["tally"]) for item in world.items(TALLIES)}
    for customer in sorted({*expected, *found}):
        if expected[customer] != found.get(customer, 0):
            detail = f"{found.get(customer)} instead of {expected[customer]}"
            yield Violation(UNBALANCED, "tallied", customer, detail)


def call_violations(truth: Truth) -> Iterator[Violation]:
    """Nobody is called twice who may be called once; a second e-mail follows a fault between a call and its record."""
    second = 0
    for key, count in truth.world.mailbox.sent.items():
        consumer, _, event_id = key.partition("#")
        if consumer == "called_once" and count > 1:
            yield Violation(DOUBLE, consumer, event_id, f"called {count} times")
        if consumer == "notifications":
            second += count - 1
    # A batch's calls are recorded together, so a fault may cost as many second e-mails as a batch has messages.
    excused = 10 * truth.met["notifications"]
    if second > excused:
        yield Violation(DOUBLE, "notifications", "unknown", f"{second} second e-mails, of which {excused} are excused")


# What has nothing to do with a call or its record.
_NO_EXCUSE = {Fault.DELIVERED_AGAIN, Fault.ACKNOWLEDGEMENT_LOST, Fault.INVOCATION_THROTTLED, Fault.KILLED_LATE}


class _Meeting:
    """A plan that counts what it chooses, by who meets it."""

    def __init__(self, plan: Plan, met: Counter[str]) -> None:
        self._plan = plan
        self._met = met

    def choose(self, place: str, options: Options) -> Fault | None:
        """What the plan chooses."""
        fault = self._plan.choose(place, options)
        if fault is not None and fault not in _NO_EXCUSE:
            self._met[place.partition(" ")[0]] += 1
        return fault
