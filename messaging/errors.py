"""Every error of the core.

WaybillError
├── SettingsError            the environment lacks a value, or holds a wrong one
├── TopologyError            the table of subscriptions contradicts itself
├── InvalidEvent             an event that must not be published, with every reason
├── InvalidResponse          a batch response that would lose or repeat messages
├── UndeclaredRead           an effect asked for an item that its consumer does not declare
├── UncalledEvent            a subscription takes an event for which its external consumer has no call
├── UndeclaredFollowUp       an effect emits an event that its subscription's row does not name
└── RecordError              one record can't be applied now; a consumer's function may raise these
    ├── DeadLetter           it never can: to the dead-letter queue at once, with its reason
    │   ├── Poison             reason `poison`: not a message of ours, or its data is wrong
    │   ├── TamperedEvent      reason `conflict`: this event id was applied with other contents
    │   ├── TooLarge           reason `too_large`: past a limit that no retry moves
    │   ├── Expired            reason `expired`: older than its subscription accepts
    │   ├── TooOld             reason `too_old`: so old that the proof of a duplicate may be gone
    │   ├── Stale              reason `stale`: a later event of its group was applied before
    │   ├── Held               reason `held`: an earlier event of its group was not applied
    │   ├── InDoubt            reason `in_doubt`: its call may have happened, and must not happen twice
    │   └── Killer             reason `killer`: the function ended in the middle of it, again and again
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


class UncalledEvent(WaybillError):
    """The row lists an event in `events`, and the consumer's `calls` lacks it: the code is wrong, not the message."""


class UndeclaredFollowUp(WaybillError):
    """An effect emits an event of a type that its subscription's row does not list in `emits`."""


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


class TooOld(DeadLetter):
    """The event is older than any marker: nobody can tell whether it was applied."""

    reason = "too_old"


class Stale(DeadLetter):
    """The group's cursor is at this event's sequence or past it, and the event itself was never applied."""

    reason = "stale"


class Held(DeadLetter):
    """The event before this one in its group was not applied: redrive them together, in order."""

    reason = "held"


class InDoubt(DeadLetter):
    """A call that must not be made twice was begun, and nobody knows how it ended."""

    reason = "in_doubt"


class Killer(DeadLetter):
    """The function ended without an answer each time when it worked on this record, at last on it alone."""

    reason = "killer"


NEWER_VERSION = "newer_version"  # the reason of a dead letter for which no new code came in time
REASONS = frozenset(
    [
        *(each.reason for each in (Poison, TamperedEvent, TooLarge, Expired, TooOld, Stale, Held, InDoubt, Killer)),
        NEWER_VERSION,
    ]
)


class RetryLater(RecordError):
    """The record may succeed later.

    `delay_seconds`: how long its queue hides the record and the held-back rest of its group, 1 s to 11 h; None has it
    grow with the attempts, with jitter, to five minutes.
    """

    def __init__(self, message: str, *, delay_seconds: int | None = None) -> None:
        super().__init__(message)
        self.delay_seconds = delay_seconds


class NewerVersion(RetryLater):
    """A type or version that this code does not know: a rolling deploy may bring the code that does."""
