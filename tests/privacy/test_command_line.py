"""`waybill dlq` shows an operator everything about a letter but what is under the configured names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.__main__ import main
from cli.letters.commands import looking, mending, purging, redriving
from cli.letters.desk import Desk
from lambdas import analytics
from testing import World, order_placed
from testing.events import body
from tests.cli.letters.operating import desk
from tests.privacy.shop import ADDRESS, SECRET

POISON = body(order_placed("1001", ship_to=ADDRESS)).replace('"USD"', '"EUR"')
Run = Callable[..., str]


@pytest.fixture
def world() -> World:
    """With two letters: an order that is wrong, and what is no order at all."""
    world = World()
    world.deploy("analytics", analytics.handler)
    world.send("analytics", POISON)
    world.send("analytics", SECRET)
    world.run()
    assert len(world.dead_letters("analytics")) == 2
    return world


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in the world, and gives all that it prints."""

    @contextmanager
    def at_desk(_: object, name: str) -> Iterator[Desk]:
        yield desk(world, name)

    for module in (looking, mending, purging, redriving):
        monkeypatch.setattr(module, "at_desk", at_desk)
    monkeypatch.setattr(mending, "_open_editor", lambda text: text.replace('"EUR"', '"USD"').replace("Ås", "Aa"))

    def command(*words: str, exit_code: int = 0) -> str:
        codes: list[int] = []
        world.scheduler.spawn(lambda: codes.append(main(["dlq", *words])))
        world.run()
        said = capsys.readouterr()
        assert codes == [exit_code], said.err
        return said.out + said.err

    return command


PARTLY = 6  # both letters come back
SHOW = ("show", "analytics", "OrderPlaced-1001")
COMMANDS = {
    "list": ("list", "analytics"),
    "list of a match": ("list", "analytics", "--match", f"data.ship_to.city={ADDRESS['city']}"),
    "show": SHOW,
    "edit": ("edit", "analytics", "OrderPlaced-1001", "-y"),
    "redrive": ("redrive", "analytics", "--all", "-y"),
    "purge": ("purge", "analytics", "--all", "--no-backup", "-y"),
}


@pytest.mark.fault(63)
@pytest.mark.parametrize("format_", ["table", "json", "ndjson", "tsv"])
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_no_command_shows_personal_data_by_itself(run: Run, words: tuple[str, ...], format_: str) -> None:
    """In whatever format, on standard output or error."""
    said = run(*words, "-o", format_, exit_code=PARTLY if "redrive" in words else 0)
    assert said
    assert SECRET not in said


@pytest.mark.fault(63)
def test_a_letter_that_is_no_order_is_not_shown(run: Run) -> None:
    """Nobody knows what is in it."""
    (letter,) = (each["id"] for each in json.loads(run("list", "analytics", "-o", "json")) if each["event_id"] is None)
    assert "10 bytes that are no JSON object" in run("show", "analytics", letter)
    assert SECRET in run("show", "analytics", letter, "--reveal")


@pytest.mark.fault(63)
def test_what_a_refused_file_holds_is_not_shown(run: Run, tmp_path: Path) -> None:
    """Only why it was refused."""
    file = tmp_path / "letters.ndjson"
    assert SECRET not in run("export", "analytics", str(file))
    assert SECRET in file.read_text()
    said = run("import", "analytics", str(file), exit_code=1)
    assert "currency" in said
    assert SECRET not in said


def test_who_asks_is_shown_all_of_it(run: Run) -> None:
    """The tests above would see it."""
    assert SECRET in run(*SHOW, "--reveal")
    assert SECRET in run("export", "analytics", "-")
    assert SECRET in run(*COMMANDS["edit"], "--reveal")


def test_what_is_personal_is_configured(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """For all commands by the environment, for one by an option."""
    monkeypatch.setenv("WAYBILL_MASK", "lines ship_to")
    shown = json.loads(run(*SHOW, "-o", "json"))["body"]["data"]
    assert {*shown["lines"][0].values()} == {*shown["ship_to"].values()} - {None} == {"***"}
    shown = json.loads(run(*SHOW, "-o", "json", "--mask", "currency"))["body"]["data"]
    assert (shown["currency"], shown["ship_to"]["city"]) == ("***", ADDRESS["city"])
