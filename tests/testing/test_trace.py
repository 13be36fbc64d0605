"""A trace tells two runs apart by one number, and tells the life of what is followed."""

from __future__ import annotations

import pytest

from testing.scheduler import Scheduler
from testing.trace import Trace

LINES = [("message-1", "arrives"), ("worker/1", "writes"), ("message-1", "is done")]


def traced(lines: list[tuple[str, str]], *, seconds: float = 1.0, follow: tuple[str, ...] = ()) -> Trace:
    scheduler = Scheduler()
    trace = Trace(scheduler.time, follow=follow)
    for who, what in lines:
        scheduler.sleep(seconds)
        trace.note(who, what)
    return trace


def test_the_same_lines_have_the_same_hash() -> None:
    """Whoever is followed, and however often it is asked for."""
    trace = traced(LINES)
    assert trace.hash() == trace.hash() == traced(LINES).hash() == traced(LINES, follow=("message-1",)).hash()


@pytest.mark.parametrize(
    "other",
    [
        traced(LINES[:2]),
        traced([*LINES, LINES[0]]),
        traced([LINES[1], LINES[0], LINES[2]]),
        traced(LINES, seconds=1.000001),
        traced([("message-2", "arrives"), *LINES[1:]]),
        traced([("message-1", "arrives!"), *LINES[1:]]),
    ],
    ids=["fewer", "more", "in another order", "at another time", "of another", "with another text"],
)
def test_other_lines_have_another_hash(other: Trace) -> None:
    """Anything that differs shows."""
    assert other.hash() != traced(LINES).hash()


def test_the_hash_is_of_all_lines_however_many() -> None:
    """They are hashed by the thousand; the first one and the last one count."""
    many = [("m", str(number)) for number in range(3_000)]
    hashes = {traced(lines, seconds=0).hash() for lines in (many, [("m", "?"), *many[1:]], [*many[:-1], ("m", "?")])}
    assert len(hashes) == 3
    split = traced(many[:1_500], seconds=0)
    split.hash()
    for who, what in many[1_500:]:
        split.note(who, what)
    assert split.hash() == traced(many, seconds=0).hash()


def test_a_lone_surrogate_is_no_obstacle() -> None:
    """A malformed message may have one in its id."""
    assert traced([("message \ud800", "arrives")]).hash() != traced([("message \ud801", "arrives")]).hash()


def test_only_what_is_followed_is_kept() -> None:
    """With its time since the beginning."""
    assert traced(LINES).lines == []
    assert traced(LINES, follow=("message-1",)).lines == [
        "       1.000 s  message-1  arrives",
        "       3.000 s  message-1  is done",
    ]


def test_what_is_linked_to_something_followed_is_followed() -> None:
    """From then on, and on from there; to something else, it is not."""
    trace = traced([], follow=("event",))
    trace.note("worker/1", "too early")
    trace.link("message", "event")
    trace.link("worker/1", "message")
    trace.link("worker/2", "other message")
    trace.note("worker/1", "calls")
    trace.note("worker/2", "calls")
    assert [line.split("  ")[-2:] for line in trace.lines] == [["worker/1", "calls"]]


@pytest.mark.parametrize(
    ("text", "is_followed"),
    [
        ('{"id":"OrderPlaced-5"}', True),
        ("no JSON at all: OrderPlaced-5", True),
        ('{"id":"OrderPlaced-55"}', False),
        ('{"id":"LateOrderPlaced-5"}', False),
        ('{"id":"OrderPlaced-5-tampered"}', False),
        ('{"id":"OrderPlacedX5"}', False),
        ("OrderZx", False),
        ("", False),
    ],
)
def test_a_message_is_linked_by_the_event_that_it_names(text: str, is_followed: bool) -> None:
    """The whole name, wherever it stands."""
    trace = traced([], follow=("Order.x", "OrderPlaced-5"))
    trace.link_by_text("message", text)
    trace.note("message", "arrives")
    assert bool(trace.lines) == is_followed


def test_nobody_is_followed_unasked() -> None:
    """Not even what has no name."""
    trace = traced([])
    trace.link_by_text("message", "any text")
    trace.link("worker", "message")
    trace.note("message", "arrives")
    trace.note("worker", "calls")
    assert trace.lines == []
