"""What wakes people up: the one table of alarms, of each subscription, of the topic, of the relay and of the canary.

The table is data: `watch` makes resources of it, `monitoring_doc` the table in docs/monitoring.md.
"""

from __future__ import annotations

from messaging import metrics as own
from stacks import thresholds
from stacks.alarm_rule import FIVE_MINUTES_SECONDS, AlarmRule, one
from stacks.function_alarms import DURATION, ERRORS, FAILING, THROTTLES
from stacks.metrics import of_all, of_function, of_queue, of_service, of_topic

# AWS: age and depth over 15 of 15 minutes, so that a burst is no alarm; dead letters by what is visible, as
# NumberOfMessagesSent does not count those that SQS moves itself.
DEPTH = AlarmRule(
    name="Depth",
    metrics=one(of_queue("ApproximateNumberOfMessagesVisible", "Maximum")),
    threshold=thresholds.depth,
    threshold_says="15 min x concurrency x batch size / time-out, of FIFO at most 4/5 of 120,000",
    datapoints=15,
    periods=15,
    advice="recommended",
    follows="15 of 15 minutes",
    means="messages arrive faster than the consumer takes them: look at its errors, throttles and concurrency",
)
AGE = AlarmRule(
    name="Age",
    metrics=one(of_queue("ApproximateAgeOfOldestMessage", "Maximum")),
    threshold=thresholds.age_seconds,
    threshold_says="1.5 x the longest healthy wait, at most half of the maximum age or of the outage",
    datapoints=15,
    periods=15,
    at_most=thresholds.age_minutes,
    advice="recommended",
    follows="15 of 15 minutes; fewer where messages would expire or be dead-lettered meanwhile",
    means="the consumer stands still, or a group waits behind a message that fails: act before messages are "
    "dead-lettered or expire",
)
# Metric math takes 0 for a data point that is missing, where the other operand has one. The backlog has one as long as
# anything waits, and `0 * backlog` lends it to a queue to which nothing is sent and of which nothing is deleted.
# Division by zero gives no data point: the pace is one message where the backlog does not shrink, and unused there.
# `Minimum`: a backlog that was empty for a minute of the five is none.
GROWING = AlarmRule(
    name="Growing",
    metrics={
        "backlog": of_queue("ApproximateNumberOfMessagesVisible", "Minimum"),
        "sent": of_queue("NumberOfMessagesSent", "Sum"),
        "deleted": of_queue("NumberOfMessagesDeleted", "Sum"),
    },
    expressions={
        "drained": "deleted - sent + 0 * backlog",
        "pace": "IF(drained > 0, drained, 1)",
        "drain": f"{FIVE_MINUTES_SECONDS // 60} * backlog / pace",
        "shrinking": f"IF(drain < {thresholds.LONGEST_FORECAST_MINUTES}, drain, {thresholds.LONGEST_FORECAST_MINUTES})",
        "stuck": f"IF(drained > 0, shrinking, {thresholds.LONGEST_FORECAST_MINUTES})",
        "forecast": "IF(backlog > 0, stuck, 0)",
    },
    comparison="GreaterThanOrEqualToThreshold",
    threshold=thresholds.LONGEST_FORECAST_MINUTES,
    threshold_says="a day until the backlog is drained at the present rate, or it grows",
    period_seconds=FIVE_MINUTES_SECONDS,
    datapoints=3,
    periods=3,
    advice="metric math",
    follows="none for this: five minutes smooth batches, three of them make 15",
    means="the backlog has not shrunk for 15 minutes: the consumer is slower than its publishers, or stands still",
)
IN_FLIGHT = AlarmRule(
    name="InFlight",
    metrics=one(of_queue("ApproximateNumberOfMessagesNotVisible", "Maximum")),
    threshold=thresholds.in_flight,
    threshold_says="1.5 x concurrency x batch size x visibility timeout, at most 4/5 of the quota of 120,000",
    datapoints=15,
    periods=15,
    advice="recommended",
    follows="15 of 15 minutes, half as many again as expected",
    means="messages are taken and neither finished nor given back; at 120,000 SQS stops silently: mend what fails",
)
DEAD_LETTERS = AlarmRule(
    name="DeadLetters",
    metrics=one(of_queue("ApproximateNumberOfMessagesVisible", "Maximum", "DeadLetterQueue")),
    datapoints=1,
    periods=1,
    advice="dead letters",
    follows="an alarm on any visible message",
    means="messages were given up: their attribute `waybill` says why; redrive them once that is mended",
)
DEAD_LETTERS_GROW = AlarmRule(
    name="DeadLettersGrow",
    metrics={"letters": of_queue("ApproximateNumberOfMessagesVisible", "Maximum", "DeadLetterQueue")},
    expressions={"growth": "DIFF(letters)"},
    period_seconds=FIVE_MINUTES_SECONDS,
    datapoints=3,
    periods=3,
    advice="metric math",
    follows="none for this: DeadLetters is red already, and this says that it goes on",
    means="more messages are given up every five minutes: stop what causes it (a deploy, a publisher) before redriving",
)
UNDELIVERED = AlarmRule(
    name="Undelivered",
    metrics=one(of_queue("ApproximateNumberOfMessagesVisible", "Maximum", "TopicDeadLetterQueue")),
    datapoints=1,
    periods=1,
    advice="dead letters",
    follows="an alarm on any visible message",
    means="the topic could not deliver to the queue: mend the queue's policy, then send the messages to it",
)

SUBSCRIPTION_ALARMS: tuple[AlarmRule, ...] = (
    *(DEPTH, AGE, GROWING, IN_FLIGHT, FAILING, ERRORS, THROTTLES, DURATION),
    *(DEAD_LETTERS, DEAD_LETTERS_GROW, UNDELIVERED),
)

# NumberOfNotificationsFilteredOut is none of them: it rises with every event that is routed to somebody else.
TOPIC_ALARMS: tuple[AlarmRule, ...] = (
    AlarmRule(
        name="Failed",
        metrics=one(of_topic("NumberOfNotificationsFailed")),
        datapoints=5,
        periods=5,
        advice="recommended",
        follows="5 of 5 minutes; a single failure is an Undelivered of its subscription",
        means="deliveries fail for good, minute after minute: look at the queues' policies and at Undelivered",
    ),
    AlarmRule(
        name="InvalidAttributes",
        metrics=one(of_topic("NumberOfNotificationsFilteredOut-InvalidAttributes")),
        datapoints=1,
        periods=1,
        advice="recommended",
        follows="threshold 0; at once and not in 5 minutes, as each of these is an event that nobody gets",
        means="SNS drops events for malformed attributes: find who publishes past messaging.publisher, and resend",
    ),
    AlarmRule(
        name="DeadLettered",
        metrics=one(of_topic("NumberOfNotificationsRedrivenToDlq")),
        datapoints=5,
        periods=5,
        advice="recommended",
        follows="threshold 0, 5 of 5 minutes; a single one is an Undelivered of its subscription",
        means="the topic parks what it can't deliver, minute after minute: mend the queue that Undelivered names",
    ),
    AlarmRule(
        name="Lost",
        metrics=one(of_topic("NumberOfNotificationsFailedToRedriveToDlq")),
        datapoints=1,
        periods=1,
        advice="recommended",
        follows="threshold 0; at once and not in 5 minutes, as each of these is lost",
        means="the topic could neither deliver nor park events: mend the topic's dead-letter queue, publish them again",
    ),
    AlarmRule(
        name="Unrouted",
        metrics=one(of_all(own.UNROUTED)),
        datapoints=1,
        periods=1,
        advice="none",
        follows="none: SNS drops such events without a metric of its own, so the publisher counts them",
        means="no subscription takes what was published: a filter or an attribute is wrong, or a row is missing",
    ),
)

# A healthy relay is a second behind; a minute is time for a retry or two, and well before follow-up events expire.
RELAY_LAG_MILLISECONDS = 60_000

RELAY_ALARMS: tuple[AlarmRule, ...] = (
    AlarmRule(
        name="Lag",
        metrics=one(of_function("IteratorAge", "Maximum")),
        threshold=RELAY_LAG_MILLISECONDS,
        threshold_says="a minute behind",
        datapoints=5,
        periods=5,
        advice="stream",
        follows="an alarm on the age of the stream's last record",
        means="the outbox is not sent: look at the function's errors, and at its rights on the topic",
    ),
    AlarmRule(
        name="Refused",
        metrics=one(of_service(own.REFUSED, "Maximum")),
        datapoints=1,
        periods=1,
        advice="none",
        follows="none: ours alone",
        means="the topic can never accept a message: its item stays in the outbox, and its attribute `refused` says "
        "why; delete it, or mend it and remove the attribute",
    ),
    ERRORS,
    THROTTLES,
)

# Of the canary's subscription, beside those of every subscription.
CANARY_ALARMS: tuple[AlarmRule, ...] = (
    AlarmRule(
        name="Silent",
        metrics=one(of_service(own.OUTCOMES["applied"])),
        comparison="LessThanThreshold",
        threshold=1,
        threshold_says="one a minute",
        datapoints=5,
        periods=5,
        missing_data="breaching",  # silence is what it listens for
        advice="none",
        follows="none: 5 of 5, so that a slow minute or a deploy is no alarm",
        means="no heartbeat came through topic, queue, function and table for five minutes: events are not processed",
    ),
)
