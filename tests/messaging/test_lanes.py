"""What goes into one request to the topic, and what it costs to choose it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from messaging.lanes import MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, Entry, Lane


class Watched(dict[str, deque[Entry]]):
    """Groups that count how many of them are looked at."""

    looked_at = 0

    def __iter__(self) -> Iterator[str]:
        for group in super().__iter__():
            self.looked_at += 1
            yield group


def entry(number: int, *, size_bytes: int = 1) -> Entry:
    return Entry(number, f"event-{number}", f"group-{number}", {}, size_bytes)


def groups(*entries: Entry) -> Watched:
    return Watched({each.group: deque([each]) for each in entries})


def test_a_batch_looks_at_no_more_groups_than_it_takes() -> None:
    """However many wait: else publishing to many customers takes the square of their number."""
    waiting = groups(*map(entry, range(1_000)))
    assert [each.number for each in Lane(waiting).next_batch()] == [*range(MAX_BATCH_ENTRIES)]
    assert waiting.looked_at <= MAX_BATCH_ENTRIES


def test_groups_take_turns() -> None:
    """Those that were in a batch come again after those that were not."""
    lane = Lane(groups(*map(entry, range(12))))
    assert [each.number for _ in range(2) for each in lane.next_batch()] == [*range(12), *range(8)]


def test_a_batch_ends_before_it_is_too_large() -> None:
    """What does not fit is the first of the next."""
    half = MAX_BATCH_BYTES // 2
    lane = Lane(groups(entry(0, size_bytes=half), entry(1, size_bytes=half), entry(2)))
    assert [each.number for each in lane.next_batch()] == [0, 1]
    assert [each.number for each in lane.next_batch()] == [2, 0]
