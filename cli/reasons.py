"""What each reason of a dead letter means, and what mends it."""

from __future__ import annotations

from cli.letters.letter import RECEIVE_COUNT, UNDELIVERED

REDRIVE = "`waybill dlq redrive {consumer} --id {event_id}`"
PURGE = "`waybill dlq purge {consumer} --id {event_id}`"
# Of letters that a consumer has signed with its reason.
REASONS: dict[str, tuple[str, str]] = {
    "poison": (
        "it is no message of ours, or its data breaks the event's schema",
        "`waybill dlq edit {consumer} {event_id}`, or have its producer send a sound one",
    ),
    "killer": (
        "the function ended in the middle of it, again and again, at last on it alone",
        "find the crash: `waybill tail {consumer} --since 3d`; deploy the mended code, then " + REDRIVE,
    ),
    "conflict": (
        "its id was applied before with other contents: the first one counts",
        "find the producer that uses an id twice; where these contents are wanted, send them under a new id",
    ),
    "stale": (
        "a later event of its group was applied before, so it came too late",
        "decide whether it still matters; where it does not, " + PURGE,
    ),
    "held": (
        "an earlier event of its group was not applied",
        "mend and redrive the earlier one together with it, in order: `waybill dlq redrive {consumer} --reason held`",
    ),
    "expired": ("it was older than its subscription accepts", f"{PURGE}, or have it tried all the same: {REDRIVE}"),
    "in_doubt": (
        "its call was begun, must not be made twice, and nobody knows how it ended",
        f"ask the provider; then {PURGE}, or `waybill inbox forget {{event_id}} {{consumer}}` and {REDRIVE}",
    ),
    "newer_version": (
        "it has a type or version that the deployed code does not know",
        "deploy the code that knows it, then " + REDRIVE,
    ),
    "too_large": (
        "it, or its effect, is past a limit that no retry moves",
        "keep what is large elsewhere, and send a smaller event under a new id",
    ),
    "too_old": (
        "it is so old that the proof of a duplicate may be gone",
        f"check by hand whether it was applied; then {PURGE}, or send it under a new id",
    ),
}
# Of those that SQS moved, or the topic could not deliver.
UNSIGNED: dict[str, tuple[str, str]] = {
    RECEIVE_COUNT: (
        "it was received as often as a message may be, and SQS gave it up",
        "find what failed: `waybill tail {consumer} --since 3d --match {event_id}`; mend that, then " + REDRIVE,
    ),
    UNDELIVERED: (
        "the topic could not deliver it to the queue",
        "mend the queue's policy or its key (`waybill doctor`), then `waybill dlq redrive {consumer}/topic --all`",
    ),
}


def explained(reason: str, consumer: str, event_id: str) -> tuple[str, str]:
    """What a reason means, and what mends it, for this event at this consumer."""
    unknown = ("this checkout does not know that reason", "look at it: `waybill dlq list {consumer}`")
    means, mend = {**REASONS, **UNSIGNED}.get(reason, unknown)
    return means, mend.format(consumer=consumer, event_id=event_id)
