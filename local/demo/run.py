"""One run of the demo against a deployment: seed, publish while consumers work, wait, and audit what came of it."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from local.demo.accounting import Ledger
from local.demo.audit import Finding, audit
from local.demo.drain import Watch, drain
from local.demo.evidence import Evidence, gather_evidence, read_baseline
from local.demo.flush import flush_logs
from local.demo.follow_ups import FollowUps
from local.demo.journal import Journal, Record
from local.demo.places import DeployedEngine, Places
from local.demo.poison import PoisonReport, send_poison
from local.demo.progress import Progress
from local.demo.publishing import Publishing, cancellations
from local.demo.queues import total_depth
from local.demo.scenario import Scenario
from local.demo.stock import seed_stock
from local.demo.summary import Seconds, Summary
from local.demo.tables import count_items
from messaging.events import OrderCancelled, OrderPlaced
from messaging.publisher import Publisher
from messaging.tables import OUTBOX, STOCK
from messaging.topology import ORDERS

POISONED_CONSUMER = "inventory"
SOURCE = "urn:waybill:demo"

_THREADS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one run does beside placing the orders."""

    cancel: int
    duplicates: int
    poison: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """When it all began (epoch seconds), and how long the environment took before."""

    at: float
    environment_seconds: float


def perform(engine: DeployedEngine, scenario: Scenario, plan: Plan, progress: Progress, start: Start) -> Summary:
    """One run of the demo. Raises botocore's errors and OSError where the engine fails."""
    return _Run(engine, scenario, plan, progress).perform(start)


class _Run:
    """The parts of a run share the engine's clients and the books."""

    def __init__(self, engine: DeployedEngine, scenario: Scenario, plan: Plan, progress: Progress) -> None:
        self._engine = engine
        self._places = Places(engine.outputs)
        self._scenario = scenario
        self._plan = plan
        self._progress = progress
        self._ledger = Ledger(ORDERS)
        self._follow_ups = FollowUps(scenario.orders)
        self._sqs = engine.client("sqs")
        self._name = uuid.uuid4().hex[:12]
        self._booked = 0

    def perform(self, start: Start) -> Summary:
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="demo") as pool:
            self._seed()
            self._drain_leftovers()
            baseline = read_baseline(self._engine, pool)
            since = math.floor(time.time() * 1000) / 1000  # logs have milliseconds
            publishing = self._publishing()
            published = pool.submit(publishing.run)
            try:
                poison = self._poison()
                self._follow(publishing, published, since)
            finally:
                publishing.stop()
            evidence = gather_evidence(self._engine, pool, baseline)
        for consumer, messages in evidence.parked.items():
            self._ledger.observe_parked(consumer, messages)
        findings = (*_publishing_findings(publishing, poison), *audit(self._ledger, evidence, self._all_events()))
        return self._summary(publishing, evidence, findings, start)

    def _all_events(self) -> list[OrderPlaced | OrderCancelled]:
        """Every event that a run of this scenario, this one or an earlier one, can have published."""
        orders = self._scenario.orders
        return [*orders, *cancellations(orders, len(orders), self._plan.seed)]

    def _seed(self) -> None:
        seed_stock(self._engine.client("dynamodb"), self._places.table(STOCK), self._scenario.stock)

    def _drain_leftovers(self) -> None:
        """What an interrupted run left in the queues must not be counted as this run's."""
        if self._depth():
            self._progress.note("Waiting until the messages of an earlier run are done")
            drain(Watch(depth=self._depth))

    def _publishing(self) -> Publishing:
        return Publishing(
            Publisher(self._engine.client("sns"), topic=ORDERS, topic_arn=self._places.topic_arn, source=SOURCE),
            orders=self._scenario.orders,
            cancelled=cancellations(self._scenario.orders, self._plan.cancel, self._plan.seed),
            duplicates=self._plan.duplicates,
            seed=self._plan.seed,
            run=self._name,
        )

    def _poison(self) -> PoisonReport:
        queue_url = self._places.queue_url(POISONED_CONSUMER)
        report = send_poison(self._sqs, queue_url, count=self._plan.poison, run=self._name)
        self._ledger.expect_by_hand(POISONED_CONSUMER, report.message_ids)
        return report

    def _follow(self, publishing: Publishing, published: Future[None], since: float) -> None:
        """Read the logs until every delivery has its outcome. Raises what the publishing thread raised."""
        ledger = self._ledger
        journal = Journal(self._engine.client("logs"), self._places.log_groups, since=since)

        def look() -> None:
            if published.done():
                published.result()
            self._book(publishing)
            self._observe(journal.read(self._unfinished()))
            self._progress.update(ledger)

        def flush() -> None:
            flush_logs(self._engine.client("lambda"), self._places, self._unfinished())
            self._observe(journal.read_again())

        drain(
            Watch(
                look=look,
                publishing=lambda: not published.done() or self._booked < len(publishing.accepted),
                finished=lambda: sum(map(ledger.finished, ledger.consumers)),
                missing=lambda: sum(map(ledger.missing, ledger.consumers)),
                depth=self._depth,
                flush=flush,
            )
        )
        self._observe(journal.read_again())
        self._progress.update(ledger)

    def _observe(self, records: Iterable[Record]) -> None:
        seen = list(records)
        for event in self._follow_ups.due(seen):
            self._ledger.expect(event)
        self._ledger.observe(seen)

    def _book(self, publishing: Publishing) -> None:
        """What the topic accepted since the last look is expected from now on."""
        news = publishing.accepted[self._booked :]
        for event in news:
            self._ledger.expect(event)
        self._booked += len(news)

    def _unfinished(self) -> list[str]:
        return [consumer for consumer in self._ledger.consumers if self._ledger.missing(consumer)]

    def _depth(self) -> int:
        """What is in the queues, or in the outbox on its way to them."""
        in_outbox = count_items(self._engine.client("dynamodb"), self._places.table(OUTBOX))
        return total_depth(self._sqs, self._places.queue_urls) + in_outbox

    def _summary(
        self, publishing: Publishing, evidence: Evidence, findings: tuple[Finding, ...], start: Start
    ) -> Summary:
        ledger, first_at = self._ledger, self._ledger.first_processed_at
        return Summary(
            orders=len(self._scenario.orders),
            published=len(publishing.accepted),
            rejected=len(self._scenario.source.rejected),
            unrouted=len(publishing.unrouted),
            subscriptions={consumer: ledger.account(consumer) for consumer in ledger.consumers},
            dead_letter_reasons={consumer: ledger.dead_letter_reasons(consumer) for consumer in ledger.consumers},
            revenue=evidence.revenue,
            stock=evidence.stock,
            emails=evidence.emails,
            seconds=Seconds(
                environment=start.environment_seconds,
                deploy=self._engine.seconds,
                first_order=None if first_at is None else first_at - start.at,
                total=time.time() - start.at,
            ),
            findings=findings,
        )


def start_of(environment: Mapping[str, str], now: float) -> Start:
    """When dev.py says that it began; without it, now."""
    return Start(
        at=float(environment.get("WAYBILL_DEV_STARTED_AT") or now),
        environment_seconds=float(environment.get("WAYBILL_DEV_ENVIRONMENT_SECONDS") or 0.0),
    )


def _publishing_findings(publishing: Publishing, poison: PoisonReport) -> list[Finding]:
    """Events that the topic did not take, one by one, and those of which the publisher said nothing."""
    findings = [
        Finding(1, f"publishing: event {entry.event_id} was refused: {entry.code} ({entry.reason})")
        for entry in publishing.failed
    ]
    silent = publishing.handed_over - len(publishing.accepted) - len(publishing.failed)
    if silent:
        findings.append(Finding(abs(silent), f"publishing: {silent} events are neither published nor refused"))
    if poison.refused:
        findings.append(Finding(poison.refused, f"poison: the queue refused {poison.refused} messages"))
    return findings
