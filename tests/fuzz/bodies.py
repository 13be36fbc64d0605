"""Inputs for the message boundary as Hypothesis draws them: from sound messages with a flaw to no message at all.

A strategy gives lists of inputs. To draw a flaw takes ten times as long as to decode what has it, so each that is drawn
is put into every sound message.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.verdicts import CANARY, sound_bodies

SOUND = sound_bodies()
_MARK = "#flaw#"

# Any character, those that UTF-8 has no bytes for too.
_CHARACTERS = st.characters(exclude_categories=())
_TEXT = st.text(_CHARACTERS, max_size=20) | st.text('"\\{}[]:,` \n\x00\x1f\u2028\ud800aé😀0', max_size=12)
_SCALAR = st.none() | st.booleans() | st.integers() | st.integers(-(2**70), 2**70) | st.floats() | _TEXT
_VALUE = st.recursive(
    _SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3), max_leaves=5
)
_NAMES = _TEXT | st.sampled_from(
    [
        "id",
        "type",
        "data",
        "sequence",
        "lines",
        f"x` - at `$.{CANARY}",
        f"x - at `{CANARY}",
        f"{CANARY}`",
        "__proto__",
        "",
    ]
)

# JSON that no encoder of ours writes: put into a document as it is.
_LITERALS = st.one_of(
    st.sampled_from(
        [
            *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "-0", "00", "01", "+1", ".5", "1.", "0x10"),
            *("9" * 19, "9" * 21, "9" * 309, "9" * 4300, "9" * 4301, "-" + "9" * 4300, "1.0", "2e0", "0.1e1"),
            *('"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\x41"', '"\\', '"a\nb"', '"\x00"'),
            *("nul", "True", "//", "/**/null", "'a'", "[,]", "[1,]", '{"a":1,}', "{1:2}", '{"a"}', "\ufeff1", ""),
            *('{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '"' + f"{CANARY}\u2028" + '"'),
        ]
    ),
    st.integers(1, 60).map(lambda depth: "[" * depth + "]" * depth),
    st.integers(1, 60).map(lambda depth: '{"a":' * depth + "1" + "}" * depth),
    st.integers(31, 20_000).map(lambda depth: "[" * depth),
    st.integers(1, 40).map(lambda depth: '["[[[[",' * depth + "1" + "]" * depth),
    st.text('"\\[]{}:,0a', max_size=12),
)
_TOKENS = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"',
    "\\",
    "\\u",
    "\\ud800",
    "null",
    "true",
    "1",
    "-",
    "e",
    ".",
    " ",
    "\n",
    "NaN",
]
_TOKENS += ['"id"', '"data"', '"specversion":"1.0"', f'"{CANARY}"', '{"Type":"Notification","TopicArn":"a"}', "\ud800"]


def flawed_documents() -> st.SearchStrategy[list[str]]:
    """Each sound message with one or two members changed, added, removed or doubled."""
    flaw = st.tuples(st.integers(0, 10**6), st.integers(0, 4), _NAMES, _VALUE)
    flaws = st.lists(flaw, min_size=1, max_size=2)
    return st.builds(
        lambda flaws, ascii_only: [_flawed(body, flaws, ascii_only) for body in SOUND], flaws, st.booleans()
    )


def literals_in_documents() -> st.SearchStrategy[list[str]]:
    """Each sound message with some member's value, or a whole member, written in a way that no encoder of ours has."""
    place = st.integers(0, 10**6)
    return st.builds(lambda where, literal: [_with_literal(body, where, literal) for body in SOUND], place, _LITERALS)


def json_like() -> st.SearchStrategy[list[str]]:
    """Any JSON, and what is nearly JSON."""
    soup = st.lists(st.sampled_from(_TOKENS), max_size=40).map("".join)
    return (_VALUE.map(lambda value: json.dumps({CANARY: value})) | soup).map(lambda body: [body])


def texts() -> st.SearchStrategy[list[str]]:
    """Any text at all, with the canary in it."""
    return st.builds(lambda before, after: [before + CANARY + after], _TEXT, st.text(_CHARACTERS, max_size=60))


def _flawed(body: str, flaws: list[tuple[int, int, str, Any]], ascii_only: bool) -> str:
    document = json.loads(body)
    doubled = None
    for where, kind, name, drawn in flaws:
        value = copy.deepcopy(drawn)  # another flaw may be put into it
        target, key = _members(document)[where % len(_members(document))]
        match kind:
            case 0 | 1:
                target[key] = value
            case 2 if isinstance(target, dict):
                target[name] = value
            case 3:
                del target[key]
            case _ if isinstance(target, dict):
                doubled = (key, value)
                target[_MARK] = None
    text = json.dumps(document, ensure_ascii=ascii_only)
    if doubled is not None:
        text = text.replace(f'"{_MARK}": null', json.dumps(doubled[0]) + ":" + json.dumps(doubled[1]))
    return text


def _with_literal(body: str, where: int, literal: str) -> str:
    document = json.loads(body)
    members = _members(document)
    target, key = members[where % len(members)]
    target[key] = _MARK
    return json.dumps(document).replace(f'"{_MARK}"', literal)


def _members(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a document: what holds it, and its key there. The document itself is none, but its last member is
    always one, so that there is one."""
    if isinstance(value, dict):
        places: list[tuple[Any, Any]] = [(value, key) for key in value]
    elif isinstance(value, list):
        places = [(value, index) for index in range(len(value))]
    else:
        return []
    return places + [place for holder, key in list(places) for place in _members(holder[key])]
