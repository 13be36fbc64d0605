"""The names of Waybill's own metrics: written by functions and publishers, read by alarms and dashboards.

All are in their stage's namespace, with the dimension `service`: a consumer's name, RELAY, or what a publisher calls
itself. Dimensions are bounded: no id of an event, a customer or a batch is one.
"""

from __future__ import annotations

from collections.abc import Mapping

from messaging.batch import Outcome

NAMESPACE = "Waybill"  # production's
SERVICE = "service"
REASON = "reason"  # a second dimension of DEAD_LETTERED, beside its sum over all reasons

RELAY = "relay"

# Of a batch, by consumer. Counts.
RECORDS = "Records"
OUTCOMES: Mapping[Outcome, str] = {
    "applied": "Applied",
    "duplicate": "Duplicates",
    "dead_lettered": "DeadLettered",
    "retry": "Retried",
    "held_back": "HeldBack",
}
DEAD_LETTERED = OUTCOMES["dead_lettered"]
CONFLICTS = "Conflicts"  # transactions that others' writes cancelled
# Milliseconds.
EFFECT_LATENCY = "EffectLatency"  # one value a batch: from its arrival at the function until all of it is settled
END_TO_END_LATENCY = "EndToEndLatency"  # one value an applied record: from the event's publication until it is settled

# Of a run of a publisher. Counts.
PUBLISHED = "Published"
PUBLISH_FAILED = "PublishFailed"  # events that the topic did not acknowledge
UNROUTED = "Unrouted"  # accepted events that no subscription takes
# Milliseconds: one value a run, from the first request until the last acknowledgement.
PUBLISH_LATENCY = "PublishLatency"
# Of the relay alone. Counts.
REFUSED = "Refused"
RELAY_RETRIED = "RelayRetried"


def namespace_of(stage: str) -> str:
    """The namespace of a stage: what is tried out in `dev` raises no alarm of `prod`, though both be in one account."""
    return NAMESPACE if stage == "prod" else f"{NAMESPACE}/{stage}"
