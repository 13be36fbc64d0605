"""One page that a person can read at three in the morning: what is red, the flow from left to right, each consumer.

Its body is plain data; `widgets` says how each kind of graph is written.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import CfnOutput, Stack

from messaging import metrics as own
from messaging.subscription import Subscription
from stacks import alarms
from stacks.function_alarms import DURATION, FAILING
from stacks.metrics import Metric, Names, of_all, of_function, of_queue, of_service, of_table, of_topic
from stacks.resources import Value, add_resource
from stacks.widgets import MAX_ALARMS, Json, Row, alarm_states, by_reason, compared, graph, heading, place

DASHBOARD_NAME_OUTPUT = "DashboardName"

PERCENTILES = ("p50", "p95", "p99")
OUTCOME_LABELS: Mapping[str, str] = {
    own.OUTCOMES["applied"]: "applied",
    own.OUTCOMES["duplicate"]: "duplicates suppressed",
    own.OUTCOMES["retry"]: "to be retried",
    own.OUTCOMES["held_back"]: "held back behind a failed one",
    own.OUTCOMES["dead_lettered"]: "dead-lettered",
    own.CONFLICTS: "conflicts of transactions",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One consumer as the dashboard shows it."""

    row: Subscription
    names: Names
    unwell_arn: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all consumers share. `tables` are physical names by the topology's."""

    relay: Names
    unwell_arns: Sequence[Value]  # of the topic and of the relay
    elsewhere_unwell_arns: Sequence[Value]  # of the consumers of other stacks
    tables: Mapping[str, Value]


def add_dashboard(
    stack: Stack, consumers: Sequence[Watched], *, topic: Names, shared: Shared | None = None, prefix: str = ""
) -> None:
    """The dashboard of a stack, and its name as an output whose key begins with `prefix`.

    The one with what all consumers share has on top how the consumers of every stack are.
    """
    body = {
        "start": "-PT3H",
        "periodOverride": "inherit",  # the periods of the alarms, however long a time is shown
        "widgets": place(_rows(consumers, topic, shared), region=stack.region),
    }
    properties = {"DashboardBody": stack.to_json_string(body)}
    name = add_resource(stack, "Dashboard", "AWS::CloudWatch::Dashboard", properties).ref
    CfnOutput(stack, f"{prefix}{DASHBOARD_NAME_OUTPUT}", value=name, description="The page for three in the morning")


def _rows(consumers: Sequence[Watched], topic: Names, shared: Shared | None) -> Iterator[Row]:
    states = [each.unwell_arn for each in consumers]
    if shared is not None:
        states = [*shared.unwell_arns, *states, *shared.elsewhere_unwell_arns]
    yield from _states(states)
    yield heading("From left to right: what comes in, what goes on, what waits, what is done, what is given up")
    yield _flow(consumers, topic)
    for each in consumers:
        row = each.row
        queue = "FIFO" if row.fifo else "standard"
        yield heading(f"{row.consumer} ({queue} queue, batches of {row.batch_size}, {row.maximum_concurrency} at once)")
        yield _waiting(each)
        yield _working(each)
    if shared is not None:
        yield heading("What all share: publishers, the relay of the outbox, the tables")
        yield _publishing(shared)
        yield _tables(shared.tables)


def _states(arns: Sequence[Value]) -> Iterator[Row]:
    for begin in range(0, len(arns), MAX_ALARMS):
        shown = arns[begin : begin + MAX_ALARMS]
        yield [alarm_states("What is unwell (red ones first); each consumer has its part below", shown)]


def _flow(consumers: Sequence[Watched], topic: Names) -> Row:
    def of_each(metric: Metric) -> list[Json]:
        return [metric.line(each.names, label=each.row.consumer) for each in consumers]

    visible = "ApproximateNumberOfMessagesVisible"
    return [
        graph("1. Published to the topic", [of_topic("NumberOfMessagesPublished").line(topic, label="events")]),
        graph(
            "2. Delivered to queues",
            [
                of_topic("NumberOfNotificationsDelivered").line(topic, label="deliveries"),
                of_topic("NumberOfNotificationsFailed").line(topic, label="failed"),
            ],
        ),
        graph("3a. Waiting", of_each(of_queue(visible, "Maximum")), unit="messages"),
        graph("3b. Oldest message", of_each(of_queue("ApproximateAgeOfOldestMessage", "Maximum")), unit="seconds"),
        graph("4. Applied", of_each(of_service(own.OUTCOMES["applied"]))),
        graph("5. Dead letters", of_each(of_queue(visible, "Maximum", "DeadLetterQueue")), unit="messages"),
    ]


def _waiting(each: Watched) -> Row:
    row, names = each.row, each.names
    return [
        graph(
            "Backlog",
            [
                of_queue("ApproximateNumberOfMessagesVisible", "Maximum").line(names, label="waiting"),
                of_queue("ApproximateNumberOfMessagesNotVisible", "Maximum").line(names, label="in flight"),
            ],
            unit="messages",
            limits={"alarm: waiting": alarms.DEPTH.limit(row), "alarm: in flight": alarms.IN_FLIGHT.limit(row)},
        ),
        compared(
            "Drained in",
            alarms.GROWING,
            names,
            unit="minutes",
            label="minutes left",
            limits={"alarm: a day, or it grows": alarms.GROWING.limit(row)},
        ),
        graph(
            "Lag: age of the oldest message",
            [of_queue("ApproximateAgeOfOldestMessage", "Maximum").line(names, label="oldest")],
            unit="seconds",
            limits={"alarm": alarms.AGE.limit(row)},
        ),
        graph(
            "In and out",
            [
                of_queue("NumberOfMessagesSent", "Sum").line(names, label="in"),
                of_queue("NumberOfMessagesDeleted", "Sum").line(names, label="out"),
            ],
            unit="messages a minute",
        ),
    ]


def _working(each: Watched) -> Row:
    row, names = each.row, each.names
    errors = [
        of_function("Errors", "Sum").line(names, label="function failed"),
        of_function("Throttles", "Sum").line(names, label="throttled"),
    ]
    outcomes = [of_service(name).line(names, label=label) for name, label in OUTCOME_LABELS.items()]
    return [
        graph(
            "A batch takes",
            _percentiles(of_service, own.EFFECT_LATENCY, names),
            unit="milliseconds",
            limits={"alarm (p99 of the function)": DURATION.limit(row)},
        ),
        graph(
            "From publication until applied",
            _percentiles(of_service, own.END_TO_END_LATENCY, names),
            unit="milliseconds",
        ),
        graph("Outcomes and errors", [*outcomes, *errors], unit="a minute"),
        compared(
            "Error rate: handed back",
            FAILING,
            names,
            unit="% of records",
            label="to be retried or held back",
            limits={"alarm": FAILING.limit(row)},
        ),
        by_reason("Dead letters by reason", row.consumer, names["Namespace"]),
    ]


def _publishing(shared: Shared) -> Row:
    return [
        graph(
            "Published, of all publishers",
            [
                of_all(own.PUBLISHED).line(shared.relay, label="acknowledged"),
                of_all(own.PUBLISH_FAILED).line(shared.relay, label="not acknowledged"),
                of_all(own.UNROUTED).line(shared.relay, label="no subscription takes them"),
            ],
        ),
        graph(
            "A run of a publisher takes", _percentiles(of_all, own.PUBLISH_LATENCY, shared.relay), unit="milliseconds"
        ),
        graph(
            "Relay: behind the outbox",
            [of_function("IteratorAge", "Maximum").line(shared.relay, label="behind")],
            unit="milliseconds",
            limits={"alarm": alarms.RELAY_LAG_MILLISECONDS},
        ),
        graph(
            "Relay: trouble",
            [
                of_service(own.REFUSED).line(shared.relay, label="refused for good"),
                of_service(own.RELAY_RETRIED).line(shared.relay, label="to be retried"),
                of_function("Errors", "Sum").line(shared.relay, label="function failed"),
                of_function("Throttles", "Sum").line(shared.relay, label="throttled"),
            ],
        ),
    ]


def _tables(tables: Mapping[str, Value]) -> Row:
    def of_each(metric: str) -> list[Json]:
        return [of_table(metric).line({"Table": table}, label=name) for name, table in tables.items()]

    return [
        graph("DynamoDB: throttled writes", of_each("WriteThrottleEvents")),
        graph("DynamoDB: throttled reads", of_each("ReadThrottleEvents")),
        graph("DynamoDB: conflicts of transactions", of_each("TransactionConflict")),
    ]


def _percentiles(of: Callable[[str, str], Metric], name: str, names: Names) -> list[Json]:
    return [of(name, each).line(names, label=each) for each in PERCENTILES]
