"""What AWS was recorded to answer about move tasks, held against these queues: every answer there is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from testing.scheduler import Scheduler
from testing.sqs import Client, Queue, Sqs
from testing.sqs.movetasks import task_handle
from tests.testing.sqs.observing import redrive_policy

RECORDED: dict[str, Any] = {
    test.rpartition("::")[2]: answers["recorded-content"]
    for test, answers in json.loads((Path(__file__).parent / "recorded" / "move_tasks.json").read_text()).items()
}


class Region:
    """Queues as the recorded requests had them, and what was answered to each request."""

    def __init__(self) -> None:
        self.scheduler = Scheduler()
        self.sqs = Sqs(self.scheduler)
        self.client = Client(self.sqs)
        self.answers: dict[str, Any] = {}
        self.dead = self.sqs.create_queue("dead")
        self.queue = self.sqs.create_queue("queue", {"RedrivePolicy": redrive_policy(self.dead)})
        self.other = self.sqs.create_queue("other", {"RedrivePolicy": redrive_policy(self.dead)})
        self.target = self.sqs.create_queue("target")

    def bury(self, count: int, *queues: Queue) -> None:
        """Have messages received once too often."""
        for queue in queues or (self.queue,):
            for number in range(count):
                queue.send(f"message-{number}")
            for _ in range(2):
                queue.receive(count, visibility_timeout_seconds=0)

    def start(self, **request: Any) -> dict[str, Any]:
        """Begin a move of what is dead."""
        return self.client.start_message_move_task(SourceArn=self.dead.arn, **request)

    def start_slowly(self) -> dict[str, Any]:
        """Begin a move at one message a second."""
        return self.start(DestinationArn=self.target.arn, MaxNumberOfMessagesPerSecond=1)

    def tasks(self) -> dict[str, Any]:
        """What tasks there were."""
        return self.client.list_message_move_tasks(SourceArn=self.dead.arn)

    def error(self, call: Callable[..., Any], **request: Any) -> None:
        """Note a refusal."""
        with pytest.raises(ClientError) as raised:
            call(**request)
        self.answers["error"] = raised.value.response


def basic(region: Region) -> None:
    region.bury(2)
    region.answers["start-message-move-task-response"] = region.start(DestinationArn=region.target.arn)
    region.scheduler.sleep(1)
    region.answers["list-message-move-task-response"] = region.tasks()
    assert region.target.counts.visible == 2
    assert region.dead.messages() == []


def source_is_no_dead_letter_queue(region: Region) -> None:
    region.error(region.client.start_message_move_task, SourceArn=region.queue.arn, DestinationArn=region.target.arn)


def no_task_handle(region: Region) -> None:
    region.error(region.client.cancel_message_move_task, TaskHandle="foobared")


def no_source_in_handle(region: Region) -> None:
    handle = task_handle("10f57157-fc38-4da9-a113-4de7e12d05dd", f"{region.dead.arn}-doesnt-exist")
    region.error(region.client.cancel_message_move_task, TaskHandle=handle)


def no_task_in_handle(region: Region) -> None:
    handle = task_handle("10f57157-fc38-4da9-a113-4de7e12d05aa", region.dead.arn)
    region.error(region.client.cancel_message_move_task, TaskHandle=handle)


def throughput_limit(region: Region) -> None:
    region.bury(4)
    begun = region.scheduler.now
    region.answers["start-message-move-task-response"] = region.start_slowly()
    while region.target.counts.visible < 4:
        region.scheduler.sleep(0.1)
    assert 3 <= region.scheduler.now - begun < 3.5


def no_destination(region: Region) -> None:
    region.error(
        region.client.start_message_move_task,
        SourceArn=region.dead.arn,
        DestinationArn=f"{region.target.arn}doesntexist",
    )


def cancelled(region: Region) -> None:
    region.bury(10)
    handle = region.start_slowly()["TaskHandle"]
    region.scheduler.sleep(1.5)
    region.answers["list-while"] = region.tasks()
    region.answers["cancel"] = region.client.cancel_message_move_task(TaskHandle=handle)
    region.scheduler.sleep(7)
    region.answers["list-after"] = region.tasks()
    assert region.dead.counts.visible == 2


def destination_deleted(region: Region) -> None:
    region.bury(10)
    region.start_slowly()
    region.scheduler.sleep(2.5)  # as long as AWS takes to delete a queue
    region.client.delete_queue(QueueUrl=region.target.url)
    region.scheduler.sleep(1)
    region.answers["list"] = region.tasks()
    assert region.dead.counts.visible == 7


def two_at_once(region: Region) -> None:
    region.bury(10)
    region.start_slowly()
    region.error(
        region.client.start_message_move_task,
        SourceArn=region.dead.arn,
        DestinationArn=region.target.arn,
        MaxNumberOfMessagesPerSecond=1,
    )


def default_destination(region: Region) -> None:
    region.bury(2)
    region.answers["source-arn"] = region.dead.arn
    region.answers["original-source"] = region.queue.arn
    region.answers["start-message-move-task-response"] = region.start()
    region.scheduler.sleep(1)
    region.answers["list-message-move-task-response"] = region.tasks()
    assert region.queue.counts.visible == 2


def several_sources(region: Region) -> None:
    region.bury(2, region.queue, region.other)
    region.answers["source-arn"] = region.dead.arn
    region.answers["original-source-1"] = region.queue.arn
    region.answers["original-source-2"] = region.other.arn
    region.answers["start-message-move-task-response"] = region.start()
    region.scheduler.sleep(1)
    region.answers["list-message-move-task-response"] = region.tasks()
    assert (region.queue.counts.visible, region.other.counts.visible) == (2, 2)


SCENARIOS: dict[str, Callable[[Region], None]] = {
    "test_basic_move_task_workflow": basic,
    "test_source_needs_redrive_policy": source_is_no_dead_letter_queue,
    "test_cancel_with_invalid_task_handle": no_task_handle,
    "test_cancel_with_invalid_source_arn_in_task_handle": no_source_in_handle,
    "test_cancel_with_invalid_task_id_in_task_handle": no_task_in_handle,
    "test_move_task_with_throughput_limit": throughput_limit,
    "test_destination_needs_to_exist": no_destination,
    "test_move_task_cancel": cancelled,
    "test_move_task_delete_destination_queue_while_running": destination_deleted,
    "test_start_multiple_move_tasks": two_at_once,
    "test_move_task_workflow_with_default_destination": default_destination,
    "test_move_task_workflow_with_multiple_sources_as_default_destination": several_sources,
}


@pytest.mark.parametrize("recorded", sorted(RECORDED))
def test_the_answers_are_those_of_aws(recorded: str) -> None:
    """Replies and errors, member by member."""
    region = Region()
    SCENARIOS[recorded](region)
    assert with_placeholders(region.answers) == RECORDED[recorded]


def with_placeholders(answers: dict[str, Any]) -> dict[str, Any]:
    """Answers as the recording writes them: ARNs and handles are numbered as they come, in the order of names."""
    resources: list[str] = []
    handles: list[str] = []

    def shown(name: str, value: Any) -> Any:
        if name == "ResponseMetadata":
            return {"HTTPHeaders": {}, "HTTPStatusCode": value["HTTPStatusCode"]}
        if isinstance(value, dict):
            return {member: shown(member, value[member]) for member in sorted(value)}
        if isinstance(value, list):
            return [shown(name, member) for member in value]
        if name == "StartedTimestamp":
            assert isinstance(value, int)
            return "timestamp"
        if name == "TaskHandle":
            return f"<task-handle:{numbered(handles, value)}>"
        if isinstance(value, str) and value.startswith("arn:aws:sqs:"):
            return f"arn:<partition>:sqs:<region>:111111111111:<resource:{numbered(resources, value)}>"
        return value

    return {answer: shown(answer, value) for answer, value in answers.items()}


def numbered(seen: list[str], value: str) -> int:
    if value not in seen:
        seen.append(value)
    return seen.index(value) + 1
