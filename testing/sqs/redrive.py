"""RedrivePolicy and RedriveAllowPolicy: which queue takes the messages that nobody could handle.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self

from testing.sqs.errors import Refused, invalid_attribute, invalid_value

POLICY = "RedrivePolicy"
ALLOW_POLICY = "RedriveAllowPolicy"
MAX_RECEIVES = 1_000
_MEMBERS = ("maxReceiveCount", "deadLetterTargetArn")
_PERMISSIONS = ("allowAll", "denyAll", "byQueue")
_MAX_SOURCES = 10
_ARN_PARTS = 6


@dataclass(frozen=True, slots=True)
class RedrivePolicy:
    """A message that was received `max_receive_count` times goes to another queue when it would be received again."""

    target_arn: str
    max_receive_count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises Refused for what is no redrive policy; whether the target exists is another question."""
        policy = _parse(POLICY, text, "Redrive policy is not a valid JSON map.")
        for member in _MEMBERS:
            if member not in policy:
                raise refused(text, f"Redrive policy does not contain mandatory attribute: {member}.")
        if len(policy) > len(_MEMBERS):
            raise refused(text, f"Only following attributes are supported: [{', '.join(_MEMBERS)}].")
        count, target = policy["maxReceiveCount"], policy["deadLetterTargetArn"]
        if not str(count).isdecimal() or not 1 <= int(count) <= MAX_RECEIVES:
            reason = f"Invalid value for maxReceiveCount: {count}, valid values are from 1 to {MAX_RECEIVES} both "
            raise refused(text, f"{reason}inclusive.")
        if not isinstance(target, str) or len(target.split(":")) != _ARN_PARTS:
            raise refused(text, "Dead-letter target ARN should be fully qualified ARN.")
        if target.split(":")[2] != "sqs":
            raise refused(text, "Only SQS queues are valid resources for deadLetterTargetArn.")
        return cls(target, int(count))


@dataclass(frozen=True, slots=True)
class RedriveAllowPolicy:
    """Which queues may name this one as their dead-letter queue; `sources` are ARNs, None is any."""

    sources: tuple[str, ...] | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises Refused for what is no redrive allow policy."""
        unsupported = "Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format."  # noqa: RUF001  # theirs
        policy = _parse(ALLOW_POLICY, text, unsupported)
        permission, sources = policy.get("redrivePermission"), policy.get("sourceQueueArns", [])
        well_formed = isinstance(sources, list) and all(isinstance(source, str) for source in sources)
        if (
            permission not in _PERMISSIONS
            or not well_formed
            or policy.keys() - {"redrivePermission", "sourceQueueArns"}
        ):
            raise invalid_attribute(ALLOW_POLICY, unsupported)
        if permission != "byQueue":
            if sources:
                raise _not_created(
                    text, "To specify one or more source queue ARNs, you must set redrivePermission to byQueue."
                )
            return cls(None if permission == "allowAll" else ())
        if not sources:
            raise _not_created(
                text,
                "When you specify the byQueue permission type, you must also specify one or more "
                "sourceQueueArns values.",
            )
        if len(sources) > _MAX_SOURCES:
            raise _not_created(text, f"The maximum number of source queue ARNs you can specify is {_MAX_SOURCES}.")
        return cls(tuple(sources))

    def allows(self, source_arn: str) -> bool:
        """Whether a queue may name this one as its dead-letter queue."""
        return self.sources is None or source_arn in self.sources


def refused(text: str, reason: str) -> Refused:
    """A redrive policy that SQS does not take."""
    return invalid_value(POLICY, text, reason)


def _parse(name: str, text: str, reason: str) -> dict[str, Any]:
    try:
        policy = json.loads(text)
    except json.JSONDecodeError:
        policy = None
    if not isinstance(policy, dict):
        raise invalid_attribute(name, reason)
    return policy


def _not_created(text: str, reason: str) -> Refused:
    return invalid_value(ALLOW_POLICY, text, f"Amazon SQS can't create the redrive allow policy. {reason}")
