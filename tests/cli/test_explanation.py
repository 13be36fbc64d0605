"""Why an event is dead, or never arrived."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from cli.depths import Depth
from cli.explanation import Evidence, State, judge
from cli.facts import Facts
from cli.letters.letter import RECEIVE_COUNT, UNDELIVERED, Letter
from cli.logs import Line
from cli.mappings import Mapping
from cli.markers import Known
from cli.reasons import REASONS
from cli.subscriptions import Deployed
from messaging import errors
from messaging.effects import Key
from messaging.filter_explanation import attributes_of
from messaging.tables import INBOX

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MARKER = {"status": "COMPLETED", "applied_at": "2026-11-23T11:00:00.000+00:00"}
DEAD = {
    "outcome": "dead_lettered",
    "reason": "poison",
    "detail": "lines: empty",
    "attempt": 1,
    "failed_at": "2026-11-23T10:00",
}


def known(**members: Any) -> Known:
    key = Key(INBOX.name, "x") if "marker" in members else None
    return Known(event_id="OrderPlaced-1", consumer="priority_orders", key=key, **members)


def line(**members: Any) -> Line:
    return Line(at=NOW, consumer="priority_orders", text="", event_id="OrderPlaced-1", **members)


def letter(unsigned: str = RECEIVE_COUNT, **facts: str) -> Letter:
    attribute = {"waybill": {"DataType": "String", "StringValue": json.dumps(facts)}} if facts else {}
    return Letter(
        id="l-1",
        body="{}",
        attributes=attribute,
        group=None,
        deduplication_id=None,
        sent_at=NOW.timestamp(),
        receives=540,
        unsigned=unsigned,
    )


def mapping(state: str = "Enabled") -> Mapping:
    return Mapping(uuid="m", state=state, last_result="", reports_failures=True, batch_size=10, maximum_concurrency=2)


def depth(**members: int) -> Depth:
    return Depth(
        consumer="priority_orders",
        **{"visible": 0, "in_flight": 0, "delayed": 0, "dead": 0, "undelivered": 0, **members},
    )


SUBSCRIBED = Deployed(
    arn="s",
    endpoint="q",
    protocol="sqs",
    policy={"type": ["OrderPlaced"], "priority": ["high"]},
    scope="MessageAttributes",
    raw=True,
    dead_letters_to="d",
)


def facts(complete: bool = True, **attributes: str) -> Facts:
    return Facts(attributes=attributes_of(attributes), source="--event", complete=complete)


def evidence(**found: Any) -> Evidence:
    nothing: dict[str, Any] = {
        "known": known(),
        "lines": [],
        "subscription": SUBSCRIBED,
        "facts": None,
        "mapping": mapping(),
        "depth": depth(),
    }
    return Evidence(**{**nothing, **found})


@pytest.mark.parametrize(
    ("found", "state", "says"),
    [
        ({"known": known(marker=MARKER)}, "applied", "nothing is wrong"),
        ({"known": known(marker=MARKER, failure=DEAD)}, "applied", "nothing is wrong"),
        (
            {"known": known(marker=MARKER, failure={**DEAD, "reason": "conflict", "failed_at": "2026-11-23T12:00"})},
            "applied",
            "another message with its id is a dead letter, reason conflict",
        ),
        ({"known": known(failure=DEAD), "depth": depth(dead=3)}, "dead", "detail: lines: empty"),
        ({"known": known(failure=DEAD), "depth": depth(dead=3)}, "dead", "holds 3 now"),
        ({"known": known(failure=DEAD)}, "dead", "waybill dlq edit priority_orders"),
        ({"known": known(failure={**DEAD, "reason": "of the future"})}, "dead", "does not know that reason"),
        ({"known": known(marker={"status": "INPROGRESS"})}, "claimed", "has not said how its call ended"),
        ({"known": known(failure={**DEAD, "outcome": "retry", "detail": "throttled"})}, "retrying", "throttled"),
        ({"lines": [line(outcome="retry", detail="no answer")]}, "retrying", "no answer"),
        ({"lines": [line(outcome="retry")], "mapping": mapping("Disabled")}, "retrying", "waybill resume"),
        ({"lines": [line(outcome="retry")], "depth": depth(dead=2)}, "retrying", "one of 2 dead letters"),
        ({"subscription": None}, "unsubscribed", "no subscription of priority_orders's queue"),
        (
            {"facts": facts(type="OrderPlaced", priority="standard")},
            "filtered",
            'priority: "standard", but the policy wants "high"',
        ),
        ({"facts": facts(type="OrderPlaced")}, "filtered", 'priority: nothing, but the policy wants "high"'),
        ({"facts": facts(complete=False, type="StockReserved")}, "filtered", 'type: "StockReserved", but'),
        ({"facts": facts(type="OrderPlaced", priority="high"), "in_outbox": True}, "waiting", "has not sent it yet"),
        ({"depth": depth(visible=4)}, "waiting", "4 messages are in its queue"),
        ({"depth": depth(undelivered=1)}, "waiting", "could not deliver 1 messages"),
        ({"depth": depth(dead=1)}, "waiting", "1 dead letters"),
        ({"letter": letter(), "depth": depth(dead=1)}, "dead", "reason receive_count: it was received as often"),
        ({"letter": letter(unsigned=UNDELIVERED)}, "dead", "waybill dlq redrive priority_orders/topic --all"),
        ({"letter": letter(reason="poison", detail="not JSON")}, "dead", "detail: not JSON"),
        ({"letter": letter(reason="poison")}, "dead", "`waybill dlq edit priority_orders OrderPlaced-1`"),
        (
            {"letter": letter(), "known": known(failure={**DEAD, "outcome": "retry"}), "depth": depth(dead=1)},
            "dead",
            "`waybill dlq show priority_orders l-1`",
        ),
        ({"letter": letter(), "known": known(marker=MARKER)}, "applied", "nothing is wrong"),
        ({"mapping": mapping("Disabled")}, "waiting", "paused"),
        ({}, "unknown", "nobody here has seen OrderPlaced-1"),
    ],
)
def test_what_became_of_it(found: dict[str, Any], state: State, says: str) -> None:
    """The strongest evidence counts: an applied event is applied, whatever failed before it."""
    verdict = judge(evidence(**found))
    assert verdict.state == state
    assert says in verdict.text


def test_attributes_that_are_not_known_do_not_filter() -> None:
    """Of an event whose type alone is known, nobody can say that its priority is wrong; that is said."""
    verdict = judge(evidence(facts=facts(complete=False, type="OrderPlaced")))
    assert verdict.state == "unknown"
    assert "give --event" in verdict.text


def test_each_attempt_is_told() -> None:
    """With what is known of it, and no more."""
    lines = [
        line(outcome="retry", attempt=1, reason="RetryLater", detail="throttled"),
        line(outcome="applied", attempt=2),
        line(message="batch"),
    ]
    assert judge(evidence(known=known(marker=MARKER), lines=lines)).details == (
        "2026-11-23 12:00:00 attempt 1: retry, RetryLater, throttled",
        "2026-11-23 12:00:00 attempt 2: applied",
    )


def test_every_reason_of_a_dead_letter_is_explained() -> None:
    """Those of the core's errors, and `newer_version`, which only patience makes one."""
    reasons = {
        each.reason for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.DeadLetter)
    }
    assert REASONS.keys() == reasons | {"newer_version"}


def test_the_states_are_all_reached() -> None:
    """None is there for nothing: the table above has each."""
    (mark,) = test_what_became_of_it.pytestmark
    assert {case[1] for case in mark.args[1]} == {*get_args(State)}
