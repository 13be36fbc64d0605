"""Every error of the core.

WaybillError
├── SettingsError            the environment lacks a value, or holds a wrong one
├── TopologyError            the table of subscriptions contradicts itself
├── InvalidEvent             an event that must not be published, with every reason
├── InvalidResponse          a batch response that would lose or repeat messages
├── UndeclaredRead           an effect asked for an item that its consumer does not declare
└── RecordError              one record can't be applied now; a consumer's function may raise these
    ├── DeadLetter           it never can: to the dead-letter queue at once, with its reason
    │   ├── Poison             reason `poison`: not a message of ours, or its data is wrong
    │   ├── TamperedEvent      reason `conflict`: this event id was applied with other contents
    │   ├── TooLarge           reason `too_large`: past a limit that no retry moves
    │   └── Expired            reason `expired`: older than its subscription accepts
    └── RetryLater           it may be later: handed back, after a delay where one is given
        └── NewerVersion       a type or version that this code does not know (yet)
"""

from __future__ import annotations


class WaybillError(Exception):
    """Root of the tree."""


class SettingsError(WaybillError):
    """The environment lacks a setting or holds a wrong value; names the variable, never the value."""


class TopologyError(WaybillError):
    """A subscription, table or filter contradicts the rules of the topology."""


class InvalidEvent(WaybillError):
    """An event that must not be published; the message names the field and the rule."""


class InvalidResponse(WaybillError):
    """A batch response names a record that the batch does not hold."""


class UndeclaredRead(WaybillError):
    """An effect asked its view for a key that the consumer's `reads` did not name."""


class RecordError(WaybillError):
    """One record can't be applied now. The message never holds payload text."""


class DeadLetter(RecordError):
    """One record never can be applied; `reason` is one of DESIGN's words for it."""

    reason = "poison"


class Poison(DeadLetter):
    """Not a message of ours, or data that breaks the event's schema."""

    reason = "poison"


class TamperedEvent(DeadLetter):
    """The event id is already applied, with another payload."""

    reason = "conflict"


class TooLarge(DeadLetter):
    """A message or an effect past a limit that a retry does not move."""

    reason = "too_large"


class Expired(DeadLetter):
    """The event is older than `max_age_seconds` of its subscription."""

    reason = "expired"


class RetryLater(RecordError):
    """The record may succeed later.

    `delay_seconds`: how long its queue hides the record and the held-back rest of its group;
    None leaves that to the queue's visibility timeout.
    """

    def __init__(self, message: str, *, delay_seconds: int | None = None) -> None:
        super().__init__(message)
        self.delay_seconds = delay_seconds


class NewerVersion(RetryLater):
    """A type or version that this code does not know: a rolling deploy may bring the code that does."""
