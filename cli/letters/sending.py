"""Letters as messages again: to their consumer's queue, or to the end of the dead-letter queue that they lie in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.letters.hold import MAX_BATCH
from cli.letters.letter import Letter
from cli.letters.queue import is_fifo
from messaging.sqs import ATTRIBUTE, REDRIVES, REPLACES

# Of one message, and of all in a batch: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
MAX_BYTES = 1024 * 1024
MAX_ATTRIBUTES = 10


@dataclass(frozen=True)
class Sent:
    """What became of one letter's send: the message's id, or what SQS said against it."""

    message_id: str = ""
    refusal: str = ""


Send = Callable[[Sequence[Letter]], Mapping[str, Sent]]


def sender(sqs: Any, url: str, *, redrives: bool = True) -> Send:
    """Sends letters to a queue in their order, each for itself; the outcomes are by the letters' ids.

    Not `redrives`: a letter that is only put elsewhere keeps its count. Raises what boto3 raises.
    """

    def send(letters: Sequence[Letter]) -> dict[str, Sent]:
        outcomes: dict[str, Sent] = {}
        for chunk in _chunks(letters):
            entries = [{"Id": str(n), **_message(letter, url, redrives)} for n, letter in enumerate(chunk)]
            reply = sqs.send_message_batch(QueueUrl=url, Entries=entries)
            for sent in reply.get("Successful", []):
                outcomes[chunk[int(sent["Id"])].id] = Sent(message_id=sent["MessageId"])
            for failed in reply.get("Failed", []):
                outcomes[chunk[int(failed["Id"])].id] = Sent(refusal=failed.get("Message") or failed["Code"])
        return outcomes

    return send


def _message(letter: Letter, url: str, redrives: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"MessageBody": letter.body}
    if attributes := stamped(letter, redrives=redrives):
        message["MessageAttributes"] = attributes
    if is_fifo(url):
        # The same as often as this letter is sent in this wording: whoever was killed between send and delete and runs
        # again within five minutes sends nothing. Its next dead letter has another id, and so another of these.
        # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
        digest = hashlib.sha256(letter.body.encode(errors="surrogatepass")).hexdigest()[:16]
        message |= {
            "MessageGroupId": letter.group or letter.id,
            "MessageDeduplicationId": f"redrive-{letter.redrives + 1}-{letter.id}-{digest}",
        }
    return message


def stamped(letter: Letter, *, redrives: bool = True) -> dict[str, Any]:
    """The letter's attributes with what a redrive notes: how often it was redriven by now, and which letter this one is
    in the place of. A message that is full of attributes of its own stays uncounted."""
    others = {name: dict(value) for name, value in letter.attributes.items() if name != ATTRIBUTE}
    if len(others) >= MAX_ATTRIBUTES:
        return others
    facts = {} if redrives else letter.facts
    noted = {**facts, REDRIVES: letter.redrives + redrives, REPLACES: letter.id}
    return {**others, ATTRIBUTE: {"DataType": "String", "StringValue": json.dumps(noted, separators=(",", ":"))}}


def _chunks(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    chunk: list[Letter] = []
    size = 0
    for letter in letters:
        letter_size = _size(letter)
        if chunk and (len(chunk) == MAX_BATCH or size + letter_size > MAX_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(letter)
        size += letter_size
    if chunk:
        yield chunk


def _size(letter: Letter) -> int:
    """What SQS counts, and room for the stamp."""
    values = [
        len(name) + len(value["DataType"]) + len(value.get("BinaryValue") or value.get("StringValue", "").encode())
        for name, value in letter.attributes.items()
    ]
    return len(letter.body.encode(errors="surrogatepass")) + sum(values) + 100
