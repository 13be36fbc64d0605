"""Code whose sandboxes can be told apart."""

from __future__ import annotations

from typing import Any

import pytest

from testing.functions.fleet import FunctionError


class Counting:
    """Code whose sandboxes count their invocations, as a module's globals would."""

    def __init__(self, name: str = "v1") -> None:
        self.name = name
        self.starts = 0
        self.machines: list[Any] = []

    def start(self, machine: Any) -> Any:
        """A cold start: module state is new."""
        self.starts += 1
        self.machines.append(machine)
        sandbox, state = f"{self.name} sandbox {self.starts}", {"count": 0}

        def handle(event: Any, context: Any) -> str:
            state["count"] += 1
            if event.get("die"):
                machine.process.die("as asked for")
            if event.get("fail"):
                raise ValueError("as asked for")
            machine.sleep(event.get("seconds", 0.0))
            return f"{sandbox}, invocation {state['count']}"

        return handle


def fails(message: str) -> Any:
    return pytest.raises(FunctionError, match=message)
