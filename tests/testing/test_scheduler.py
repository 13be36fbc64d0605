"""Virtual time: what waits happens in the order of its time, each task by itself, and the same seed is the same run."""

from __future__ import annotations

from functools import partial

import pytest

from testing.scheduler import STARTS_AT, Scheduler


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler(seed=1)


class Diary:
    """What happened when, in seconds since the beginning."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.lines: list[tuple[float, str]] = []
        self._scheduler = scheduler

    def note(self, what: str) -> None:
        self.lines.append((self._scheduler.now - STARTS_AT, what))


@pytest.fixture
def diary(scheduler: Scheduler) -> Diary:
    return Diary(scheduler)


def test_actions_happen_in_the_order_of_their_times(scheduler: Scheduler, diary: Diary) -> None:
    """Whatever the order in which they were asked for."""
    scheduler.after(3, partial(diary.note, "c"))
    scheduler.at(STARTS_AT + 1, partial(diary.note, "a"))
    scheduler.after(2, partial(diary.note, "b"))
    assert diary.lines == []
    scheduler.run()
    assert diary.lines == [(1, "a"), (2, "b"), (3, "c")]
    assert scheduler.time() == STARTS_AT + 3


def test_what_comes_at_the_same_time_happens_in_the_order_of_asking(scheduler: Scheduler, diary: Diary) -> None:
    """And what is asked for while it happens comes after it."""

    def first() -> None:
        diary.note("first")
        scheduler.after(0, partial(diary.note, "fourth"))

    scheduler.after(1, first)
    scheduler.after(1, partial(diary.note, "second"))
    scheduler.after(1, partial(diary.note, "third"))
    scheduler.run()
    assert diary.lines == [(1, "first"), (1, "second"), (1, "third"), (1, "fourth")]


def test_what_is_past_happens_now(scheduler: Scheduler, diary: Diary) -> None:
    """Time never goes back."""
    scheduler.after(5, lambda: scheduler.at(STARTS_AT + 1, partial(diary.note, "late")))
    scheduler.run()
    assert diary.lines == [(5, "late")]


def test_an_action_can_be_cancelled(scheduler: Scheduler, diary: Diary) -> None:
    """Before it happens; later that does no harm. Time does not go on for it."""
    happened, cancelled = (scheduler.after(seconds, partial(diary.note, str(seconds))) for seconds in (1, 9))
    cancelled.cancel()
    scheduler.run()
    happened.cancel()
    assert diary.lines == [(1, "1")]
    assert scheduler.now == STARTS_AT + 1


class TestTasks:
    def test_they_take_turns_where_they_sleep(self, scheduler: Scheduler, diary: Diary) -> None:
        """And nowhere else."""

        def task(name: str, seconds: float) -> None:
            diary.note(f"{name} begins")
            scheduler.sleep(seconds)
            diary.note(f"{name} goes on")
            scheduler.sleep(seconds)
            diary.note(f"{name} ends")

        scheduler.spawn(partial(task, "slow", 3))
        scheduler.spawn(partial(task, "quick", 2))
        scheduler.run()
        assert diary.lines == [
            *((0, "slow begins"), (0, "quick begins")),
            *((2, "quick goes on"), (3, "slow goes on")),
            *((4, "quick ends"), (6, "slow ends")),
        ]

    def test_equal_sleeps_end_in_the_order_of_their_beginning(self, scheduler: Scheduler, diary: Diary) -> None:
        """Nobody overtakes, and one that sleeps for nothing lets the others come first."""

        def task(name: str, seconds: float) -> None:
            scheduler.sleep(seconds)
            diary.note(name)

        for name, seconds in (("a", 1.0), ("b", 1.0), ("c", 0.0), ("d", -5.0)):
            scheduler.spawn(partial(task, name, seconds))
        scheduler.run()
        assert diary.lines == [(0, "c"), (0, "d"), (1, "a"), (1, "b")]

    def test_they_can_begin_others(self, scheduler: Scheduler, diary: Diary) -> None:
        """Which run when the first sleeps or ends."""

        def parent() -> None:
            scheduler.spawn(partial(diary.note, "child"))
            diary.note("parent")
            scheduler.sleep(1)
            diary.note("parent again")

        scheduler.spawn(parent)
        scheduler.run()
        assert diary.lines == [(0, "parent"), (0, "child"), (1, "parent again")]

    def test_a_sleep_can_be_longer_than_a_run(self, scheduler: Scheduler, diary: Diary) -> None:
        """It goes on in the next one."""

        def task() -> None:
            scheduler.sleep(10)
            diary.note("awake")

        scheduler.spawn(task)
        scheduler.run(STARTS_AT + 4)
        assert (diary.lines, scheduler.now) == ([], STARTS_AT + 4)
        scheduler.run()
        assert diary.lines == [(10, "awake")]

    def test_an_action_can_not_sleep(self, scheduler: Scheduler) -> None:
        """It is no task: nobody could go on meanwhile."""
        scheduler.after(1, lambda: scheduler.sleep(1))
        with pytest.raises(AssertionError, match="an action can't sleep"):
            scheduler.run()


class TestOutsideOfTasks:
    def test_the_whole_world_goes_on_while_somebody_sleeps(self, scheduler: Scheduler, diary: Diary) -> None:
        """What is due by then happens, and no more."""
        for seconds in (1, 2, 3):
            scheduler.after(seconds, partial(diary.note, str(seconds)))
        scheduler.sleep(2)
        assert diary.lines == [(1, "1"), (2, "2")]
        assert scheduler.now == STARTS_AT + 2
        scheduler.sleep(0.5)
        assert scheduler.now == STARTS_AT + 2.5

    def test_time_goes_on_to_the_end_of_a_run_though_nothing_happens(self, scheduler: Scheduler) -> None:
        """And not further than what happened last in a run without an end."""
        scheduler.run(STARTS_AT + 60)
        assert scheduler.now == STARTS_AT + 60
        scheduler.run(STARTS_AT + 30)
        scheduler.run()
        assert scheduler.now == STARTS_AT + 60


class TestErrors:
    @pytest.mark.parametrize("in_task", [True, False])
    def test_what_is_raised_ends_the_run_and_the_rest_can_go_on(
        self, scheduler: Scheduler, diary: Diary, in_task: bool
    ) -> None:
        """A task's error or an action's: time stands where it was raised."""

        def fail() -> None:
            if in_task:
                scheduler.sleep(1)
            raise RuntimeError("broken")

        if in_task:
            scheduler.spawn(fail)
        else:
            scheduler.after(1, fail)
        scheduler.after(2, partial(diary.note, "later"))
        with pytest.raises(RuntimeError, match="broken"):
            scheduler.run()
        assert (diary.lines, scheduler.now) == ([], STARTS_AT + 1)
        scheduler.run()
        assert diary.lines == [(2, "later")]

    def test_a_task_can_not_run_the_world(self, scheduler: Scheduler) -> None:
        """It is part of it."""
        scheduler.spawn(scheduler.run)
        with pytest.raises(AssertionError, match="runs already"):
            scheduler.run()


def test_the_same_seed_is_the_same_run() -> None:
    """Chance, ids and times; another seed is another run."""
    runs = [_life(seed) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def _life(seed: int) -> list[tuple[float, str]]:
    scheduler = Scheduler(seed)
    diary = Diary(scheduler)

    def wander() -> None:
        for _ in range(5):
            scheduler.sleep(scheduler.random.random())
            diary.note(scheduler.new_id())

    for _ in range(5):
        scheduler.spawn(wander)
    scheduler.run()
    assert [when for when, _ in diary.lines] == sorted(when for when, _ in diary.lines)
    return diary.lines


def test_an_id_is_32_hexadecimal_digits(scheduler: Scheduler) -> None:
    """As uuid4().hex is."""
    ids = [scheduler.new_id() for _ in range(1_000)]
    assert all(len(each) == 32 and int(each, 16) >= 0 for each in ids)
    assert len(set(ids)) == 1_000
