"""Random requests to these queues and to the embedded engine: the same replies and errors.

The engine has its own time, so none passes: messages are given back, but none times out. Left out, because the engine
is wrong there:
- HANDLES: it refuses to delete what was deleted already, and what was received again with the earlier handle; the
  expired handles of FIFO messages delete
- GROUPS: it gives nothing of a group while any of its messages is in flight, and the groups in the order of sending;
  AWS gives what is before those in flight, and as many of a group as it can
- SWEEPS: a receive moves all that was received too often, wherever it is
- DEAD_LETTERS of FIFO queues keep their deduplication id
- MOVE_TASKS: there are none
- BOUNDS: of delays, attributes and ids; what a FIFO message lacks refuses the entry of a batch, not the batch
- PURGES: two within a minute
- WORDS: of what AWS says, see there
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from testing.scheduler import Scheduler
from testing.sqs import Client, Queue, Sqs
from testing.sqs.message import IN_FLIGHT
from testing.sqs.receipts import Mark, Worth
from tests.conftest import engine_client
from tests.testing.sqs.comparing import Call, Requests, Twins, by_group
from tests.testing.sqs.observing import redrive_policy

RUNS = 3
OPERATIONS = 100
MOST = 10
# Told of every message, but for times.
TOLD = ["ApproximateReceiveCount", "MessageGroupId", "DeadLetterQueueSourceArn"]

# WORDS: how the engine's begin, and AWS's.
WORDS = (
    ("The input receipt handle is invalid", 'The input receipt handle "garbage" is not a valid receipt handle.'),
    ("Too many messages in a batch request", "Maximum number of entries per request are 10. You have sent 11."),
    ("The specified queue does not exist for this wsdl version", "The specified queue does not exist."),
    (
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly.",
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
    ),
)


@pytest.fixture(scope="module")
def engines_client(engine: str) -> Iterator[Any]:
    client = engine_client(engine, "sqs")
    yield client
    client.close()


class Run:
    """A queue and its dead-letter queue, here and in the engine."""

    def __init__(self, seed: int, engines_client: Any, kind: str, **attributes: str) -> None:
        self.fifo = kind.startswith("fifo")
        self.sqs = Sqs(Scheduler(seed))
        self.twins = Twins(Client(self.sqs), engines_client)
        self.attributes = attributes | ({"FifoQueue": "true"} if self.fifo else {})
        end = ".fifo" if self.fifo else ""
        self.max_receives = 1 + seed % 3
        self.dead = self._create(f"{kind}-dead-{seed}{end}", None)
        self.queue = self._create(f"{kind}-queue-{seed}{end}", self.dead)
        self.requests = Requests(seed, self.queue.name, fifo=self.fifo, sends_empty_values=False)
        self.letters = Requests(seed, self.dead.name, fifo=self.fifo)
        self.chance = self.requests.chance
        self.messages: list[dict[str, Any]] = []
        self.refused: Counter[str] = Counter()
        self.asked = 0

    def _create(self, name: str, dead: Queue | None) -> Queue:
        attributes = {**self.attributes, "VisibilityTimeout": "1000", "MaximumMessageSize": "1024"}
        if dead is not None:
            attributes["RedrivePolicy"] = redrive_policy(dead, self.max_receives)
        for client in self.twins.clients:
            client.create_queue(QueueName=name, Attributes=attributes)
        queue = self.sqs.queue(name)
        queue.shuffles = False
        return queue

    def ask(self, call: Call) -> dict[str, Any]:
        """Ask both and compare. The reply, empty where they refuse."""
        self.asked += 1
        ours, theirs = self.twins.ask(call)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            if call[0] == "receive_message" and self.fifo:
                assert by_group(ours) == by_group(theirs), call
            else:
                assert ours == in_awss_words(theirs), call
            return ours
        assert ours == in_awss_words(theirs), call
        assert isinstance(ours, tuple)
        self.refused[ours[0]] += 1
        return {}

    def some_handles(self, count: int) -> list[int]:
        """The latest receives of messages that are still in flight."""
        found = {}
        for number, (ours, _) in enumerate(self.twins.handles):
            worth, message = self.queue.worth(ours)
            if worth is Worth.CURRENT and message is not None and message.state == IN_FLIGHT:  # not HANDLES
                found[ours[: Mark.ID_LENGTH]] = number
        return self.chance.sample(list(found.values()), min(count, len(found)))

    @property
    def has_room(self) -> bool:
        """Whether one receive will still give all there is (GROUPS, SWEEPS)."""
        return self.queue.counts.visible + self.queue.counts.not_visible <= MOST - 4

    def send(self) -> None:
        """A new message, or one that was sent before, with the same deduplication id."""
        if not self.has_room:
            return
        if self.fifo and self.messages and self.chance.random() < 0.3:
            message = dict(self.chance.choice(self.messages))
            if self.chance.random() < 0.3:
                message["MessageGroupId"] = "g0"
            message["MessageBody"] = message["MessageGroupId"] + " again"
            before = self.queue.counts.deduplicated
            self.ask(("send_message", {"QueueUrl": self.queue.name, **message}))
            if self.queue.counts.deduplicated > before:
                return
        else:
            message = self.requests.message()
            if message.get("DelaySeconds"):
                message["DelaySeconds"] = 900
            self.ask(("send_message", {"QueueUrl": self.queue.name, **message}))
        self.messages.append(message)

    def send_badly(self) -> None:
        if self.has_room:
            message = self.requests.bad_message()
            if message.get("DelaySeconds", 0) <= 900:  # BOUNDS
                self.ask(("send_message", {"QueueUrl": self.queue.name, **message}))

    def send_batch(self) -> None:
        if self.has_room:
            operation, request = self.requests.send_batch()
            entries = [
                {**entry, **({"DelaySeconds": 900} if entry.get("DelaySeconds") else {})}
                for entry in request["Entries"]
            ]
            self.ask((operation, {**request, "Entries": entries}))

    def bad_batch(self) -> None:
        self.ask(self.requests.bad_batch())

    def receive(self) -> None:
        operation, request = self.requests.receive(MOST, (None, 0))
        self.ask((operation, {**request, "AttributeNames": TOLD}))

    def receive_some(self) -> None:
        """Where the order is known, and nothing is received too often."""
        if self.fifo or any(message.receive_count >= self.max_receives for message in self.queue.messages()):
            return
        operation, request = self.requests.receive(self.chance.randint(1, 4), (None, 0))
        self.ask((operation, {**request, "AttributeNames": TOLD}))

    def receive_letters(self) -> None:
        operation, request = self.letters.receive(MOST, (0,))
        if self.dead.counts.visible <= MOST:
            self.ask((operation, {**request, "AttributeNames": TOLD}))

    def delete(self) -> None:
        for handle in self.some_handles(1):
            self.ask(self.requests.delete(handle))

    def delete_batch(self) -> None:
        handles: list[int | str] = [*self.some_handles(3)]
        if handles:
            self.ask(self.requests.delete_batch([*handles, "garbage"]))

    def give_back(self) -> None:
        """What is in flight, of a FIFO queue all of it (GROUPS)."""
        handles: list[int | str] = [*self.some_handles(MOST if self.fifo else 3)]
        if handles:
            self.ask(self.requests.change_visibility_batch(handles, 0))

    def hide(self) -> None:
        for handle in self.some_handles(1):
            self.ask(self.requests.change_visibility(handle, 2_000))

    def refuse(self) -> None:
        """Handles and queues that there are not, and numbers that are too large."""
        self.ask(self.requests.delete("garbage"))
        self.ask(self.requests.change_visibility("garbage", 5))
        self.ask(("receive_message", {"QueueUrl": self.queue.name, "MaxNumberOfMessages": 11}))
        self.ask(("send_message", {"QueueUrl": "nowhere", "MessageBody": "x"}))

    def count(self) -> None:
        self.ask(self.requests.count())
        self.ask(self.letters.count())

    @property
    def operations(self) -> tuple[Callable[[], None], ...]:
        """What can be asked, the more often the likelier."""
        return (
            *(self.send, self.send, self.send, self.send_batch, self.send_badly, self.bad_batch),
            *(self.receive, self.receive, self.receive_some, self.receive_letters),
            *(self.delete, self.delete_batch, self.give_back, self.give_back, self.hide, self.refuse, self.count),
        )


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("standard", {}),
        ("fifo", {}),
        ("fifo-per-group", {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}),
    ],
    ids=["standard", "fifo", "fifo, high throughput"],
)
def test_random_requests_have_the_same_answers(engines_client: Any, kind: str, attributes: dict[str, str]) -> None:
    """Replies, codes and words are the same, to the last message."""
    asked, received, refused, letters, repeated = 0, 0, Counter[str](), 0, 0
    for seed in range(RUNS):
        run = Run(seed, engines_client, kind, **attributes)
        for _ in range(OPERATIONS):
            run.chance.choice(run.operations)()
        run.count()
        asked += run.asked
        received += len(run.twins.handles)
        refused += run.refused
        letters += run.dead.counts.moved_in
        repeated += run.queue.counts.deduplicated
    assert asked > RUNS * OPERATIONS * 0.7
    assert min(received, letters) > RUNS
    assert len(refused) >= 6
    assert (repeated > RUNS) == (kind != "standard")


def in_awss_words(answer: Any) -> Any:
    """What the engine says, as AWS does."""
    if isinstance(answer, tuple):
        return answer[0], in_awss_words(answer[1])
    if isinstance(answer, dict):
        return {
            name: in_awss_words(value) if name in ("Failed", "Message") else value for name, value in answer.items()
        }
    if isinstance(answer, list):
        return [in_awss_words(each) for each in answer]
    return next((awss for engines, awss in WORDS if answer.startswith(engines)), answer)
