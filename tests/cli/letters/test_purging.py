"""Letters deleted for good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli.letters.files import Backup, letters_in
from cli.letters.purging import purge
from cli.letters.selection import Selection
from testing import World
from testing.faults import Fault
from tests.cli.letters.operating import OneFault, operate
from tests.cli.letters.test_importing import BOTH, COUNT, poisoned


def purged(path: Path, selection: Selection = Selection()) -> Any:  # noqa: B008 - it is frozen
    """Into a file."""

    def work(at: Any) -> Any:
        with Backup(path) as file:
            yield from purge(at, selection, file)

    return work


def bodies(world: World, consumer: str) -> set[str]:
    return {letter.message.body for letter in world.dead_letters(consumer)}


def written(path: Path) -> set[str]:
    if not path.exists():
        return set()
    return {letter.body for letter in letters_in(path.read_text().splitlines(), unsigned="")}


@BOTH
def test_what_is_deleted_is_in_the_file(consumer: str, tmp_path: Path) -> None:
    """All of it, also what is behind others of its group."""
    world = poisoned(consumer, customers=1)
    before = bodies(world, consumer)
    operated = operate(world, consumer, purged(tmp_path / "backup"))
    assert len(operated.steps) == COUNT
    assert (bodies(world, consumer), written(tmp_path / "backup")) == (set(), before)


@BOTH
def test_only_what_is_meant_is_deleted(consumer: str, tmp_path: Path) -> None:
    """The others are where they were."""
    world = poisoned(consumer)
    operate(world, consumer, purged(tmp_path / "backup", Selection(ids=("OrderPlaced-1004",))))
    assert len(written(tmp_path / "backup")) == 1
    assert len(world.dead_letters(consumer)) == COUNT - 1
    assert "OrderPlaced-1004" not in {letter.event_id for letter in world.dead_letters(consumer)}


@BOTH
@pytest.mark.parametrize("fault", [Fault.DIES_BEFORE_CALL, Fault.DIES_AFTER_CALL])
def test_a_letter_is_in_the_queue_or_in_the_file_whenever_it_ends(consumer: str, fault: Fault, tmp_path: Path) -> None:
    """Whatever call is its last."""
    number = 0
    while True:
        world = poisoned(consumer)
        before, path = bodies(world, consumer), tmp_path / f"{number}"
        world.plan = faults = OneFault(number, fault)
        operate(world, consumer, purged(path))
        assert bodies(world, consumer) | written(path) == before
        number += 1
        if number > len(faults.places):
            break
    assert number > 3
