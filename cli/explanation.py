"""Why an event is dead at a consumer, or never arrived there: from markers, failures, logs and the deployed filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cli.depths import Depth
from cli.facts import Facts
from cli.letters.letter import UNDELIVERED, Letter
from cli.logs import Line
from cli.mappings import ENABLED, Mapping
from cli.markers import Known
from cli.reasons import explained
from cli.subscriptions import Deployed
from messaging.filter_explanation import Explanation

State = Literal["applied", "claimed", "dead", "retrying", "filtered", "unsubscribed", "waiting", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that was found of one event at one consumer. `letter` is its dead letter, where one was looked for."""

    known: Known
    lines: Sequence[Line]
    subscription: Deployed | None
    facts: Facts | None
    mapping: Mapping
    depth: Depth
    in_outbox: bool = False
    letter: Letter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of it, why, and what to do."""

    state: State
    because: str
    details: tuple[str, ...] = ()
    mend: str | None = None
    filter: Explanation | None = None

    @property
    def text(self) -> str:
        """For people."""
        lines = [self.because, *(f"  {each}" for each in self.details)]
        return "\n".join([*lines, f"to mend it: {self.mend}"] if self.mend else lines)


def judge(evidence: Evidence) -> Verdict:
    """What the evidence says, the strongest first: what is applied is applied, whatever failed before."""
    known = evidence.known
    if known.applied:
        return _applied(evidence)
    if known.dead:
        return _dead(evidence)
    if known.claimed:
        return _claimed(evidence)
    if evidence.letter is not None:
        return _lies_dead(evidence, evidence.letter)
    if known.failure is not None or any(line.failed for line in _own(evidence)):
        return _retrying(evidence)
    return _never_seen(evidence)


def _own(evidence: Evidence) -> list[Line]:
    return [line for line in evidence.lines if line.event_id == evidence.known.event_id and line.outcome is not None]


def _attempts(evidence: Evidence) -> tuple[str, ...]:
    return tuple(
        f"{line.at:%Y-%m-%d %H:%M:%S} attempt {line.attempt or '?'}: {line.outcome}"
        + "".join(f", {part}" for part in (line.reason, line.detail) if part)
        for line in _own(evidence)
    )


def _applied(evidence: Evidence) -> Verdict:
    known = evidence.known
    when = f" at {known.applied_at}" if known.applied_at else ""
    done = f"{known.consumer} has applied {known.event_id}{when}"
    failure = known.failure or {}
    if failure.get("outcome") != "dead_lettered" or (known.applied_at or "") > str(failure.get("failed_at")):
        return Verdict(state="applied", because=f"{done}: nothing is wrong with it", details=_attempts(evidence))
    means, mend = _reason(evidence)
    return Verdict(
        state="applied",
        because=f"{done}; another message with its id is a dead letter, reason {failure.get('reason')}: {means}",
        details=_attempts(evidence),
        mend=mend,
    )


def _claimed(evidence: Evidence) -> Verdict:
    known = evidence.known
    return Verdict(
        state="claimed",
        because=f"a worker of {known.consumer} holds {known.event_id}, and has not said how its call ended",
        details=_attempts(evidence),
        mend="wait: when its lease ends, the next delivery takes it over",
    )


def _dead(evidence: Evidence) -> Verdict:
    known = evidence.known
    failure = known.failure or {}
    means, mend = _reason(evidence)
    return Verdict(
        state="dead",
        because=f"{known.event_id} is a dead letter of {known.consumer}, reason {failure.get('reason')}: {means}",
        details=(
            f"detail: {failure.get('detail') or 'none'}",
            f"given up at {failure.get('failed_at')}, on attempt {failure.get('attempt')}",
            f"its dead-letter queue holds {evidence.depth.dead} now",
            *_attempts(evidence),
        ),
        mend=mend,
    )


def _lies_dead(evidence: Evidence, letter: Letter) -> Verdict:
    """No record tells of it under its id, but there it is."""
    known = evidence.known
    means, mend = explained(letter.reason, known.consumer, known.event_id)
    queue = f"{known.consumer}/topic" if letter.reason == UNDELIVERED else known.consumer
    return Verdict(
        state="dead",
        because=f"{known.event_id} is a dead letter of {known.consumer}, reason {letter.reason}: {means}",
        details=(
            f"detail: {letter.facts.get('detail') or 'none'}",
            f"since {letter.dead_since:%Y-%m-%d %H:%M:%S} UTC; all of it: `waybill dlq show {queue} {letter.id}`",
            *_attempts(evidence),
        ),
        mend=mend,
    )


def _reason(evidence: Evidence) -> tuple[str, str]:
    """What the failure's reason means, and what mends it."""
    known = evidence.known
    return explained(str((known.failure or {}).get("reason")), known.consumer, known.event_id)


def _retrying(evidence: Evidence) -> Verdict:
    known, depth = evidence.known, evidence.depth
    failure = known.failure or {}
    last = next(reversed(_own(evidence)), None)
    detail = failure.get("detail") or (last.detail if last else None) or "no detail"
    moved = f"; if its receives are used up, it is one of {depth.dead} dead letters" if depth.dead else ""
    return Verdict(
        state="retrying",
        because=f"{known.consumer} has failed on {known.event_id} and tries again: {detail}{moved}",
        details=_attempts(evidence),
        mend=None if evidence.mapping.state == ENABLED else f"it is paused: `waybill resume {known.consumer}`",
    )


def _never_seen(evidence: Evidence) -> Verdict:
    """No outcome is known: it was filtered out, waits somewhere, or was never published."""
    event_id, consumer, depth = evidence.known.event_id, evidence.known.consumer, evidence.depth
    if evidence.subscription is None:
        return Verdict(
            state="unsubscribed",
            because=f"{event_id} never arrived: the topic has no subscription of {consumer}'s queue",
            mend="deploy its stack; `waybill doctor` says what else is missing",
        )
    filtered = None
    if evidence.facts is not None:
        facts = evidence.facts
        filtered = evidence.subscription.explain(attributes=facts.attributes, body=facts.body)
        if not filtered.matches and (facts.complete or surely_fails(filtered)):
            return Verdict(
                state="filtered",
                because=f"{event_id} is not for {consumer}: SNS's filter policy drops it, going by {facts.source}",
                details=tuple(filtered.lines),
                filter=filtered,
            )
    if evidence.in_outbox:
        return Verdict(
            state="waiting",
            because=f"{event_id} is in the outbox: the relay has not sent it yet",
            mend="`waybill tail relay --since 1h` says what keeps it; `waybill alarms --raised`",
            filter=filtered,
        )
    where = []
    if evidence.mapping.state != ENABLED:
        where.append(f"{consumer} is paused (its mapping is {evidence.mapping.state}): `waybill resume {consumer}`")
    if depth.total:
        where.append(f"{depth.total} messages are in its queue, and it may be one of them: `waybill queues`")
    if depth.undelivered:
        where.append(f"the topic could not deliver {depth.undelivered} messages to its queue: `waybill doctor`")
    if depth.dead:
        where.append(
            f"{depth.dead} dead letters, and it may be one that could not be seen, or whose body names no event: "
            f"`waybill dlq list {consumer}`"
        )
    doubt = () if filtered is None or filtered.matches else ("whether the filter takes it is not known: give --event",)
    if where:
        return Verdict(
            state="waiting",
            because=f"{consumer} has not seen {event_id} yet",
            details=(*where, *doubt),
            filter=filtered,
        )
    return Verdict(
        state="unknown",
        because=f"nobody here has seen {event_id} at {consumer}: no marker, no failure, no line of the log since then",
        details=doubt,
        mend="check the id and that it was published; look further back with --since; give the event with --event to "
        "hold it against the filter",
        filter=filtered,
    )


def surely_fails(explanation: Explanation) -> bool:
    """Whether no way through the policy is open even if attributes that are not known here had the right values."""
    return all(
        any(not finding.holds and finding.values for finding in alternative.findings)
        for alternative in explanation.alternatives
    )
