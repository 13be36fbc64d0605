"""From publishing an event until it is applied, on the embedded engine: how many a second, after how long, and how that
grows with the subscribers and with the backlog.

The engine does the work of SNS, SQS, Lambda and DynamoDB in Python, on the cores of this machine: what is seen is how
our code behaves on it, and never how fast AWS is. After each run every event must have been applied once by each
consumer, or there is no result.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks import counters
from benchmarks.counters import Batch, Counters, Kind
from benchmarks.growth import growth
from benchmarks.quantities import Bars, Lines, Panel, Quantity, Result, absolute

KINDS: tuple[Kind, ...] = ("standard", "FIFO")
SUBSCRIBERS = (1, 2, 3, 4, 5)
EVENTS, EVENTS_SHORT = 1_000, 200
BACKLOGS, BACKLOGS_SHORT = (1_000, 10_000, 50_000), (200, 600, 2_000)
PACED_EVENTS, PACED_EVENTS_SHORT, PACED_A_SECOND = 200, 40, 20
PERCENTILES = (50, 95, 99)
ROUNDS, BACKLOG_ROUNDS = 3, 2
FEW_AND_MOST = (1, counters.MOST)
# With an engine that works beside, on two cores: well short of quadratic.
GATE = 1.4


@dataclass(frozen=True, slots=True)
class Run:
    """One run: deliveries, the seconds from the first request of the publisher until all was applied, the batches."""

    deliveries: int
    seconds: float
    batches: Sequence[Batch]

    @property
    def a_second(self) -> float:
        """Deliveries that were applied."""
        return self.deliveries / self.seconds

    @property
    def milliseconds_a_record(self) -> float:
        """What our function takes of a batch, for each of its records."""
        return sum(each.took for each in self.batches) / sum(each.records for each in self.batches)


Backlogs = dict[Kind, dict[int, list[Run]]]  # by size


def measure(short: bool) -> Result:
    """Bursts, a steady trickle, and backlogs."""
    with counters.deployed() as deployed:
        for kind in KINDS:  # starts every worker
            _burst(deployed, kind, counters.MOST, 100)
        bursts: dict[Kind, list[Mapping[int, Run]]] = {kind: [] for kind in KINDS}
        for _ in range(1 if short else ROUNDS):
            for kind in KINDS:
                bursts[kind].append(_bursts(deployed, kind, EVENTS_SHORT if short else EVENTS))
        events = PACED_EVENTS_SHORT if short else PACED_EVENTS
        trickles = {
            kind: {number: _trickle(deployed, kind, number, events) for number in FEW_AND_MOST} for kind in KINDS
        }
        backlogs = _backlogs(deployed, BACKLOGS_SHORT if short else BACKLOGS, 1 if short else BACKLOG_ROUNDS)
    quantities = [quantity for kind in KINDS for quantity in _told(kind, bursts[kind], trickles[kind], backlogs[kind])]
    return Result(quantities, _panels(bursts, trickles, backlogs))


def _backlogs(deployed: Counters, sizes: Sequence[int], rounds: int) -> Backlogs:
    """Each round in the other order, so that an engine that slows down is no growth."""
    runs: Backlogs = {kind: {size: [] for size in sizes} for kind in KINDS}
    for number in range(rounds):
        for size in sizes[:: -1 if number % 2 else 1]:
            for kind in KINDS:
                runs[kind][size].append(_backlog(deployed, kind, size))
    return runs


def _told(
    kind: Kind,
    bursts: Sequence[Mapping[int, Run]],
    trickles: Mapping[int, Run],
    backlogs: Mapping[int, Sequence[Run]],
) -> list[Quantity]:
    for_each = {float(number): [each[number].seconds for each in bursts] for number in SUBSCRIBERS}
    drained = {float(size): [run.seconds for run in runs] for size, runs in backlogs.items()}
    ours = {
        float(size): [run.milliseconds_a_record * run.deliveries for run in each] for size, each in backlogs.items()
    }
    sizes = f"{min(backlogs):,} to {max(backlogs):,}"
    return [
        *(
            absolute(
                f"{kind}, {_subscribers(number)}: published and applied",
                "deliveries/s",
                [r[number].a_second for r in bursts],
            )
            for number in SUBSCRIBERS
        ),
        growth(f"{kind}: a burst by 1 to 5 subscribers", for_each, gate=GATE),
        *(
            quantity
            for number, run in trickles.items()
            for quantity in _latencies(f"{kind}, {PACED_A_SECOND} events a second, {_subscribers(number)}", run)
        ),
        *(
            absolute(f"{kind}, backlog of {size:,}: drained", "deliveries/s", [run.a_second for run in runs])
            for size, runs in backlogs.items()
        ),
        growth(f"{kind}: draining {sizes}, the engine's part and ours", drained, gate=GATE),
        growth(f"{kind}: draining {sizes}, our functions alone", ours, gate=GATE),
    ]


def _subscribers(number: int) -> str:
    return "1 subscriber" if number == 1 else f"{number} subscribers"


def _latencies(what: str, run: Run) -> list[Quantity]:
    return [
        absolute(f"{what}: {each}th percentile until applied", "ms", [milliseconds])
        for each, milliseconds in _percentiles(run).items()
    ]


def _percentiles(run: Run) -> dict[int, float]:
    """From publication until settled, of every record, in milliseconds."""
    cuts = statistics.quantiles([each for batch in run.batches for each in batch.on_their_way], n=100)
    return {each: cuts[each - 1] for each in PERCENTILES}


def _bursts(deployed: Counters, kind: Kind, events: int) -> dict[int, Run]:
    return {number: _burst(deployed, kind, number, events) for number in SUBSCRIBERS}


def _burst(deployed: Counters, kind: Kind, subscribers: int, events: int) -> Run:
    """All at once, while the consumers work."""
    consumers = counters.named(kind, subscribers)
    deployed.subscribe(consumers)
    deployed.switch(consumers, on=True)
    since, began = time.time(), time.perf_counter()
    deployed.publish(events)
    return _finished(deployed, consumers, events, since, began)


def _trickle(deployed: Counters, kind: Kind, subscribers: int, events: int) -> Run:
    """One after the other, no faster than they are worked off."""
    consumers = counters.named(kind, subscribers)
    deployed.subscribe(consumers)
    deployed.switch(consumers, on=True)
    since, began = time.time(), time.perf_counter()
    for number in range(events):
        time.sleep(max(0.0, began + number / PACED_A_SECOND - time.perf_counter()))
        deployed.publish(1)
    return _finished(deployed, consumers, events, since, began)


def _backlog(deployed: Counters, kind: Kind, events: int) -> Run:
    """All of them wait in the queue of one consumer before it begins; only the draining is timed.

    They are put into the queue itself: of a topic's deliveries the bursts tell.
    """
    consumers = counters.named(kind, 1)
    deployed.fill(consumers[0], events)
    since, began = time.time(), time.perf_counter()
    deployed.switch(consumers, on=True)
    return _finished(deployed, consumers, events, since, began)


def _finished(deployed: Counters, consumers: Sequence[str], events: int, since: float, began: float) -> Run:
    deployed.wait(consumers)
    seconds = time.perf_counter() - began
    deployed.switch(consumers, on=False)
    deployed.check(events * len(consumers))
    return Run(events * len(consumers), seconds, deployed.batches(consumers, since=since))


def _panels(
    bursts: Mapping[Kind, Sequence[Mapping[int, Run]]],
    trickles: Mapping[Kind, Mapping[int, Run]],
    backlogs: Backlogs,
) -> list[Panel]:
    by_subscribers: dict[str, list[tuple[float, float]]] = {
        kind: [(float(number), statistics.median(each[number].a_second for each in runs)) for number in SUBSCRIBERS]
        for kind, runs in bursts.items()
    }
    by_backlog: dict[str, list[tuple[float, float]]] = {
        kind: [(float(size), statistics.median(run.seconds for run in runs)) for size, runs in of_kind.items()]
        for kind, of_kind in backlogs.items()
    }
    waits: dict[str, list[float | None]] = {
        kind: [*_percentiles(runs[counters.MOST]).values()] for kind, runs in trickles.items()
    }
    return [
        Lines(title="published and applied", x="subscribers", y="deliveries/s", series=by_subscribers),
        Lines(title="draining a backlog", x="messages", y="s", series=by_backlog, logarithmic=True),
        Bars(
            title=f"until applied, {PACED_A_SECOND} events a second, 5 subscribers",
            unit="ms",
            groups=[f"{each}th percentile" for each in PERCENTILES],
            series=waits,
        ),
    ]
