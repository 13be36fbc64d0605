"""SQS's own redrive."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cli.errors import CliError, UsageError
from cli.letters.commands.redriving import move_natively
from cli.letters.native import Progress, move
from cli.operator import Operator
from cli.output import Output
from cli.target import Target
from tests.cli.letters.operating import desk, operate
from tests.cli.letters.test_importing import BOTH, COUNT, poisoned


def followed(rate: float, seen: list[Progress], **changes: Any) -> Any:
    """A move and what was told of it."""

    def work(at: Any) -> Any:
        seen.extend(move(replace(at, **changes), rate))
        return []

    return work


@BOTH
def test_aws_moves_everything(consumer: str) -> None:
    """Also letters that the consumer has sent, as the destination is named. Unmended, they come back."""
    world, seen = poisoned(consumer), list[Progress]()
    before = {letter.message.message_id for letter in world.dead_letters(consumer)}
    assert operate(world, consumer, followed(2, seen)).error is None
    assert (seen[-1].status, seen[-1].moved) == ("COMPLETED", COUNT)
    assert len(seen) > 2
    assert not before & {letter.message.message_id for letter in world.dead_letters(consumer)}


def test_the_operator_is_told_how_it_ended() -> None:
    """On stderr, as there are no rows: AWS names no message."""
    world, stdout, stderr = poisoned("analytics"), io.StringIO(), io.StringIO()
    operator = Operator(Target(), Output("tsv", stdout=stdout, stderr=stderr))

    def work(at: Any) -> Any:
        move_natively(operator, at, 2)
        return []

    assert operate(world, "analytics", work).error is None
    assert stderr.getvalue().splitlines()[-1] == f"COMPLETED: {COUNT} of {COUNT} moved"
    assert stdout.getvalue() == ""


def test_stopped_it_is_cancelled() -> None:
    """AWS stops some seconds later."""
    world, seen = poisoned("analytics"), list[Progress]()
    operate(world, "analytics", followed(1, seen, stopped=lambda: True))
    queue = world.deployed["analytics"].dead_letter_queue
    (task,) = world.sqs.move_tasks[queue.arn]
    assert task.status == "CANCELLED"
    assert [state.status for state in seen] == ["RUNNING"]


def test_a_move_that_is_at_work_is_followed() -> None:
    """There can be one at a time."""
    world, seen, said = poisoned("analytics"), list[Progress](), list[str]()
    queue = world.deployed["analytics"].dead_letter_queue
    slow = {"MaxNumberOfMessagesPerSecond": 1, "DestinationArn": world.deployed["analytics"].queue.arn}
    world.sqs.execute("StartMessageMoveTask", {"SourceArn": queue.arn, **slow})
    operate(world, "analytics", followed(1, seen, say=said.append))
    assert len(said) == 1
    assert seen[-1].status == "COMPLETED"


@pytest.mark.parametrize("rate", [0.5, 501])
def test_a_rate_that_aws_does_not_take_is_refused(rate: float) -> None:
    """Before anything begins."""
    with pytest.raises(UsageError, match="1 to 500"):
        next(move(desk(poisoned("analytics"), "analytics"), rate))


def test_what_the_topic_could_not_deliver_is_not_moved_so() -> None:
    """AWS moves only what a queue has given up."""
    with pytest.raises(UsageError, match="topic"):
        next(move(desk(poisoned("analytics"), "analytics", of_topic=True), 5))


class Lacking:
    """An endpoint without move tasks."""

    def __init__(self, code: str) -> None:
        self._code = code

    def get_queue_attributes(self, **_: Any) -> Any:
        return {"Attributes": {"QueueArn": "arn"}}

    def list_message_move_tasks(self, **_: Any) -> Any:
        raise ClientError({"Error": {"Code": self._code, "Message": ""}}, "ListMessageMoveTasks")


def test_an_endpoint_that_lacks_it_is_told_of() -> None:
    """In other words than the endpoint's; any other error stays what it is."""
    at = desk(poisoned("analytics"), "analytics")
    with pytest.raises(CliError, match="leave --native out"):
        next(move(replace(at, sqs=Lacking("InvalidAction")), 5))
    with pytest.raises(ClientError):
        next(move(replace(at, sqs=Lacking("AccessDenied")), 5))
