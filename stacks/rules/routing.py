"""Rules on who gets which event: filter policies, events that nobody takes, and their attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from messaging import filter_rules
from messaging.errors import TopologyError
from messaging.events import EventType
from stacks.rules.attributes import Attributes, attributes_of, may_take
from stacks.rules.blueprint import QUEUE, SUBSCRIPTION, TOPIC, Blueprint, Resource, document, is_true, text
from stacks.rules.rule import Breach, Rule

# SQS takes ten, and raw delivery discards a message with more. A dead letter needs one of them for its reason.
# https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
MAX_ATTRIBUTES = 10 - 1

_FILTERING = "https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html"


def _refused_policies(blueprint: Blueprint) -> Iterator[Breach]:
    for subscription in blueprint.of(SUBSCRIPTION):
        try:
            _check(subscription)
        except TopologyError as error:
            yield Breach(
                resource=subscription,
                location="Properties.FilterPolicy",
                value=str(error),
                mend="write what it asks for within SNS's limits, or in more than one subscription",
            )


def _wrapped_deliveries(blueprint: Blueprint) -> Iterator[Breach]:
    read = {consumer.queue for consumer in blueprint.consumers if consumer.row is not None}
    for subscription in blueprint.of(SUBSCRIPTION):
        queue = blueprint.behind(subscription.properties.get("Endpoint"), QUEUE, seen_from=subscription)
        raw = subscription.properties.get("RawMessageDelivery")
        if queue in read and queue is not None and not is_true(raw):
            yield Breach(
                resource=subscription,
                location="Properties.RawMessageDelivery",
                value=f"RawMessageDelivery is {raw}",
                mend="set RawMessageDelivery to true",
            )


def _matchless_filters(blueprint: Blueprint) -> Iterator[Breach]:
    possible = [attributes for event in _events(blueprint) for attributes in attributes_of(event)]
    for subscription, policy in _filtered(blueprint):
        if not any(may_take(policy, attributes) for attributes in possible):
            types = sorted({str(attributes["type"]) for attributes in possible})
            yield Breach(
                resource=subscription,
                location="Properties.FilterPolicy",
                value=f"no event of the catalogue matches {text(policy)}",
                mend=f"correct the names and values: the events are {', '.join(types)}",
            )


def _gaps_in_strict_order(blueprint: Blueprint) -> Iterator[Breach]:
    strict = {
        consumer.queue: consumer.row
        for consumer in blueprint.consumers
        if consumer.row is not None and consumer.row.ordering == "strict"
    }
    for subscription, policy in _filtered(blueprint):
        row = strict.get(blueprint.behind(subscription.properties.get("Endpoint"), QUEUE, seen_from=subscription))
        if row is None:
            continue
        dropped = [
            event.type
            for event in blueprint.catalogue
            if event.numbered and not all(may_take(policy, attributes) for attributes in attributes_of(event))
        ]
        if dropped:
            yield Breach(
                resource=subscription,
                location="Properties.FilterPolicy",
                value=f"{row.consumer} is strict, and its filter drops {', '.join(dropped)}",
                mend="take every numbered event, or order by `monotonic`",
            )


def _unrouted_events(blueprint: Blueprint) -> Iterator[Breach]:
    # Rows that a deployment leaves out count: it says that it does, and why.
    policies = [row.filter_policy for row in blueprint.rows]
    policies += [dict(policy) for _, policy in _filtered(blueprint)]
    announced = {event.type for event in blueprint.topic.announced}
    for topic in _event_topics(blueprint):
        for event in blueprint.catalogue:
            missed = [
                attributes
                for attributes in attributes_of(event)
                if event.type not in announced and not any(may_take(policy, attributes) for policy in policies)
            ]
            if missed:
                yield Breach(
                    resource=topic,
                    location="Properties",
                    value=f"no subscription takes {event.type} with {_told(missed[0])}",
                    mend="subscribe to it in a row of messaging/topology.py, or name it in the topic's `announced`",
                    detail=event.type,
                )


def _many_attributes(blueprint: Blueprint) -> Iterator[Breach]:
    for topic in _event_topics(blueprint):
        for event in _events(blueprint):
            names = sorted({name for attributes in attributes_of(event) for name in attributes})
            if len(names) > MAX_ATTRIBUTES:
                yield Breach(
                    resource=topic,
                    location="Properties",
                    value=f"{event.type} has {len(names)} message attributes: {', '.join(names)}",
                    mend="leave those that no filter needs to the event's data",
                    detail=event.type,
                )


RULES = (
    Rule(
        name="filter-policy",
        says="SNS refuses or misreads such a filter",
        source="https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html",
        judge=_refused_policies,
    ),
    Rule(
        name="raw-delivery",
        says="SNS would wrap each message into one of its own, without its attributes, and the consumer would bury it",
        source="https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html",
        judge=_wrapped_deliveries,
    ),
    Rule(
        name="matchless-filter",
        says="SNS drops in silence what no filter takes, and this subscription will never get an event",
        source=_FILTERING,
        judge=_matchless_filters,
    ),
    Rule(
        name="strict-order",
        says="strict ordering waits for each event of its group, and would wait forever for one that is filtered out",
        source=_FILTERING,
        judge=_gaps_in_strict_order,
    ),
    Rule(
        name="unrouted-event",
        says="SNS drops in silence what no filter takes",
        source=_FILTERING,
        judge=_unrouted_events,
    ),
    Rule(
        name="message-attributes",
        says=f"SQS takes {MAX_ATTRIBUTES + 1} attributes, and a dead letter has one of ours beside the event's",
        source="https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html",
        judge=_many_attributes,
    ),
)


def _events(blueprint: Blueprint) -> list[EventType]:
    """Whatever is published to the topic: the catalogue, and what its rows and announcements name besides."""
    topic = blueprint.topic
    named = [event for row in blueprint.rows for event in (*row.events, *row.emits)]
    return [*dict.fromkeys([*blueprint.catalogue, *named, *topic.announced])]


def _event_topics(blueprint: Blueprint) -> list[Resource]:
    """The topics of events, which are FIFO; the alarms' is a standard one."""
    return [topic for topic in blueprint.of(TOPIC) if is_true(topic.properties.get("FifoTopic"))]


def _filtered(blueprint: Blueprint) -> Iterator[tuple[Resource, Mapping[str, Any]]]:
    """Subscriptions to a topic of events, with their filters by attribute; without those that another rule refuses."""
    topics = _event_topics(blueprint)
    for subscription in blueprint.of(SUBSCRIPTION):
        topic = blueprint.behind(subscription.properties.get("TopicArn"), TOPIC, seen_from=subscription)
        if topic not in topics or _scope(subscription) != "MessageAttributes":
            continue
        try:
            _check(subscription)
        except TopologyError:
            continue
        yield subscription, document(subscription.properties.get("FilterPolicy"))


def _check(subscription: Resource) -> None:
    """Raise TopologyError for a filter that SNS does not take."""
    filter_rules.check(document(subscription.properties.get("FilterPolicy")), _scope(subscription))


def _scope(subscription: Resource) -> Any:
    return subscription.properties.get("FilterPolicyScope", "MessageAttributes")


def _told(attributes: Attributes) -> str:
    return ", ".join(f"{name}={'any' if value is None else value}" for name, value in attributes.items())
