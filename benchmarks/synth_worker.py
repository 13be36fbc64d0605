"""Synthesizes shops of these sizes, again and again in one process: python -m benchmarks.synth_worker ROUNDS SIZE...

Each line on stdout is one synth as JSON: how long it took, and what came of it.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aws_cdk import App
from jsii._kernel.providers.process import _NodeProcess

from app import wire
from benchmarks.shops import shop

ROOT = Path(__file__).resolve().parents[1]


class Calls:
    """Counts the calls into the CDK's own process, each of which costs about as much as any other."""

    def __init__(self) -> None:
        self.count = 0
        send = _NodeProcess.send

        def counted(process: Any, *arguments: Any) -> Any:
            self.count += 1
            return send(process, *arguments)

        setattr(_NodeProcess, "send", counted)  # noqa: B010 - jsii counts them nowhere, and mypy asks for its whole type


def main(arguments: Sequence[str]) -> int:
    """The first synth, which starts the CDK, is not told."""
    rounds, *sizes = map(int, arguments)
    gc.disable()  # as app.py does
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    context |= {"layer": "off", "mail_from": "orders@example.com"}
    calls = Calls()
    _synthesize(min(sizes), context, calls)
    for _ in range(rounds):
        for size in sizes:
            print(json.dumps(_synthesize(size, context, calls)), flush=True)
            gc.collect()
    return 0


def _synthesize(subscribers: int, context: dict[str, Any], calls: Calls) -> dict[str, Any]:
    topic = shop(subscribers)
    with tempfile.TemporaryDirectory() as folder:
        before, began, cpu = calls.count, time.perf_counter(), time.process_time()
        app = App(outdir=folder, context=context, analytics_reporting=False)
        wire(app, topic)
        app.synth()
        took = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
        stacks = [_size(path) for path in sorted(Path(folder).glob("*.template.json"))]
        return {"subscribers": subscribers, "calls": calls.count - before, "stacks": stacks, **took}


def _size(path: Path) -> dict[str, int]:
    template = json.loads(path.read_bytes())
    sizes = {section.lower(): len(template.get(section, {})) for section in ("Resources", "Outputs", "Parameters")}
    return {**sizes, "bytes": path.stat().st_size}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
