"""The same random requests to two clients, and their answers made comparable."""

from __future__ import annotations

import random
from operator import itemgetter
from typing import Any

from botocore.exceptions import ClientError

Call = tuple[str, dict[str, Any]]
# A reply, or an error's code and words.
Outcome = dict[str, Any] | tuple[str, str]

STRING = {"DataType": "String", "StringValue": "order.placed"}
ATTRIBUTES: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"type": STRING},
    {"type": STRING, "n.1": {"DataType": "Number", "StringValue": "7"}},
)
WANTED: tuple[list[str], ...] = ([], ["All"], ["type"], ["n.*"], ["nothing"])
TOLD: tuple[list[str], ...] = ([], ["All"], ["ApproximateReceiveCount", "SentTimestamp", "MessageGroupId"])


class Twins:
    """Two clients that are asked the same. What names a message or a receive is a number to both."""

    def __init__(self, ours: Any, theirs: Any) -> None:
        self.clients = (ours, theirs)
        self.ids: list[dict[str, int]] = [{}, {}]
        self.handles: list[tuple[str, ...]] = []

    def ask(self, call: Call) -> tuple[Outcome, Outcome]:
        """Both answers. A receipt handle in the request is the number of a receive."""
        first, second = (self._answer(side, call) for side in (0, 1))
        self._remember([first], [second])
        return first, second

    def receive_all(self, call: Call) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """What both give, to the last message, by body."""
        replies: list[list[Outcome]] = [[], []]
        for side in (0, 1):
            while True:
                reply = self._answer(side, call)
                assert isinstance(reply, dict)
                replies[side].append(reply)
                if "Messages" not in reply:
                    break
        self._remember(*replies)
        ours, theirs = ([message for reply in side for message in _messages(reply)] for side in replies)
        return sorted(ours, key=itemgetter("Body")), sorted(theirs, key=itemgetter("Body"))

    def _remember(self, ours: list[Outcome], theirs: list[Outcome]) -> None:
        """Receives of the same messages are one receive."""
        first, second = _handles(ours), _handles(theirs)
        for number in sorted(first.keys() & second.keys()):
            self.handles.append((first[number], second[number]))

    def _answer(self, side: int, call: Call) -> Outcome:
        operation, request = call
        try:
            reply = getattr(self.clients[side], operation)(**self._request(side, request))
        except ClientError as error:
            shown = error.response["Error"]
            return shown["Code"], self._anonymous(side, shown["Message"])
        return self._normal(side, reply)

    def _request(self, side: int, request: dict[str, Any]) -> dict[str, Any]:
        request = dict(request)
        if isinstance(request.get("ReceiptHandle"), int):
            request["ReceiptHandle"] = self.handles[request["ReceiptHandle"]][side]
        if "Entries" in request:
            request["Entries"] = [self._request(side, entry) for entry in request["Entries"]]
        return request

    def _normal(self, side: int, reply: dict[str, Any]) -> dict[str, Any]:
        handles: dict[int, str] = {}

        def normal(name: str, value: Any) -> Any:
            if isinstance(value, dict):
                if "ReceiptHandle" in value:
                    handles[self._number(side, value["MessageId"])] = value["ReceiptHandle"]
                return {
                    member: normal(member, value[member])
                    for member in sorted(value)
                    if member not in UNCOMPARED and value[member] != []
                }
            if isinstance(value, list):
                return [normal(name, member) for member in value]
            if name == "MessageId":
                return self._number(side, value)
            if name == "SequenceNumber":
                return len(value)
            if name == "Message":
                return self._anonymous(side, value)
            return value

        shown: dict[str, Any] = normal("", reply)
        return {**shown, "handles": handles}

    def _number(self, side: int, message_id: str) -> int:
        return self.ids[side].setdefault(message_id, len(self.ids[side]))

    def _anonymous(self, side: int, words: str) -> str:
        """Words without the handles that they quote."""
        for number, pair in enumerate(self.handles):
            words = words.replace(pair[side], f"<handle {number}>")
        return words


# What differs from receive to receive, and who made the request.
UNCOMPARED = ("ResponseMetadata", "ReceiptHandle", "SenderId")


def _handles(outcomes: list[Outcome]) -> dict[int, str]:
    found: dict[int, str] = {}
    for outcome in outcomes:
        if isinstance(outcome, dict):
            found |= outcome.pop("handles", {})
    return found


def _messages(outcome: Outcome) -> list[dict[str, Any]]:
    return outcome.get("Messages", []) if isinstance(outcome, dict) else []


def bodies(outcome: Outcome) -> list[str]:
    """What was received."""
    return [message["Body"] for message in outcome.get("Messages", [])] if isinstance(outcome, dict) else []


def by_group(outcome: Outcome) -> dict[str, list[dict[str, Any]]]:
    """What was received of each group, in order: between groups there is none."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for message in outcome.get("Messages", []) if isinstance(outcome, dict) else []:
        groups.setdefault(message["Body"].partition(" ")[0], []).append(message)
    return groups


class Requests:
    """Random requests, from a seed. `sent` counts messages: every body is another."""

    def __init__(self, seed: int, url: str, *, fifo: bool, sends_empty_values: bool = True) -> None:
        self.chance = random.Random(seed)
        self.url = url
        self.fifo = fifo
        self.sends_empty_values = sends_empty_values
        self.sent = 0

    def message(self) -> dict[str, Any]:
        """A message that is taken."""
        self.sent += 1
        attributes = self.chance.choice(ATTRIBUTES)
        made: dict[str, Any] = {"MessageBody": f"body {self.sent} é"}
        if attributes:
            made["MessageAttributes"] = attributes
        if self.fifo:
            group = f"g{self.chance.randrange(3)}"
            made |= {
                "MessageGroupId": group,
                "MessageBody": f"{group} {self.sent}",
                "MessageDeduplicationId": str(self.sent),
            }
        elif self.chance.random() < 0.2:
            made["DelaySeconds"] = self.chance.choice((0, 5, 60))
        return made

    def bad_message(self) -> dict[str, Any]:
        """A message that is refused."""
        made = self.message()
        bad: tuple[dict[str, Any], ...] = ({"DelaySeconds": 901}, {"MessageBody": "x" * 2_000})
        if self.sends_empty_values:
            bad += ({"MessageAttributes": {"type": {"DataType": "String", "StringValue": ""}}},)
        if self.fifo:
            bad = (
                {"DelaySeconds": 5},
                {"MessageBody": "x" * 2_000},
                {"MessageGroupId": None},
                {"MessageDeduplicationId": None},
            )
        made |= self.chance.choice(bad)
        return {name: value for name, value in made.items() if value is not None}

    def send(self) -> Call:
        make = self.message if self.chance.random() < 0.85 else self.bad_message
        return "send_message", {"QueueUrl": self.url, **make()}

    def send_batch(self) -> Call:
        entries = [{"Id": str(number), **self.message()} for number in range(self.chance.randint(1, 4))]
        return "send_message_batch", {"QueueUrl": self.url, "Entries": entries}

    def bad_batch(self) -> Call:
        """A batch that is refused as a whole."""
        ids = self.chance.choice((["1", "2", "1"], ["a b"], ["x" * 81], [str(number) for number in range(11)], []))
        return "send_message_batch", {
            "QueueUrl": self.url,
            "Entries": [{"Id": each, **self.message()} for each in ids],
        }

    def receive(self, most: int, timeouts: tuple[int | None, ...]) -> Call:
        request: dict[str, Any] = {
            "QueueUrl": self.url,
            "MaxNumberOfMessages": most,
            "MessageAttributeNames": self.chance.choice(WANTED),
            "AttributeNames": self.chance.choice(TOLD),
        }
        timeout = self.chance.choice(timeouts)
        if timeout is not None:
            request["VisibilityTimeout"] = timeout
        return "receive_message", request

    def count(self) -> Call:
        names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
        return "get_queue_attributes", {"QueueUrl": self.url, "AttributeNames": names}

    def delete(self, handle: int | str) -> Call:
        return "delete_message", {"QueueUrl": self.url, "ReceiptHandle": handle}

    def delete_batch(self, handles: list[int | str]) -> Call:
        entries = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
        return "delete_message_batch", {"QueueUrl": self.url, "Entries": entries}

    def change_visibility(self, handle: int | str, seconds: int) -> Call:
        return "change_message_visibility", {
            "QueueUrl": self.url,
            "ReceiptHandle": handle,
            "VisibilityTimeout": seconds,
        }

    def change_visibility_batch(self, handles: list[int | str], seconds: int) -> Call:
        operation, request = self.delete_batch(handles)
        entries = [{**entry, "VisibilityTimeout": seconds} for entry in request["Entries"]]
        return operation.replace("delete_message", "change_message_visibility"), {**request, "Entries": entries}
