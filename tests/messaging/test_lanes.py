"""What goes into one request to the topic, and what it costs to choose it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import pytest

from messaging.lanes import MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, Entry, Lane, lanes_of


class Watched(dict[str, deque[Entry]]):
    """Groups that count how many of them are looked at."""

    looked_at = 0

    def __iter__(self) -> Iterator[str]:
        for group in super().__iter__():
            self.looked_at += 1
            yield group


def entry(number: int, *, size_bytes: int = 1) -> Entry:
    return Entry(number, f"event-{number}", f"group-{number}", {}, size_bytes)


def of_groups(*lengths: int, size_bytes: int = 1) -> list[Entry]:
    """So many entries of each group, the groups in turn."""
    numbered = [(turn, group) for group, length in enumerate(lengths) for turn in range(length)]
    return [Entry(n, f"event-{n}", f"group-{group}", {}, size_bytes) for n, (_, group) in enumerate(sorted(numbered))]


def sent(lane: Lane) -> list[list[str]]:
    """The groups of each batch until the lane is empty, where all is accepted."""
    batches = []
    while lane.groups:
        batches.append(lane.next_batch())
        for each in batches[-1]:
            lane.remove(each)
    return [[each.group for each in batch] for batch in batches]


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


@pytest.mark.parametrize(
    ("groups", "lanes", "requests", "in_turn"),
    [
        *[(1, 1, 10, 10), (10, 1, 10, 10), (11, 1, 11, 11), (14, 1, 14, 14), (15, 2, 20, 10), (16, 2, 20, 10)],
        *[(24, 2, 24, 12), (40, 4, 40, 10), (100, 10, 100, 10), (400, 10, 400, 40)],
    ],
)
def test_as_many_lanes_as_groups_fill(groups: int, lanes: int, requests: int, in_turn: int) -> None:
    """Ten events of each group: where the groups fill lanes, as few requests as there can be, and as few in turn."""
    batches = [sent(lane) for lane in lanes_of(of_groups(*[10] * groups), 10)]
    assert (len(batches), sum(map(len, batches)), max(map(len, batches))) == (lanes, requests, in_turn)


def test_neither_requests_nor_time_are_far_from_the_best() -> None:
    """At most a third more requests, and less than half more in turn, than with any other number of lanes."""
    for groups in range(1, 120):
        batches = [sent(lane) for lane in lanes_of(of_groups(*[10] * groups), 20)]
        fewest, least_in_turn = max(10, groups), 10  # all groups in one lane, and no more than ten in any
        assert sum(map(len, batches)) <= fewest * 4 / 3
        assert max(map(len, batches)) < least_in_turn * 3 / 2


def test_large_messages_go_side_by_side_too() -> None:
    """Only three fit into a request, so that ten groups fill three lanes, and eleven nearly four."""
    assert len(lanes_of(of_groups(*[1] * 10, size_bytes=MAX_BATCH_BYTES // 3), 10)) == 3
    assert len(lanes_of(of_groups(*[1] * 11, size_bytes=MAX_BATCH_BYTES // 3), 10)) == 4
    assert len(lanes_of(of_groups(*[1] * 10, size_bytes=MAX_BATCH_BYTES), 4)) == 4


def test_long_groups_are_apart() -> None:
    """Each would hold up the other's lane."""
    lengths = [30, 30, *[1] * 18]
    assert [len(sent(lane)) for lane in lanes_of(of_groups(*lengths), 10)] == [30, 30]


def test_a_group_keeps_its_order_in_one_lane() -> None:
    """Whatever its length, and however many lanes there are."""
    entries = of_groups(3, 1, 2, *[1] * 30)
    lanes = lanes_of(entries, 10)
    of_lanes = [[*group] for lane in lanes for group in lane.groups.values()]
    assert sorted(len(group) for group in of_lanes) == [1] * 31 + [2, 3]
    for group in of_lanes:
        assert group == [each for each in entries if each.group == group[0].group]


def test_nothing_needs_no_lane() -> None:
    """A publisher of nothing starts nothing."""
    assert lanes_of([], 10) == []
