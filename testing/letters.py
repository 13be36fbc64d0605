"""Parked messages, as tests ask about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from messaging.sqs import ATTRIBUTE
from testing import sqs


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A parked message. `facts` are the consumer's own, None where SQS or SNS gave it up; then `reason` is None too."""

    message: sqs.Message
    facts: Mapping[str, Any] | None

    @classmethod
    def of(cls, message: sqs.Message) -> DeadLetter:
        """A message of a dead-letter queue."""
        fact = message.attributes.get(ATTRIBUTE)
        return cls(message, None if fact is None else json.loads(fact["StringValue"]))

    @property
    def reason(self) -> str | None:
        """Why the consumer parked it: a word such as `poison`."""
        return None if self.facts is None else str(self.facts["reason"])

    @property
    def event_id(self) -> str | None:
        """The event's; None where the body does not even say so."""
        try:
            document = json.loads(self.message.body)
        except (ValueError, RecursionError):
            return None
        return document.get("id") if isinstance(document, dict) else None
