"""What SNS needs of a queue: its address, its kind, and that it takes messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

# As in SQS's and SNS's requests: {"type": {"DataType": "String", "StringValue": "order.placed"}}
Attributes = Mapping[str, Mapping[str, Any]]
NO_ATTRIBUTES: Attributes = {}


class QueueLike(Protocol):
    """A queue."""

    @property
    def arn(self) -> str:
        """Its address."""
        ...

    @property
    def fifo(self) -> bool:
        """Whether it is a FIFO queue."""
        ...

    def send(
        self,
        body: str,
        *,
        attributes: Attributes = NO_ATTRIBUTES,
        group: str | None = None,
        deduplication_id: str | None = None,
    ) -> object:
        """Take a message. Raises an error with `code` and `message` where it takes none: a client error to SNS.

        The attributes are shared by the deliveries of many messages: to be read only.
        """
        ...


def is_refusal(error: BaseException) -> bool:
    """Whether a service refused a request, rather than that something is broken here."""
    return isinstance(getattr(error, "code", None), str) and isinstance(getattr(error, "message", None), str)
