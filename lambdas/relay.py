"""Sends the outbox's events to the topic, as the table's stream brings them; a schedule has it sweep for lost ones.

The composition root of the relay: it reads the environment and makes the clients, at the first invocation.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from lambdas.runtime import Context, Function, Machine
from messaging import stream
from messaging.journal import tell_sent
from messaging.metrics import REFUSED, RELAY, RELAY_RETRIED
from messaging.outbox_table import OutboxTable
from messaging.publisher import Publisher
from messaging.relay import Relay, Run
from messaging.settings import RelaySettings
from messaging.telemetry import add_published
from messaging.topology import ORDERS

SERVICE = RELAY


class _Application:
    """The relay's collaborators, made once and kept while the function is warm."""

    def __init__(self, machine: Machine) -> None:
        settings, clients = RelaySettings.from_environment(machine.environment), machine.clients
        self._logger = machine.logger(SERVICE)
        self._logger.append_keys(code_version=settings.code_version)
        self._metrics = machine.publisher_metrics(SERVICE)
        self._relay = Relay(
            OutboxTable(clients.dynamodb, table=settings.outbox_table, clock=machine.clock, sleep=machine.sleep),
            publisher=Publisher(
                clients.sns,
                topic=ORDERS,
                topic_arn=settings.topic_arn,
                source=f"urn:waybill:{SERVICE}",
                clock=machine.clock,
                sleep=machine.sleep,
                side_by_side=machine.side_by_side,
            ),
            topic=ORDERS,
            clock=machine.clock,
        )

    def run(self, event: dict[str, Any], context: Context) -> dict[str, Any]:
        """Relay a stream's batch, and say from where on Lambda must bring it again; or sweep, and say what it did."""

        def remaining_seconds() -> float:
            return context.get_remaining_time_in_millis() / 1000

        self._logger.append_keys(function_request_id=context.aws_request_id)
        if "sweep" in event:
            run = self._relay.sweep(event["sweep"]["older_than_seconds"], remaining_seconds)
            report = {**_counts(run), "complete": run.complete}
            self._tell(run, "sweep", report)
            return report
        batch = stream.records(event)
        run = self._relay.relay(batch, remaining_seconds)
        self._tell(run, "batch", _counts(run))
        return stream.response(batch, run.unfinished)

    def _tell(self, run: Run, what: str, report: dict[str, int]) -> None:
        """One line a run, one for each message (at DEBUG where it was sent), and the metrics. Never a payload."""
        for message in run.sent:
            tell_sent(message, self._logger)
        for refusal in run.refusals:
            extra = {"event_id": refusal.event_id, "code": refusal.code, **refusal.address._asdict()}
            self._logger.warning("refused", extra=extra)
        self._logger.info(what, extra=report)
        if run.parcels:
            add_published(
                self._metrics,
                published=run.published,
                failed=run.failed,
                unrouted=run.unrouted,
                seconds=run.seconds,
            )
            for name, count in METRICS.items():
                self._metrics.add_metric(name=name, unit=MetricUnit.Count, value=report[count])
            self._metrics.flush_metrics()


# What only a relay counts, and where it stands in the report.
METRICS = {REFUSED: "refused", RELAY_RETRIED: "retried"}


def _counts(run: Run) -> dict[str, int]:
    return {
        "items": len(run.parcels),
        "published": run.published,
        "refused": len(run.refusals),
        "unrouted": run.unrouted,
        "retried": run.retried,
    }


# Takes a batch of the outbox's stream, or `{"sweep": {"older_than_seconds": ...}}`, which the schedule sends.
handler = Function(lambda machine: _Application(machine).run)
