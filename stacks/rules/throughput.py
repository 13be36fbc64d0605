"""Rules on how much a FIFO queue and a FIFO topic take."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.rules.blueprint import QUEUE, TOPIC, Blueprint
from stacks.rules.queues import is_fifo
from stacks.rules.rule import Breach, Rule


def _slow_queues(blueprint: Blueprint) -> Iterator[Breach]:
    for queue in blueprint.of(QUEUE):
        given = [queue.properties.get(name) for name in ("DeduplicationScope", "FifoThroughputLimit")]
        if is_fifo(queue) and given != ["messageGroup", "perMessageGroupId"]:
            yield Breach(
                resource=queue,
                location="Properties.FifoThroughputLimit",
                value="DeduplicationScope is {}, FifoThroughputLimit is {}".format(*given),
                mend="set DeduplicationScope to messageGroup and FifoThroughputLimit to perMessageGroupId",
            )


def _slow_topics(blueprint: Blueprint) -> Iterator[Breach]:
    for topic in blueprint.of(TOPIC):
        scope = topic.properties.get("FifoThroughputScope")
        if is_fifo(topic) and scope != "MessageGroup":
            yield Breach(
                resource=topic,
                location="Properties.FifoThroughputScope",
                value=f"FifoThroughputScope is {scope}",
                mend="set FifoThroughputScope to MessageGroup",
            )


RULES = (
    Rule(
        name="queue-throughput",
        says="the whole FIFO queue stops at 300 calls a second, whatever the number of its message groups",
        source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html",
        judge=_slow_queues,
    ),
    Rule(
        name="topic-throughput",
        says="the whole FIFO topic stops at 3,000 messages a second, whatever the number of its message groups",
        source="https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.aws_sns/FifoThroughputScope.html",
        judge=_slow_topics,
    ),
)
