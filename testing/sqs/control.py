"""Requests about queues: make, find, change, empty and remove them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from testing.sqs.errors import invalid, legacy, unknown_attribute
from testing.sqs.queue import Queue
from testing.sqs.settings import FIFO_SUFFIX, SETTABLE

if TYPE_CHECKING:
    from testing.sqs.service import Sqs

Request = Mapping[str, Any]

PURGES_EVERY_SECONDS: Final = 60
_MAX_RESULTS: Final = 1_000
_NAME = re.compile(r"[0-9A-Za-z_-]{1,80}")
_MAX_NAME_LENGTH: Final = 80
# What GetQueueAttributes knows beside what can be set.
_COUNTS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)
_READABLE: Final = frozenset((*SETTABLE, *_COUNTS, "CreatedTimestamp", "LastModifiedTimestamp", "QueueArn", "All"))


def create(sqs: Sqs, request: Request) -> dict[str, Any]:
    """Make a queue, or find the one with the same name and attributes. Raises Refused."""
    name, attributes = request["QueueName"], request.get("Attributes", {})
    _check_name(name, fifo=attributes.get("FifoQueue", "").lower() == "true")
    return {"QueueUrl": sqs.create_queue(name, attributes).url}


def delete(sqs: Sqs, queue: Queue) -> dict[str, Any]:
    """Remove a queue and its messages, at once."""
    sqs.delete_queue(queue)
    return {}


def list_queues(sqs: Sqs, request: Request) -> dict[str, Any]:
    """The URLs of queues whose names begin as asked, by name."""
    prefix = request.get("QueueNamePrefix", "")
    urls = [queue.url for queue in sqs.queues() if queue.name.startswith(prefix)]
    return _page("QueueUrls", urls, request)


def list_sources(sqs: Sqs, queue: Queue, request: Request) -> dict[str, Any]:
    """The URLs of queues of which this is the dead-letter queue, by name; the member's name begins in lower case."""
    page = _page("queueUrls", [source.url for source in sqs.sources_of(queue)], request)
    return {"queueUrls": [], **page}


def get_attributes(queue: Queue, request: Request) -> dict[str, Any]:
    """Some of a queue's attributes, or all. Raises Refused for one that there is not."""
    names: Sequence[str] = request.get("AttributeNames", ())
    for name in names:
        if name not in _READABLE:
            raise unknown_attribute(name)
    counts = queue.counts
    shown = {
        **queue.settings.attributes,
        "ApproximateNumberOfMessages": str(counts.visible),
        "ApproximateNumberOfMessagesDelayed": str(counts.delayed),
        "ApproximateNumberOfMessagesNotVisible": str(counts.not_visible),
        "CreatedTimestamp": str(int(queue.created_at)),
        "LastModifiedTimestamp": str(int(queue.modified_at)),
        "QueueArn": queue.arn,
    }
    wanted = {name: value for name, value in sorted(shown.items()) if "All" in names or name in names}
    return {"Attributes": wanted} if wanted else {}


def set_attributes(sqs: Sqs, queue: Queue, request: Request) -> dict[str, Any]:
    """Change some of a queue's attributes, at once. Raises Refused."""
    sqs.configure(queue, request["Attributes"])
    return {}


def purge(sqs: Sqs, queue: Queue) -> dict[str, Any]:
    """Remove all messages and forget all deduplication ids, at once. Raises Refused within a minute of the last."""
    now = queue.settle()
    if now < sqs.purged_at.get(queue.arn, 0.0) + PURGES_EVERY_SECONDS:
        message = f"Only one PurgeQueue operation on {queue.name} is allowed every {PURGES_EVERY_SECONDS} seconds."
        raise legacy("PurgeQueueInProgress", message, status=403)
    sqs.purged_at[queue.arn] = now
    queue.totals.purged += len(queue.holdings.messages)
    queue.start(numbered=queue.holdings.next_number)
    return {}


def _check_name(name: str, *, fifo: bool) -> None:
    stem = name.removesuffix(FIFO_SUFFIX) if fifo else name
    if fifo and not name.endswith(FIFO_SUFFIX):
        raise invalid(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, "
            "must end with .fifo suffix and be 1 to 80 in length."
        )
    if not _NAME.fullmatch(stem) or len(name) > _MAX_NAME_LENGTH:
        raise invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")


def _page(member: str, urls: list[str], request: Request) -> dict[str, Any]:
    """Without MaxResults all there are, up to 1,000, and no token."""
    begin, most = int(request.get("NextToken", 0)), request.get("MaxResults", _MAX_RESULTS)
    page: dict[str, Any] = {member: urls[begin : begin + most]} if urls[begin:] else {}
    if "MaxResults" in request and urls[begin + most :]:
        page["NextToken"] = str(begin + most)
    return page
