"""What the tests of the in-memory Lambda need of a world: services, faults asked for by name, and functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from testing import dynamodb, ses, sns, sqs
from testing.faults import Fault, InjectedFaults, Options
from testing.functions.fleet import Fleet, Function
from testing.functions.process import Process
from testing.functions.queue_mapping import QueueMapping
from testing.scheduler import Scheduler
from testing.telemetry import Telemetry
from testing.trace import Trace

T = TypeVar("T")
Event = dict[str, Any]
Answer = Callable[[Event, Any], Any]
TIMEOUT_SECONDS = 5.0


class Region:
    """A world as far as processes know it. `places` is where something could have gone wrong; `out` has no services."""

    def __init__(self, seed: int = 1, *, follow: Sequence[str] = ()) -> None:
        self.scheduler = Scheduler(seed)
        self.trace = Trace(self.scheduler.time, follow=follow)
        self.faults = InjectedFaults()
        self.places: list[str] = []
        self.out: list[str] = []
        self.store = dynamodb.Store(self.scheduler.time)
        self.store.create_table("things", "id", stream_view="NEW_IMAGE")
        self.sqs = sqs.Sqs(self.scheduler)
        self.topics = sns.Sns(self.scheduler)
        self._backends = {
            "dynamodb": dynamodb.Client(self.store, pause=self._between_steps),
            "sqs": sqs.Client(self.sqs),
            "sns": sns.Client(self.topics),
            "sesv2": ses.Client(ses.Mailbox(self.scheduler)),
        }

    def fault(self, place: str, options: Options) -> Fault | None:
        """What was asked for by `faults.inject`."""
        self.places.append(place)
        return self.faults.choose(place, options)

    def backend(self, service: str) -> Any:
        """A service without faults."""
        return self._backends[service]

    def is_out(self, service: str) -> bool:
        """As `out` says."""
        return service in self.out

    def run(self, task: Callable[[], T]) -> T:
        """Run something as a task, and the region until it is at rest."""
        results: list[T] = []
        self.scheduler.spawn(lambda: results.append(task()))
        self.scheduler.run()
        (result,) = results
        return result

    def process(self, *, lives_seconds: float = float("inf"), **settings: Any) -> Process:
        """A process called `worker`."""
        made = Process(self, "worker", **settings)
        made.deadline = self.scheduler.now + lives_seconds
        return made

    def put(self, process: Process, thing: str) -> Any:
        """Have a process write an item."""
        return process.client("dynamodb").put_item(TableName="things", Item={"id": {"S": thing}})

    def things(self) -> list[str]:
        """The items that are there."""
        return sorted(item["id"]["S"] for item in self.store.items("things"))

    def fleet(self, function: Function) -> Fleet:
        """A function called `worker`."""
        return Fleet(self, "worker", function, environment={}, timeout_seconds=TIMEOUT_SECONDS, telemetry=Telemetry())

    def mapping(self, queue: sqs.Queue, function: Function, **settings: Any) -> QueueMapping:
        """A function on a queue: ten messages a batch, no window, three at once, reporting failures."""
        usual = {"batch_size": 10, "window_seconds": 0, "maximum_concurrency": 3}
        return QueueMapping(self, queue, self.fleet(function), **{**usual, **settings})

    def _between_steps(self, step: str) -> None:
        if step == dynamodb.PREPARED:
            self.scheduler.sleep(0.003)


class Code:
    """A function with a handler. `machines` are those on which it was started, `events` those that it got."""

    def __init__(self, handler: Answer = lambda event, context: None) -> None:
        self.machines: list[Any] = []
        self.events: list[Event] = []
        self._handler = handler

    def start(self, machine: Any) -> Answer:
        """A cold start."""
        self.machines.append(machine)
        return self.answer

    def answer(self, event: Event, context: Any) -> Any:
        """What the handler makes of an event."""
        self.events.append(event)
        return self._handler(event, context)

    @property
    def batches(self) -> list[list[str]]:
        """The bodies of the messages that it got."""
        return [[record["body"] for record in event["Records"]] for event in self.events]


def failures(*ids: str) -> Event:
    """A partial batch response."""
    return {"batchItemFailures": [{"itemIdentifier": each} for each in ids]}
