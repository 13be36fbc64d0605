"""What a publisher says of each event that it was given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FailedEntry:
    """An event that did not reach the topic. `code` is SNS's, or one of `invalid`, `too_large`, HELD_BACK, OUT_OF_TIME.

    `final`: sending it again now can't help. `own_fault`: nor can it once topic and permissions are mended.
    """

    event_id: str
    code: str
    reason: str
    final: bool = False
    own_fault: bool = False


HELD_BACK = "held_back"
OUT_OF_TIME = "out_of_time"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishReport:
    """Where every event went. Accepted events that match no subscription are in `unrouted` too: SNS drops them.

    (But for those that the topic calls `announced`: nobody needs to take them.) `seconds`: from the first request until
    the last answer, pauses between attempts included; None where nothing was to be sent.
    """

    published: tuple[str, ...]
    failed: tuple[FailedEntry, ...]
    unrouted: tuple[str, ...]
    seconds: float | None = None
