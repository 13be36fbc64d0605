"""A producer: it publishes a workload in bursts, in order, and again where it can't know, as good ones do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice

from botocore.exceptions import BotoCoreError, ClientError

from messaging.outgoing import Draft
from testing.faults import Fault, Options
from testing.functions.process import Killed, Process
from testing.world import World
from tests.simulation.truth import Truth
from tests.simulation.workload import Publication, Raw

BURST = 100
# While nobody can consume: each of these is delivered over and over until the outage ends.
BURST_IN_OUTAGE = 10
PAUSE_IN_OUTAGE_SECONDS = 3600.0
CALM_SECONDS = 200.0  # after which nothing of the last burst waits any more
_REPEATS: Options = (Fault.PUBLISHED_AGAIN, Fault.RESENT_LATE)


class Producer:
    """Publishes until all is `done`, of which that is the share, a burst about every `pause_seconds`. When half is
    done, DynamoDB is out for `outage_seconds`.

    It keeps what it has published on its own disk, so a new process goes on with the burst that the dead one had begun.
    """

    def __init__(
        self,
        world: World,
        truth: Truth,
        workload: Iterator[Publication],
        *,
        done: Callable[[], float],
        pause_seconds: float,
        outage_seconds: float = 0.0,
    ) -> None:
        self.at_rest = False
        self._world = world
        self._truth = truth
        self._workload = workload
        self._done = done
        self._outage_seconds = outage_seconds
        self._pause_seconds = pause_seconds
        self._process = Process(world, "producer")

    def run(self) -> None:
        """The task of its life."""
        scheduler = self._world.scheduler
        while self._done() < 1:
            if self._outage_seconds and self._done() >= 0.5:
                scheduler.sleep(CALM_SECONDS)
                self._world.outage("dynamodb", seconds=self._outage_seconds)
                self._outage_seconds = 0.0
            out = self._world.is_out("dynamodb")
            burst = [*islice(self._workload, BURST_IN_OUTAGE if out else BURST)]
            for publication in burst:
                self._know(publication)
            self._publish(burst)
            fault = self._world.fault("producer", _REPEATS)
            if fault is Fault.PUBLISHED_AGAIN:
                self._publish(burst)
            elif fault is Fault.RESENT_LATE:
                delay_seconds = 400 + 2000 * scheduler.random.random()
                scheduler.after(delay_seconds, partial(scheduler.spawn, partial(self._publish, burst, "late")))
            pause_seconds = PAUSE_IN_OUTAGE_SECONDS if out else self._pause_seconds
            scheduler.sleep(pause_seconds * 2 * scheduler.random.random())
        self.at_rest = True

    def _know(self, publication: Publication) -> None:
        known = self._truth.publications
        if known.setdefault(publication.event_id, publication) is not publication:
            self._truth.tampered.add(publication.event_id)
        if publication.failures:
            self._world.disturbance.stubborn[publication.event_id] = publication.failures
        if publication.kind.value == "killer":
            self._world.disturbance.killers.add(publication.event_id)
        elif publication.kind.value == "unprocessable":
            self._world.disturbance.unprocessable.add(publication.event_id)

    def _publish(self, burst: Sequence[Publication], resend: str | None = None) -> None:
        """Until the topic has accepted all of it."""
        while True:
            try:
                self._try_to_publish(burst, resend)
            except Killed:
                self._process = Process(self._world, "producer")
                self._world.scheduler.sleep(5.0)
            else:
                return

    def _try_to_publish(self, burst: Sequence[Publication], resend: str | None) -> None:
        process, scheduler = self._process, self._world.scheduler
        publisher = self._world.publisher(process, source="urn:waybill:simulation")
        pending = [each.what for each in burst if isinstance(each.what, Draft)]
        while pending:
            report = publisher.publish(pending, resend=resend)
            failed = {entry.event_id for entry in report.failed}
            assert not any(entry.own_fault for entry in report.failed), report.failed
            pending = [draft for draft in pending if draft.event.event_id in failed]
            if pending:
                scheduler.sleep(2.0)
        client = process.client("sns")
        for raw in [each.what for each in burst if isinstance(each.what, Raw)]:
            while True:
                try:
                    client.publish(**raw.request(self._world.sns_topic.arn))
                except (ClientError, BotoCoreError):
                    scheduler.sleep(1.0)
                else:
                    break
