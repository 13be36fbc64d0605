"""Rules on dead-letter queues: there is one, of the right type, for long enough, and for one source alone."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.rules.blueprint import QUEUE, SUBSCRIPTION, TOPIC, Blueprint, Resource, document, text
from stacks.rules.queues import is_fifo, queue_type, retention_seconds
from stacks.rules.rule import Breach, Rule

_DEAD_LETTER_QUEUES = (
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html"
)


def _lacking_dead_letter_queues(blueprint: Blueprint) -> Iterator[Breach]:
    for consumer in blueprint.consumers:
        queue = consumer.queue
        if queue is not None and "deadLetterTargetArn" not in document(queue.properties.get("RedrivePolicy")):
            yield Breach(
                resource=queue,
                location="Properties.RedrivePolicy",
                value="a function reads the queue, and it has no RedrivePolicy",
                mend="give it a dead-letter queue of its own",
            )
    for subscription in blueprint.of(SUBSCRIPTION):
        redriven = "deadLetterTargetArn" in document(subscription.properties.get("RedrivePolicy"))
        if not redriven and subscription.properties.get("Protocol") == "sqs":
            yield Breach(
                resource=subscription,
                location="Properties.RedrivePolicy",
                value="SNS delivers to a queue, and the subscription has no RedrivePolicy",
                mend="give it a dead-letter queue of its own, FIFO for a FIFO topic",
            )


def _dead_letter_types(blueprint: Blueprint) -> Iterator[Breach]:
    for source, target in _dead_letter_pairs(blueprint):
        if is_fifo(source) != is_fifo(target):
            yield Breach(
                resource=source,
                location="Properties.RedrivePolicy",
                value=f"the queue is {queue_type(source)}, its {target.logical_id} is {queue_type(target)}",
                mend=f"make the dead-letter queue {queue_type(source)} too",
            )
    for subscription in blueprint.of(SUBSCRIPTION):
        topic = blueprint.behind(subscription.properties.get("TopicArn"), TOPIC, seen_from=subscription)
        letters = blueprint.dead_letter_queue(subscription)
        if topic is not None and letters is not None and is_fifo(topic) and not is_fifo(letters):
            yield Breach(
                resource=subscription,
                location="Properties.RedrivePolicy",
                value=f"the topic is FIFO, the subscription's {letters.logical_id} is standard",
                mend="make the dead-letter queue FIFO, whatever the queue is that the subscription delivers to",
            )


def _dead_letter_retentions(blueprint: Blueprint) -> Iterator[Breach]:
    for source, target in _dead_letter_pairs(blueprint):
        kept, kept_dead = retention_seconds(source), retention_seconds(target)
        if kept is None or kept_dead is None:
            continue
        # A standard dead letter keeps the time of its sending, a FIFO one begins anew.
        if kept_dead < kept or (kept_dead == kept and not is_fifo(target)):
            yield Breach(
                resource=target,
                location="Properties.MessageRetentionPeriod",
                value=f"MessageRetentionPeriod {kept_dead} s, its source {source.logical_id} keeps messages {kept} s",
                mend="let the dead-letter queue keep them longer: 1209600 s is the most",
            )


def _shared_dead_letter_queues(blueprint: Blueprint) -> Iterator[Breach]:
    sources: dict[Resource, list[str]] = {}
    for source, target in _dead_letter_pairs(blueprint):
        sources.setdefault(target, []).append(source.logical_id)
    for target, names in sources.items():
        if len(names) > 1:
            yield Breach(
                resource=target,
                location="Properties",
                value=f"dead-letter queue of {len(names)} queues: {', '.join(sorted(names))}",
                mend="give each source a dead-letter queue of its own",
            )


def _open_sources(blueprint: Blueprint) -> Iterator[Breach]:
    read = {consumer.queue for consumer in blueprint.consumers}
    for queue in blueprint.of(QUEUE):
        if queue not in read and not document(queue.properties.get("RedrivePolicy")):
            continue
        permission = document(queue.properties.get("RedriveAllowPolicy")).get("redrivePermission", "allowAll")
        if permission != "denyAll":
            yield Breach(
                resource=queue,
                location="Properties.RedriveAllowPolicy",
                value=f"redrivePermission is {text(permission)} on a queue that is a source",
                mend='set RedriveAllowPolicy to {"redrivePermission": "denyAll"}',
            )


RULES = (
    Rule(
        name="no-dead-letter-queue",
        says="a message that can never succeed, or never be delivered, must be kept: else it expires or is dropped",
        source=_DEAD_LETTER_QUEUES,
        judge=_lacking_dead_letter_queues,
    ),
    Rule(
        name="dead-letter-type",
        says="the dead-letter queue of a FIFO queue or topic is FIFO, that of a standard queue is standard",
        source=_DEAD_LETTER_QUEUES,
        judge=_dead_letter_types,
    ),
    Rule(
        name="dead-letter-retention",
        says="a dead letter must not expire before people have seen it, and in a standard queue its time runs on",
        source=_DEAD_LETTER_QUEUES,
        judge=_dead_letter_retentions,
    ),
    Rule(
        name="shared-dead-letter-queue",
        says="nobody can tell whose letters these are, and a redrive sends them all to one queue",
        source=_DEAD_LETTER_QUEUES,
        judge=_shared_dead_letter_queues,
    ),
    Rule(
        name="open-to-redrive",
        says="a source queue must be nobody's dead-letter queue, and by default it may be anybody's",
        source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html",
        judge=_open_sources,
    ),
)


def _dead_letter_pairs(blueprint: Blueprint) -> Iterator[tuple[Resource, Resource]]:
    for source in blueprint.of(QUEUE):
        target = blueprint.dead_letter_queue(source)
        if target is not None:
            yield source, target
