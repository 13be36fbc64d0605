"""A queue's attributes: their defaults, their bounds and what they mean.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from testing.sqs import redrive
from testing.sqs.errors import Refused, invalid_attribute, unknown_attribute
from testing.sqs.limits import MAX_CHARACTER_SIZE, MAX_DELAY_SECONDS, MAX_SIZE, MAX_VISIBILITY_SECONDS
from testing.sqs.redrive import RedriveAllowPolicy, RedrivePolicy

FIFO_SUFFIX: Final = ".fifo"

_BOUNDS: Final = {
    "DelaySeconds": (0, MAX_DELAY_SECONDS),
    "MaximumMessageSize": (1_024, MAX_SIZE),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, MAX_VISIBILITY_SECONDS),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
}
_CHOICES: Final = {
    "ContentBasedDeduplication": ("true", "false"),
    "FifoQueue": ("true",),
    "DeduplicationScope": ("queue", "messageGroup"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
    "SqsManagedSseEnabled": ("true", "false"),
}
_FIFO_ONLY: Final = ("FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit")
# In any case, such as True.
_SWITCHES: Final = ("ContentBasedDeduplication", "FifoQueue", "SqsManagedSseEnabled")
# An empty value takes them away. The policy for access and the key have no effect here, but are shown.
_REMOVABLE: Final = ("Policy", "KmsMasterKeyId", redrive.POLICY, redrive.ALLOW_POLICY)
SETTABLE: Final = frozenset((*_BOUNDS, *_CHOICES, *_REMOVABLE))

_DEFAULTS: Final = {
    "DelaySeconds": "0",
    "MaximumMessageSize": str(MAX_SIZE),
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "SqsManagedSseEnabled": "true",
    "VisibilityTimeout": "30",
}
_FIFO_DEFAULTS: Final = {
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoQueue": "true",
    "FifoThroughputLimit": "perQueue",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a queue does. `attributes` are as the API shows them.

    `small_body` is how many characters of any kind are never too many, where there are no attributes.
    """

    attributes: Mapping[str, str]
    fifo: bool
    delay_seconds: int
    visibility_timeout_seconds: int
    retention_seconds: int
    wait_seconds: int
    max_size: int
    small_body: int
    content_based: bool
    per_group: bool
    redrive: RedrivePolicy | None
    allow: RedriveAllowPolicy

    @classmethod
    def of(cls, fifo: bool, attributes: Mapping[str, str]) -> Self:
        """Settings with some attributes given. Raises Refused for what SQS does not take."""
        return cls._made(fifo, {**_DEFAULTS, **(_FIFO_DEFAULTS if fifo else {})}, attributes)

    def changed(self, attributes: Mapping[str, str]) -> Settings:
        """These settings with some attributes changed. Raises Refused for what SQS does not take."""
        return self._made(self.fifo, dict(self.attributes), attributes)

    @classmethod
    def _made(cls, fifo: bool, shown: dict[str, str], attributes: Mapping[str, str]) -> Self:
        for name, given in attributes.items():
            value = given.lower() if name in _SWITCHES else given
            _check(fifo, name, value)
            if name in _REMOVABLE and not value:
                shown.pop(name, None)
            else:
                shown[name] = value
        _check_together(shown)
        policy, allow = shown.get(redrive.POLICY), shown.get(redrive.ALLOW_POLICY)
        return cls(
            attributes=shown,
            fifo=fifo,
            delay_seconds=int(shown["DelaySeconds"]),
            visibility_timeout_seconds=int(shown["VisibilityTimeout"]),
            retention_seconds=int(shown["MessageRetentionPeriod"]),
            wait_seconds=int(shown["ReceiveMessageWaitTimeSeconds"]),
            max_size=int(shown["MaximumMessageSize"]),
            small_body=int(shown["MaximumMessageSize"]) // MAX_CHARACTER_SIZE,
            content_based=shown.get("ContentBasedDeduplication") == "true",
            per_group=shown.get("DeduplicationScope") == "messageGroup",
            redrive=RedrivePolicy.parse(policy) if policy else None,
            allow=RedriveAllowPolicy.parse(allow) if allow else RedriveAllowPolicy(None),
        )


def _check(fifo: bool, name: str, value: str) -> None:
    if name not in SETTABLE:
        raise unknown_attribute(name)
    if name in _FIFO_ONLY and not fifo:
        if name in ("DeduplicationScope", "FifoThroughputLimit"):
            message = f"You can specify the {name} only when FifoQueue is set to true."
            raise Refused("InvalidAttributeName", message)
        raise unknown_attribute(name)
    if name in _BOUNDS:
        low, high = _BOUNDS[name]
        if not value.isdecimal() or not low <= int(value) <= high:
            raise invalid_attribute(name)
    if name in _CHOICES and value not in _CHOICES[name]:
        raise invalid_attribute(name, "Modifying queue type is not supported." if name == "FifoQueue" else "")


def _check_together(shown: Mapping[str, str]) -> None:
    """Raises Refused for values of which one forbids the other.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html
    """
    if shown.get("FifoThroughputLimit") == "perMessageGroupId" and shown["DeduplicationScope"] != "messageGroup":
        reason = "The perMessageGroupId value is allowed only when DeduplicationScope is messageGroup."
        raise invalid_attribute("FifoThroughputLimit", reason)
