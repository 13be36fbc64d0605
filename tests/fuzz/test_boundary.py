"""The message boundary against thousands of inputs: every answer is sound, and the check sees an answer that is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.errors import Poison
from messaging.events import Event
from messaging.message import Message, decode
from tests.fuzz import mutations
from tests.fuzz.bodies import SOUND, flawed_documents, json_like, literals_in_documents, texts
from tests.fuzz.guided import tried
from tests.fuzz.mutations import examine, main
from tests.fuzz.verdicts import ACCEPTED, CANARY, Unsound, sound_bodies, verdict

# What is drawn, how often, and how many inputs are in each: 20,000 in all, the most of those that take the least time.
STRATEGIES: dict[str, tuple[Callable[[], st.SearchStrategy[list[str]]], int, int]] = {
    "flawed documents": (flawed_documents, 1_000, len(SOUND)),
    "literals in documents": (literals_in_documents, 2_300, len(SOUND)),
    "JSON-like texts": (json_like, 1_500, 1),
    "texts": (texts, 2_000, 1),
}


def test_there_are_twenty_thousand_inputs() -> None:
    """Of all kinds together."""
    assert sum(draws * inputs for _, draws, inputs in STRATEGIES.values()) >= 20_000


@pytest.mark.parametrize(("bodies", "draws", "inputs"), STRATEGIES.values(), ids=STRATEGIES.keys())
def test_every_answer_is_a_message_or_a_reason(
    bodies: Callable[[], st.SearchStrategy[list[str]]], draws: int, inputs: int
) -> None:
    """Never another error, never a piece of the body in the reason, and what is accepted is what was written."""
    seen = 0

    @settings(
        max_examples=draws,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(bodies())
    def sound(those: list[str]) -> None:
        nonlocal seen
        seen += len(those)
        for body in those:
            verdict(body)

    sound()
    assert seen >= draws * inputs


def test_sound_messages_are_accepted() -> None:
    """Or nothing here would get past the envelope."""
    assert {verdict(body) for body in SOUND} == {ACCEPTED}


def test_mutations_reach_what_lies_behind_the_envelope() -> None:
    """Some are accepted, some fail in the data, and the same seed makes the same ones."""
    tally = examine(1, 0, 3_000)
    assert tally.sound
    assert tally.verdicts[ACCEPTED] > 50
    assert sum(times for name, times in tally.verdicts.items() if "data is no" in name) > 50
    assert examine(1, 0, 3_000).verdicts == tally.verdicts


def test_the_command_tells_what_it_saw(capsys: pytest.CaptureFixture[str]) -> None:
    """A line a reason, then the facts."""
    assert main(["--count", "10_000", "--workers", "1"]) == 0
    *reasons, facts = capsys.readouterr().out.splitlines()
    assert sum(int(line.split()[0].replace(",", "")) for line in reasons) == 10_000
    assert facts.endswith("0 not sound")


def test_the_command_fails_at_a_planted_fault(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what would make its input again."""
    monkeypatch.setattr(mutations, "ProcessPoolExecutor", ThreadPoolExecutor)
    monkeypatch.setattr(mutations, "_watched", lambda block: examine(block[0], block[1], block[2], _telling))
    assert main(["--count", "500", "--workers", "1"]) == 1
    assert "NOT SOUND  seed 1, block 0, input " in capsys.readouterr().out


def _crashing(body: str) -> Message[Event]:
    if "\x00" in body or "NaN" in body:
        raise KeyError("id")
    return decode(body)


def _telling(body: str) -> Message[Event]:
    try:
        return decode(body)
    except Poison as error:
        raise Poison(f"{error}: {body}") from None


def _mute(body: str) -> Message[Event]:
    try:
        return decode(body)
    except Poison:
        raise Poison("") from None


def _forgiving(body: str) -> Message[Event]:
    """Takes the last of two equal keys, as `json.loads` does."""
    return decode(json.dumps(json.loads(body))) if body.startswith("{") else decode(body)


FAULTS = {"crashes": _crashing, "repeats the body": _telling, "gives no reason": _mute}


@pytest.mark.parametrize("planted", FAULTS.values(), ids=FAULTS.keys())
def test_a_planted_fault_is_found(planted: Callable[[str], Message[Event]]) -> None:
    """By mutations alone."""
    tally = examine(1, 0, 3_000, planted)
    assert not tally.sound
    assert "seed 1, block 0, input " in tally.crashes[0]


@pytest.mark.parametrize("planted", FAULTS.values(), ids=FAULTS.keys())
def test_the_guided_fuzzer_stops_at_a_planted_fault(planted: Callable[[str], Message[Event]]) -> None:
    """What its one function raises is what it takes for a crash; a rejection with its reason is none."""
    flawed = SOUND[0].encode()[:-1] + b"\x00NaN\xff"
    tried(verdict)(flawed)
    with pytest.raises((Unsound, KeyError)):
        tried(lambda body: verdict(body, planted))(flawed)


def test_a_decoder_that_takes_a_key_twice_is_found() -> None:
    """What others may read as either value must not be read as one of them."""
    body: dict[str, Any] = json.loads(SOUND[0])
    doubled = '{"id": ' + json.dumps(body["id"]) + ", " + SOUND[0][1:]
    assert verdict(doubled).startswith("Poison")
    with pytest.raises(Unsound, match="a key twice"):
        verdict(doubled, _forgiving)


def test_a_slow_answer_is_found() -> None:
    """A message that takes a second of CPU stops its whole queue."""
    ticks = iter(range(10_000))
    assert not examine(1, 0, 10, clock=lambda: next(ticks) * 1.5).sound


def test_every_sound_message_carries_the_canary() -> None:
    """Otherwise a reason could repeat a text unseen."""
    assert all(CANARY in body for body in sound_bodies())
