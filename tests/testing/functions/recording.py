"""What AWS was recorded to do, and whether something here is the same but for what changes from run to run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

RECORDED: dict[str, Any] = {
    test.rpartition("::")[2]: recording["recorded-content"]
    for test, recording in json.loads((Path(__file__).parent / "recorded" / "lambda_sqs.json").read_text()).items()
}
_PLACEHOLDER = re.compile(r"<([^<>]+)>")
_ACCOUNT = "111111111111"
# Placeholders that were recorded without brackets.
_ANYTHING = ("sent-timestamp", "sender-id")


class Correspondence:
    """Which value of ours each placeholder of one recording stands for. One with a number, such as `<uuid:2>`, stands
    for one value only, and no other of its kind for the same."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._names: dict[tuple[str, str], str] = {}

    def check(self, recorded: Any, ours: Any, where: str = "") -> None:
        """Raises AssertionError, with the place, where they differ: in keys, types, lengths or values."""
        if isinstance(recorded, dict | list) and isinstance(ours, str):
            ours = json.loads(ours)  # the recording shows JSON in a text as what it means
        assert type(recorded) is type(ours), f"{where}: {ours!r} instead of {recorded!r}"
        if isinstance(recorded, dict):
            assert recorded.keys() == ours.keys(), f"{where}: {sorted(ours)} instead of {sorted(recorded)}"
            for name, value in recorded.items():
                self.check(value, ours[name], f"{where}.{name}")
        elif isinstance(recorded, list):
            assert len(recorded) == len(ours), f"{where}: {len(ours)} instead of {len(recorded)}"
            for number, value in enumerate(recorded):
                self.check(value, ours[number], f"{where}[{number}]")
        elif isinstance(recorded, str):
            self._check_text(recorded, ours, where)
        else:
            assert recorded == ours, f"{where}: {ours!r} instead of {recorded!r}"

    def _check_text(self, recorded: str, ours: str, where: str) -> None:
        if recorded in _ANYTHING:
            recorded = f"<{recorded}>"
        recorded = recorded.replace(_ACCOUNT, "<account>")
        names = _PLACEHOLDER.findall(recorded)
        texts = _PLACEHOLDER.split(recorded)[::2]
        match = re.fullmatch("(.+)".join(map(re.escape, texts)), ours)
        assert match, f"{where}: {ours!r} instead of {recorded!r}"
        for name, value in zip(names, match.groups(), strict=True):
            kind, is_reference, _ = name.partition(":")
            if is_reference:
                known = self._values.setdefault(name, value), self._names.setdefault((kind, value), name)
                assert known == (value, name), f"{where}: {value!r} for <{name}>, which is {known[0]!r}"
