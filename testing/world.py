"""AWS in memory, around real handlers: a topic, its queues, functions and tables, under a virtual clock.

    world = World(seed=7)
    world.deploy("inventory", inventory.handler)
    world.publish(order_placed("1001", customer_id="ALFKI"))
    world.run()
    assert world.outcomes("inventory") == {"OrderPlaced-1001": ["applied"]}

Time goes on only while the world runs, and the same seed gives the same run. docs/testing.md tells the rest.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from messaging.events import Event
from messaging.items import attributes
from messaging.outgoing import Draft
from messaging.publish_report import PublishReport
from messaging.publisher import Publisher
from messaging.tables import TABLES, TABLES_BY_NAME, Table
from messaging.topic import Topic
from messaging.topology import ORDERS
from testing.deliveries import deliveries
from testing.deployment import Changes, Conditions, Deployed, check_function, deploy_consumer, deploy_relay, wiring
from testing.faults import Fault, NoFaults, Options, Plan
from testing.functions.disturbed import Disturbance
from testing.functions.fleet import Fleet, Function, one_after_the_other
from testing.functions.process import Process
from testing.functions.stream_mapping import StreamMapping
from testing.injection import Injections, by_chance
from testing.letters import DeadLetter
from testing.outages import Outages
from testing.producer import Producer
from testing.rest import LONGEST_SECONDS, Clock, NeverAtRest, what_waits
from testing.scheduler import Scheduler
from testing.services import Services
from testing.sights import Sights, found
from testing.trace import Trace

if TYPE_CHECKING:
    from botocore.config import Config

__all__ = ["DeadLetter", "Deployed", "NeverAtRest", "World"]


class World(Sights):
    """One world. `plan` decides what goes wrong beside what `inject` asks for; without one, nothing does.

    `follow` are ids of events whose life is kept in `trace.lines`. Without `keeps_logs`, neither logs nor what was
    published are kept, for runs of millions of messages. With `real_botocore`, functions and producers have botocore's
    own clients, down to the bytes on the wire, which is slower; a Config in its place is that of functions' clients.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        topic: Topic = ORDERS,
        tables: Iterable[Table] = TABLES,
        plan: Plan | None = None,
        follow: Iterable[str] = (),
        keeps_logs: bool = True,
        mail_from: str = "shop@example.com",
        newer_version_patience_seconds: int | None = None,
        real_botocore: bool | Config = False,
    ) -> None:
        self.seed = seed
        self._clock = Clock(seed)
        self.scheduler: Scheduler = self._clock
        self.trace = Trace(self.scheduler.time, follow=follow)
        self.injected = Injections()
        self.plan: Plan = plan or NoFaults()
        self.hits: Counter[Fault] = Counter()
        self.topic = topic
        self.keeps_logs = keeps_logs
        self.deployed: dict[str, Deployed] = {}
        self.relay: StreamMapping | None = None
        self._services = Services(
            self.scheduler, topic.name, deliver=deliveries(self, self.scheduler.random), keeps=keeps_logs
        )
        self.store, self.sqs, self.mailbox = self._services.store, self._services.sqs, self._services.mailbox
        self.sns, self.sns_topic = self._services.sns, self._services.topic
        self._outages = Outages(self.scheduler.time)
        self.disturbance = Disturbance(self)
        self._conditions = Conditions(
            mail_from=mail_from,
            keeps_logs=keeps_logs,
            newer_version_patience_seconds=newer_version_patience_seconds,
        )
        self._wiring = wiring(seed, real_botocore)
        self.producer = Producer(self)
        self._relay_fleet: Fleet | None = None
        self._chance = random.Random(seed).getstate()
        for table in tables:
            self.create_table(table)

    # What processes ask of their world.

    def fault(self, place: str, options: Options) -> Fault | None:
        """What goes wrong at this place, if anything does; counted in `hits`."""
        fault = self.injected.choose(place, options) or self.plan.choose(place, options)
        if fault is not None:
            self.hits[fault] += 1
        return fault

    def backend(self, service: str) -> Any:
        """A service as a boto3 client, without anything that goes wrong on the way: for tests that look or prepare."""
        return found(self._services.clients, service, "service")

    def is_out(self, service: str) -> bool:
        """Whether the service has an outage now."""
        return self._outages.is_out(service)

    # What tests do.

    def create_table(self, table: Table, *, name: str | None = None) -> None:
        """Add a table; its physical name is its own, or another."""
        self._services.create_table(table, name or table.name)

    def create_table_like(self, table: str, name: str) -> None:
        """Add a table with the keys of one of the topology's, under another physical name."""
        self.create_table(found(TABLES_BY_NAME, table, "table of the topology"), name=name)

    def put(self, table: str, *items: Mapping[str, Any]) -> None:
        """Have items with plain values in a table, such as `{"sku": "NW-1", "units": 39}` in `stock`."""
        found(self._services.tables, table, "table")
        for item in items:
            self.store.execute("PutItem", {"TableName": table, "Item": attributes(item)})

    def deploy(
        self, consumer: str, function: Function, *, tables: Mapping[str, str] | None = None, **changes: Any
    ) -> Deployed:
        """A consumer: its queues, its subscription and its function, as its row says. Again: new code for it.

        `tables` are physical names of tables that are not called as in the topology; `changes` are those of `Changes`,
        for what a row can't say. Raises LookupError for a consumer without a row, ValueError for a function that goes
        by another one, TypeError for what is no function or no change.
        """
        row = found({row.consumer: row for row in self.topic.subscriptions}, consumer, "row of the topology")
        check_function(function, row)
        if hasattr(function, "disturbed"):
            function = function.disturbed(self.disturbance.around)
        if self._wiring is not None:
            function = self._wiring.function(function)
        if consumer in self.deployed:
            self.deployed[consumer].fleet.deploy(function)
            self.deployed[consumer].fleet.retire()
        else:
            self.deployed[consumer] = deploy_consumer(
                self,
                row,
                function,
                tables=tables or {},
                changes=Changes(**changes),
                conditions=self._conditions,
            )
        return self.deployed[consumer]

    def deploy_relay(self, function: Function) -> None:
        """The relay from the outbox to the topic; once. Raises TypeError for what is no function."""
        check_function(function)
        if self._wiring is not None:
            function = self._wiring.function(function)
        self._relay_fleet, self.relay = deploy_relay(self, function, self._conditions)

    def sweep(self, older_than_seconds: float = 0.0) -> None:
        """Have the relay send what the outbox's stream lost, as its schedule does. Happens when the world runs."""
        fleet, event = self.relay_fleet, {"sweep": {"older_than_seconds": older_than_seconds}}
        self.scheduler.spawn(lambda: fleet.invoke_asynchronously(event))

    def client(self, service: str, process: Process) -> Any:
        """A boto3 client of a producer or operator of yours: its calls meet faults, outages and time."""
        return process.client(service) if self._wiring is None else self._wiring.client(process, service)

    def publisher(self, process: Process, *, source: str = "urn:waybill:test") -> Publisher:
        """The real publisher, in some process."""
        return Publisher(
            self.client("sns", process),
            topic=self.topic,
            topic_arn=self.sns_topic.arn,
            source=source,
            clock=process.clock,
            sleep=process.sleep,
            side_by_side=one_after_the_other,
        )

    @property
    def reports(self) -> list[PublishReport]:
        """What came of what `publish` was given, in order."""
        return self.producer.reports

    def publish(self, *events: Event | Draft, resend: str | None = None) -> None:
        """Publish when the world runs, after what was published before, until the topic has accepted it or never will.
        `resend` is as in `Publisher.publish`: an event reaches the consumers again only so, or five minutes later."""
        self.producer.take(events, resend)

    def send(self, consumer: str, body: str, *, group: str = "by-hand") -> None:
        """Put any text into a consumer's queue, past the topic: what no publisher of ours would send."""
        queue = self._deployed(consumer).queue
        if queue.fifo:
            queue.send(body, group=group, deduplication_id=self.scheduler.new_id())
        else:
            queue.send(body)

    def inject(self, fault: str, *, at: str = "", times: int = 1) -> None:
        """Have something go wrong, by its name in `testing.faults`, at the next places whose name holds `at`, such as
        `inventory dynamodb.transact_write_items`. Raises ValueError."""
        self.injected.inject(fault, at=at, times=times)

    def inject_by_chance(self, rates: Mapping[str, float], *, seconds: float) -> None:
        """Have faults strike by chance for so long, each at so many (0 to 1) of the places where it can. The seed says
        which those are. Instead of the world's `plan`. Raises ValueError."""
        self.plan = by_chance(rates, self.scheduler, seconds)

    def outage(self, service: str, *, after_seconds: float = 0.0, seconds: float) -> None:
        """Half of a service's callers hear an error for so long, the others nothing. Raises ValueError."""
        self._outages.begin(service, after_seconds=after_seconds, seconds=seconds)

    def redrive(self, consumer: str) -> None:
        """An operator has SQS move a consumer's dead letters back to its queue. Raises testing.sqs.Refused while an
        earlier redrive goes on.

        SQS does not know where a letter came from that the consumer itself has sent, so it is told:
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
        """
        source, target = self._deployed(consumer).dead_letter_queue, self._deployed(consumer).queue
        self.sqs.execute("StartMessageMoveTask", {"SourceArn": source.arn, "DestinationArn": target.arn})

    def replay(self, consumer: str, *, last_seconds: float) -> int:
        """Have the topic deliver again what it accepted in the last so many seconds; how many messages that are."""
        return self._deployed(consumer).subscription.replay(self.scheduler.now - last_seconds)

    def run(self, seconds: float | None = None, *, longest_seconds: float = LONGEST_SECONDS) -> None:
        """Let time go on: for so long, or until nothing is left to do.

        Raises what no process can be blamed for, and NeverAtRest where after `longest_seconds` something still waits.
        """
        outside = random.getstate()
        random.setstate(self._chance)  # the product's jitter comes from the seed too
        try:
            if seconds is not None:
                self.scheduler.run(self.scheduler.now + seconds)
            elif not self._clock.run_to_rest(longest_seconds):
                waiting = "; ".join(what_waits(self)) or "only timers"
                raise NeverAtRest(f"after {longest_seconds:,.0f} s it is not at rest: {waiting}")
        finally:
            self._chance = random.getstate()
            random.setstate(outside)
