"""Rules on what a function is given: for how long, how often, and what becomes of a batch that fails in part."""

from __future__ import annotations

from collections.abc import Iterator

from messaging.events import CATALOGUE
from messaging.subscription import REPLAY_HORIZON_SECONDS, Subscription
from stacks.rules.blueprint import MAPPING, Blueprint, document, listed, number, text
from stacks.rules.queues import retention_seconds, visibility_timeout_seconds
from stacks.rules.rule import Breach, Rule

# What Lambda takes where a function says nothing: https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
TIMEOUT_SECONDS = 3
# Both AWS's advice.
VISIBILITY_TIMEOUTS = 6
LEAST_RECEIVES = 5

_QUEUES_OF_FUNCTIONS = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"
# Of a function that no row describes: what a row plans with that says nothing.
_OUTAGE_SECONDS = Subscription(consumer="unknown", events=CATALOGUE).outage_seconds


def _visibility_timeouts(blueprint: Blueprint) -> Iterator[Breach]:
    for consumer in blueprint.consumers:
        if consumer.queue is None or consumer.function is None:
            continue
        visible_seconds = visibility_timeout_seconds(consumer.queue)
        timeout_seconds = number(consumer.function.properties.get("Timeout"), TIMEOUT_SECONDS)
        window_seconds = number(consumer.mapping.properties.get("MaximumBatchingWindowInSeconds"), 0)
        if visible_seconds is None or timeout_seconds is None or window_seconds is None:
            continue
        least_seconds = VISIBILITY_TIMEOUTS * timeout_seconds + window_seconds
        if visible_seconds < least_seconds:
            yield Breach(
                resource=consumer.queue,
                location="Properties.VisibilityTimeout",
                value=f"VisibilityTimeout {visible_seconds} s is less than {VISIBILITY_TIMEOUTS} x the time-out of "
                f"{timeout_seconds} s + the window of {window_seconds} s",
                mend=f"set VisibilityTimeout to {least_seconds} s or more, or shorten the function's Timeout",
            )


def _marker_lifetimes(blueprint: Blueprint) -> Iterator[Breach]:
    for consumer in blueprint.consumers:
        if consumer.queue is None or consumer.row is None:
            continue
        dead_letter_queue = blueprint.dead_letter_queue(consumer.queue)
        kept = retention_seconds(consumer.queue)
        kept_dead = 0 if dead_letter_queue is None else retention_seconds(dead_letter_queue)
        lifetime_seconds = consumer.row.marker_lifetime_seconds
        if kept is None or kept_dead is None or lifetime_seconds >= kept + kept_dead + REPLAY_HORIZON_SECONDS:
            continue
        yield Breach(
            resource=consumer.queue,
            location="Properties.MessageRetentionPeriod",
            value=f"a marker of {consumer.row.consumer} lives {lifetime_seconds} s, its event comes back for {kept} s "
            f"from the queue + {kept_dead} s from the dead-letter queue + {REPLAY_HORIZON_SECONDS} s by a replay",
            mend="let the queues keep messages as long as the row says: set its retention_seconds",
        )


def _partial_responses(blueprint: Blueprint) -> Iterator[Breach]:
    for mapping in blueprint.of(MAPPING):
        types = listed(mapping.properties.get("FunctionResponseTypes"))
        if "ReportBatchItemFailures" not in types:
            yield Breach(
                resource=mapping,
                location="Properties.FunctionResponseTypes",
                value=f"FunctionResponseTypes is {types}",
                mend='set FunctionResponseTypes to ["ReportBatchItemFailures"]',
            )


def _filtering_mappings(blueprint: Blueprint) -> Iterator[Breach]:
    for consumer in blueprint.consumers:
        criteria = document(consumer.mapping.properties.get("FilterCriteria"))
        if consumer.queue is not None and criteria:
            yield Breach(
                resource=consumer.mapping,
                location="Properties.FilterCriteria",
                value=f"FilterCriteria is {text(criteria)}",
                mend="filter where the queue subscribes: by `where` in the row",
            )


def _receive_counts(blueprint: Blueprint) -> Iterator[Breach]:
    for consumer in blueprint.consumers:
        if consumer.queue is None:
            continue
        receives = number(document(consumer.queue.properties.get("RedrivePolicy")).get("maxReceiveCount"), 0)
        visible_seconds = visibility_timeout_seconds(consumer.queue)
        if not receives or visible_seconds is None:  # without a dead-letter queue another rule speaks
            continue
        outage_seconds = _OUTAGE_SECONDS if consumer.row is None else consumer.row.outage_seconds
        if receives < LEAST_RECEIVES or receives * visible_seconds < outage_seconds:
            enough = max(LEAST_RECEIVES, -(-outage_seconds // max(1, visible_seconds)))
            yield Breach(
                resource=consumer.queue,
                location="Properties.RedrivePolicy",
                value=f"maxReceiveCount {receives} x VisibilityTimeout {visible_seconds} s is "
                f"{receives * visible_seconds} s of retries, an outage may last {outage_seconds} s",
                mend=f"set maxReceiveCount to {enough} or more"
                if enough <= 1_000  # SQS takes no more
                else "let the visibility timeout be longer, or plan with a shorter outage: outage_seconds of the row",
            )


RULES = (
    Rule(
        name="visibility-timeout",
        says="a batch that is throttled or slow must not become visible while it is worked on",
        source=_QUEUES_OF_FUNCTIONS,
        judge=_visibility_timeouts,
    ),
    Rule(
        name="marker-lifetime",
        says="a marker must outlive every way on which its event can come back, or its effect is applied twice",
        source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
        "sqs-configure-dead-letter-queue-redrive.html",
        judge=_marker_lifetimes,
    ),
    Rule(
        name="batch-item-failures",
        says="without it Lambda ignores which records failed, and deletes them with the rest of their batch",
        source="https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html",
        judge=_partial_responses,
    ),
    Rule(
        name="mapping-filter",
        says="Lambda deletes what its filter does not match from the queue: no consumer, letter or log tells of it",
        source="https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html",
        judge=_filtering_mappings,
    ),
    Rule(
        name="receive-count",
        says=f"an outage must not dead-letter good messages, and AWS advises {LEAST_RECEIVES} receives at least",
        source=_QUEUES_OF_FUNCTIONS,
        judge=_receive_counts,
    ),
)
