"""Sends old events to one consumer's queue, at a pace, in the order of each group; a forced replay forgets first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError

from cli.pace import Pace
from cli.replaying.plan import Step
from messaging.items import attributes
from messaging.subscription import Subscription
from messaging.tables import INBOX

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
MAX_ENTRIES = 10
MAX_BYTES = 1024 * 1024
_ROOM_FOR_ATTRIBUTES = 1024


@dataclass(frozen=True, slots=True)
class Sending:
    """What came of one event of the plan."""

    step: Step
    outcome: Literal["sent", "refused", "changed"]
    why: str = ""


class Replay:
    """One replay. `run` makes its deduplication ids its own, and the same however often one message is tried."""

    def __init__(
        self,
        *,
        sqs: Any,
        dynamodb: Any,
        queue_url: str,
        inbox: str,
        row: Subscription,
        run: str,
        pace: Pace,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._sqs = sqs
        self._dynamodb = dynamodb
        self._queue_url = queue_url
        self._inbox = inbox
        self._row = row
        self._run = run
        self._pace = pace
        self._stopped = stopped

    def send(self, steps: Sequence[Step]) -> Iterator[Sending]:
        """Send these, until stopped. Once one of a group is refused, none behind it overtakes it.

        Raises what boto3 raises.
        """
        stuck: set[str] = set()
        for wave in self._waves(steps):
            if self._stopped():
                return
            going = [step for step in wave if self._group(step) not in stuck]
            refused = {step.old.id: "one before it in its group was not sent" for step in wave if step not in going}
            changed = {step.old.id for step in going if step.forgets is not None and not self._forget(step)}
            going = [step for step in going if step.old.id not in changed]
            if going:
                self._pace.wait(len(going))
                refused |= self._send(going)
            for step in wave:
                if step.old.id in changed:
                    yield Sending(step, "changed", "applied again meanwhile, so nothing was forgotten or sent")
                    continue
                why = refused.get(step.old.id)
                if why is not None and (group := self._group(step)) is not None:
                    stuck.add(group)
                yield Sending(step, "sent") if why is None else Sending(step, "refused", why)

    def _group(self, step: Step) -> str | None:
        return step.old.message.partition_key if self._row.fifo else None

    def _waves(self, steps: Sequence[Step]) -> Iterator[list[Step]]:
        """Batches in order, none with two events of one group: SQS accepts and refuses entry by entry."""
        wave: list[Step] = []
        size = 0
        for step in steps:
            bytes_ = len(step.old.body.encode()) + _ROOM_FOR_ATTRIBUTES
            groups = {self._group(each) for each in wave} - {None}
            full = len(wave) == self._pace.portion(MAX_ENTRIES) or size + bytes_ > MAX_BYTES
            if wave and (full or self._group(step) in groups):
                yield wave
                wave, size = [], 0
            wave.append(step)
            size += bytes_
        if wave:
            yield wave

    def _send(self, steps: Sequence[Step]) -> dict[str, str]:
        """Why SQS refused events, by their ids."""
        entries = [{"Id": str(number), **self._entry(step)} for number, step in enumerate(steps)]
        reply = self._sqs.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        return {
            steps[int(failed["Id"])].old.id: failed.get("Message") or failed["Code"]
            for failed in reply.get("Failed", [])
        }

    def _entry(self, step: Step) -> dict[str, Any]:
        """As the topic would deliver it, which hands a standard queue no group."""
        event: Mapping[str, str] = step.old.message.event.attributes
        entry: dict[str, Any] = {
            "MessageBody": step.old.body,
            "MessageAttributes": {name: {"DataType": "String", "StringValue": value} for name, value in event.items()},
        }
        group = self._group(step)
        if group is not None:
            entry |= {"MessageGroupId": group, "MessageDeduplicationId": f"{step.old.id}~{self._run}"}
        return entry

    def _forget(self, step: Step) -> bool:
        """Delete the marker that the plan has seen, and no other: False where it is another by now."""
        known = step.forgets
        assert known is not None
        assert known.key is not None
        assert known.key.table == INBOX.name, "an item that is its own marker is never forgotten"
        marker = known.marker or {}
        try:
            self._dynamodb.delete_item(
                TableName=self._inbox,
                Key=attributes(known.key.attributes),
                ConditionExpression="#status = :status AND #delivery = :delivery",
                ExpressionAttributeNames={"#status": "status", "#delivery": "delivery_id"},
                ExpressionAttributeValues=attributes({":status": marker["status"], ":delivery": marker["delivery_id"]}),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True
