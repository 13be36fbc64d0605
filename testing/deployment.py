"""What a row of the topology becomes in a world: queues, a subscription, a function and its mapping."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from messaging.settings import RelaySettings, Settings
from messaging.subscription import DAY_SECONDS, Subscription
from messaging.tables import INBOX, OUTBOX
from messaging.topic import Topic
from testing import sns, sqs
from testing.functions.fleet import Fleet, Function
from testing.functions.queue_mapping import QueueMapping
from testing.functions.stream_mapping import StreamMapping
from testing.telemetry import Telemetry

if TYPE_CHECKING:
    from botocore.config import Config

    from testing.wired import Wiring
    from testing.world import World

RELAY = "relay"
# As stacks/ has them.
RELAY_TIMEOUT_SECONDS = 60
TOPIC_DEAD_LETTER_RETENTION_SECONDS = 14 * DAY_SECONDS
CODE_VERSION = "v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """One subscription, as it was deployed from its row."""

    row: Subscription
    queue: sqs.Queue
    dead_letter_queue: sqs.Queue
    topic_dead_letter_queue: sqs.Queue
    subscription: sns.Subscription
    fleet: Fleet
    mapping: QueueMapping
    telemetry: Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a deployment has that its row can't say. None is the row's."""

    max_receive_count: int | None = None
    maximum_concurrency: int | None = None
    reports_failures: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What every function of a world is told of it. `newer_version_patience_seconds` None is the row's."""

    mail_from: str
    keeps_logs: bool
    newer_version_patience_seconds: int | None


def wiring(seed: int, real_botocore: bool | Config) -> Wiring | None:
    """Real clients for a world that wants them. Imported only then: botocore's clients take a third of a second."""
    if real_botocore is False:
        return None
    from testing.wired import Wiring

    return Wiring(seed, None if real_botocore is True else real_botocore)


def check_function(function: object, row: Subscription | None = None) -> None:
    """Raises TypeError for what no world can start, ValueError for a consumer's function that goes by another row."""
    if not hasattr(function, "start"):
        raise TypeError(f"deploy what lambda_handler() has made, not a {type(function).__name__}")
    own: Topic | None = getattr(function, "topic", None)
    if row is not None and own is not None and own.subscription(row.consumer) != row:
        raise ValueError(f"{row.consumer}: the function goes by another row than that of World(topic=...)")


def deploy_consumer(
    world: World,
    row: Subscription,
    function: Function,
    *,
    tables: Mapping[str, str],
    changes: Changes,
    conditions: Conditions,
) -> Deployed:
    """Deploy it; `tables` are physical names by the topology's, of those that are not called so."""
    consumer, end = row.consumer, ".fifo" if row.fifo else ""
    dead = world.sqs.create_queue(f"{consumer}-dead{end}", _retention(row.dead_letter_retention_seconds))
    queue = world.sqs.create_queue(f"{consumer}{end}", _attributes(row, dead.arn, changes))
    # FIFO whatever the queue is: https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
    undelivered = world.sqs.create_queue(f"{consumer}-topic-dead.fifo", _retention(TOPIC_DEAD_LETTER_RETENTION_SECONDS))
    subscription = world.sns_topic.subscribe(
        queue, name=consumer, filter_policy=row.filter_policy, dead_letter_queue=undelivered
    )
    telemetry = Telemetry(keeps_lines=conditions.keeps_logs)
    patience_seconds = conditions.newer_version_patience_seconds
    settings = Settings(
        consumer=consumer,
        queue_url=queue.url,
        dead_letter_queue_url=dead.url,
        tables={name: tables.get(name, name) for name in _tables_of(row)},
        code_version=CODE_VERSION,
        newer_version_patience_seconds=(
            row.newer_version_patience_seconds if patience_seconds is None else patience_seconds
        ),
        mail_from=conditions.mail_from if "ses:SendEmail" in row.calls else None,
    )
    fleet = Fleet(
        world,
        consumer,
        function,
        environment=settings.to_environment(),
        timeout_seconds=row.timeout_seconds,
        telemetry=telemetry,
    )
    mapping = QueueMapping(
        world,
        queue,
        fleet,
        batch_size=row.batch_size,
        window_seconds=row.batching_window_seconds,
        maximum_concurrency=changes.maximum_concurrency or row.maximum_concurrency,
        reports_failures=changes.reports_failures,
    )
    return Deployed(
        row=row,
        queue=queue,
        dead_letter_queue=dead,
        topic_dead_letter_queue=undelivered,
        subscription=subscription,
        fleet=fleet,
        mapping=mapping,
        telemetry=telemetry,
    )


def deploy_relay(world: World, function: Function, conditions: Conditions) -> tuple[Fleet, StreamMapping]:
    """The relay's function, and its mapping on the outbox's stream."""
    settings = RelaySettings(topic_arn=world.sns_topic.arn, outbox_table=OUTBOX.name, code_version=CODE_VERSION)
    fleet = Fleet(
        world,
        RELAY,
        function,
        environment=settings.to_environment(),
        timeout_seconds=RELAY_TIMEOUT_SECONDS,
        telemetry=Telemetry(keeps_lines=conditions.keeps_logs),
    )
    return fleet, StreamMapping(world, world.store, OUTBOX.name, fleet)


def _tables_of(row: Subscription) -> tuple[str, ...]:
    """As stacks/ has it: a function is told of no table that its row does not name, and may use no other."""
    emitted = (OUTBOX.name,) if row.emits else ()
    return (INBOX.name, *row.reads, *row.writes, *emitted)


def _retention(seconds: int) -> dict[str, str]:
    return {"MessageRetentionPeriod": str(seconds)}


def _attributes(row: Subscription, dead_letter_arn: str, changes: Changes) -> dict[str, str]:
    most = changes.max_receive_count or row.max_receive_count
    redrive = {"deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": most}
    attributes = {
        "VisibilityTimeout": str(row.visibility_timeout_seconds),
        **_retention(row.retention_seconds),
        "RedrivePolicy": json.dumps(redrive),
    }
    if row.fifo:
        attributes |= {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    return attributes
