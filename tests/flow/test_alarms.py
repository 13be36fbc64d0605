"""Deployed: the synthesized alarms turn red and green with what happens in the queues, and tell people once each."""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise

import pytest

from local.alarms.definitions import MetricAlarm
from local.alarms.watch import Status, Watcher
from local.demo.places import Places
from local.demo.tables import scan
from local.deployment import Deployment
from messaging.tables import ORDER_LOG
from messaging.topology import ORDERS
from tests.factories import body, line, order
from tests.flow.observing import drained, wait_for
from tests.flow.operating import Waybill

ALARM_TOPIC = "AlarmTopicArn"
VISIBLE, AGE = "ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"

Change = tuple[str, str]  # an alarm's name and its new state
Open = Callable[..., Watcher]


def queue_name(url: str) -> str:
    return url.rpartition("/")[2]


def alarm_on(statuses: Sequence[Status], metric: str, queue: str) -> str:
    """The name of the alarm that watches just this metric of this queue."""
    (found,) = [
        status.alarm.name
        for status in statuses
        if isinstance(status.alarm, MetricAlarm)
        and [(each.name, each.dimension("QueueName")) for each in status.alarm.metrics] == [(metric, queue)]
        and not any(query.expression for query in status.alarm.queries)
    ]
    return found


def red(statuses: Sequence[Status]) -> set[str]:
    return {status.alarm.name for status in statuses if status.state == "ALARM"}


def changes(looks: Sequence[Sequence[Status]]) -> list[Change]:
    """What changed from look to look."""
    states = [{status.alarm.name: status.state for status in look} for look in looks]
    return [
        (name, str(after[name])) for before, after in pairwise(states) for name in after if after[name] != before[name]
    ]


def told(statuses: Sequence[Status], changed: Sequence[Change]) -> Counter[Change]:
    """Those of the changes that the templates want people to be told of."""
    actions = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
    properties = {status.alarm.name: status.alarm.properties for status in statuses}
    return Counter((name, state) for name, state in changed if properties[name].get(actions[state]))


@pytest.fixture
def inbox(deployment: Deployment) -> Iterator[Callable[[], Counter[Change]]]:
    """A queue subscribed to the alarm topic. Gives what it got since it was subscribed, all messages and not only new
    ones."""
    sqs, sns = deployment.client("sqs"), deployment.client("sns")
    url = sqs.create_queue(QueueName=f"alarms-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription = sns.subscribe(TopicArn=deployment.outputs[ALARM_TOPIC], Protocol="sqs", Endpoint=arn)
    got: Counter[Change] = Counter()

    def received() -> Counter[Change]:
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                notice = json.loads(json.loads(message["Body"])["Message"])
                got[notice["AlarmName"], notice["NewStateValue"]] += 1
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return got

    yield received
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    sqs.delete_queue(QueueUrl=url)


def enable(deployment: Deployment, places: Places, consumer: str, enabled: bool) -> None:
    """Start or stop a consumer, as an operator does."""
    functions, mapping = deployment.client("lambda"), places.event_source_mapping(consumer)
    functions.update_event_source_mapping(UUID=mapping, Enabled=enabled)
    state = "Enabled" if enabled else "Disabled"
    wait_for(lambda: functions.get_event_source_mapping(UUID=mapping)["State"] == state, f"{consumer} {state}")


def fill(deployment: Deployment, places: Places, consumer: str, count: int) -> None:
    """Put orders straight into a consumer's queue, a standard one."""
    sqs, run = deployment.client("sqs"), f"alarm-{uuid.uuid4().hex[:8]}"
    text = body(order(run, lines=[line("FLOW-4")]), time=time.time())
    for start in range(0, count, 10):
        orders = range(start, min(start + 10, count))
        entries = [{"Id": str(number), "MessageBody": text.replace(run, f"{run}-{number}")} for number in orders]
        sqs.send_message_batch(QueueUrl=places.queue_url(consumer), Entries=entries)


def test_a_stopped_consumer_raises_depth_and_lag_in_turn_and_its_restart_clears_them(
    deployment: Deployment, places: Places, opened: Open, inbox: Callable[[], Counter[Change]]
) -> None:
    """Minute by minute on the test's own clock: depth after 15 of them, lag once messages were too old for 15, and
    people hear of each change once."""
    drained(deployment, places)
    consumer = min((row for row in ORDERS.subscriptions if not row.fifo), key=lambda row: row.timeout_seconds).consumer
    watcher = opened()
    first = watcher.look()
    queue = queue_name(places.queue_url(consumer))
    depth, lag = alarm_on(first, VISIBLE, queue), alarm_on(first, AGE, queue)
    inbox().clear()  # of the first look: alarms that were just created turn green

    enable(deployment, places, consumer, enabled=False)
    try:
        fill(deployment, places, consumer, count=limit(first, depth) + 1)
        looks = [first]
        while not {depth, lag} <= red(looks[-1]) and len(looks) <= 20:
            looks.append(watcher.look())
    finally:
        enable(deployment, places, consumer, enabled=True)
    turned_red = [name for name, state in changes(looks) if state == "ALARM"]
    assert turned_red.index(depth) < turned_red.index(lag)
    assert red(looks[14]).isdisjoint({depth, lag})
    assert {depth, lag} <= red(looks[-1])
    other_queues = {queue_name(places.queue_url(name)) for name in places.consumers} - {queue}
    assert not {alarm_on(first, metric, other) for metric in (VISIBLE, AGE) for other in other_queues} & red(looks[-1])

    drained(deployment, places)
    looks.append(watcher.look())
    assert red(looks[-1]).isdisjoint({depth, lag})
    assert inbox() == told(first, changes(looks))
    assert inbox()[depth, "ALARM"] == inbox()[depth, "OK"] == inbox()[lag, "ALARM"] == inbox()[lag, "OK"] == 1


def limit(statuses: Sequence[Status], name: str) -> int:
    """An alarm's threshold."""
    (alarm,) = [status.alarm for status in statuses if status.alarm.name == name]
    assert isinstance(alarm, MetricAlarm)
    return int(alarm.condition.threshold)


def test_a_poison_order_raises_the_dead_letter_alarm_of_its_queue_alone_and_its_redrive_clears_it(
    deployment: Deployment,
    places: Places,
    opened: Open,
    inbox: Callable[[], Counter[Change]],
    waybill: Waybill,
) -> None:
    """Watched in half-second minutes; mended and sent back the order is applied. People hear of each change once."""
    sqs, consumer = deployment.client("sqs"), "standard_orders"
    for name in places.consumers:
        sqs.purge_queue(QueueUrl=places.dead_letter_queue_url(name))  # those of other tests
    watcher = opened(minute_seconds=0.5, clock=time.time)
    looks: list[Sequence[Status]] = [watcher.look()]
    alarms = {
        name: alarm_on(looks[0], VISIBLE, queue_name(places.dead_letter_queue_url(name))) for name in places.consumers
    }
    assert red(looks[0]).isdisjoint(alarms.values())
    inbox().clear()

    poison = order(f"alarm-{uuid.uuid4().hex[:8]}", lines=[line("FLOW-5")])
    sqs.send_message(
        QueueUrl=places.queue_url(consumer),
        MessageBody=body(poison, time=time.time()).replace('"USD"', '"EUR"'),
        MessageAttributes={"priority": {"DataType": "String", "StringValue": poison.priority}},
        MessageGroupId=poison.customer_id,
        MessageDeduplicationId=uuid.uuid4().hex,
    )
    watch_until(watcher, looks, lambda now: bool(red(now) & set(alarms.values())))
    assert red(looks[-1]) & set(alarms.values()) == {alarms[consumer]}
    watch_until(watcher, looks, lambda now: len(looks) > 8)
    assert red(looks[-1]) & set(alarms.values()) == {alarms[consumer]}

    waybill("dlq", "edit", consumer, poison.event_id, exit_code=0)
    watch_until(watcher, looks, lambda now: red(now).isdisjoint(alarms.values()))
    drained(deployment, places)
    assert poison.order_id in {
        item["order_id"]["S"] for item in scan(deployment.client("dynamodb"), places.table(ORDER_LOG))
    }
    assert inbox() == told(looks[0], changes(looks))
    assert inbox()[alarms[consumer], "ALARM"] == inbox()[alarms[consumer], "OK"] == 1


def watch_until(watcher: Watcher, looks: list[Sequence[Status]], condition: Callable[[Sequence[Status]], bool]) -> None:
    """Go on watching; 60 looks are the most."""
    for statuses in islice(watcher.looks(), 60):
        looks.append(statuses)
        if condition(statuses):
            return
    pytest.fail("an alarm did not change in 60 minutes of half a second")
