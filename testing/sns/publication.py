"""What somebody wants to publish: the members of a Publish request or of an entry of PublishBatch, and their rules.

Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from testing.sns.errors import NotImplementedHere, invalid
from testing.sns.queues import NO_ATTRIBUTES, Attributes

MAX_SUBJECT_CHARACTERS = 100
_TOKEN = re.compile(r"[!-~]{1,128}")  # letters, digits and punctuation
MEMBERS = {"Message", "MessageAttributes", "Subject", "MessageGroupId", "MessageDeduplicationId"}


@dataclass(slots=True, eq=False)
class Publication:
    """A message before it is accepted."""

    body: str
    attributes: Attributes
    subject: str | None
    group: str | None
    deduplication_id: str | None

    @classmethod
    def of(cls, request: Mapping[str, Any], *others: str) -> Publication:
        """The message of a request that may have `others` as members too.

        Raises NotImplementedHere for what this SNS does not have, TypeError where there is no message.
        """
        unknown = request.keys() - MEMBERS - set(others)
        if unknown:
            raise NotImplementedHere(f"publish: parameters {', '.join(sorted(unknown))}")
        if "Message" not in request:
            raise TypeError("publish: missing required parameter Message")
        return cls(
            request["Message"],
            request.get("MessageAttributes") or NO_ATTRIBUTES,
            request.get("Subject"),
            request.get("MessageGroupId"),
            request.get("MessageDeduplicationId"),
        )

    def check(self, *, fifo: bool, content_based: bool) -> None:
        """Raises Refused for a message that makes no sense on such a topic. Sizes and attributes are not looked at."""
        if not self.body:
            raise invalid("Empty message")
        subject = self.subject
        if subject is not None and not (0 < len(subject) <= MAX_SUBJECT_CHARACTERS and subject.isprintable()):
            raise invalid("Subject")
        if fifo and not self.group:
            raise invalid("The MessageGroupId parameter is required for FIFO topics")
        if fifo and not self.deduplication_id and not content_based:
            raise invalid(
                "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
                "explicitly"
            )
        if not fifo and self.deduplication_id is not None:
            raise invalid(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not "
                "valid for this topic type"
            )
        _check_token("MessageGroupId", self.group)
        _check_token("MessageDeduplicationId", self.deduplication_id)


def _check_token(name: str, token: str | None) -> None:
    if token is not None and not _TOKEN.fullmatch(token):
        raise invalid(f"{name} Reason: it has 1 to 128 letters, digits and punctuation characters")
