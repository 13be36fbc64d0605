"""What a synth costs with 5 to 100 subscribers, and whether its templates stay within CloudFormation's limits; and what
the developer's loop costs after a change.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.checkout import ROOT, Checkout, copied
from benchmarks.growth import growth
from benchmarks.quantities import Bars, Lines, Quantity, Result, absolute, count
from benchmarks.shops import ROWS_OF_A_STACK

SIZES = (5, 20, 50, 100)
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
LIMITS = {"resources": 500, "outputs": 200, "parameters": 200, "bytes": 1_000_000}
SECOND_SYNTH_SECONDS = 0.05
MOST_CALLS = 50  # of a subscriber, into the CDK's process: 29 of them make what is deployed

_CONSUMER = '''"""One more row."""

from lambdas.runtime import lambda_handler
from messaging.effects import Add, Effect, Key, Transactional, View
from messaging.events import OrderPlaced
from messaging.message import Message


def count(message: Message[OrderPlaced], _: View) -> Effect:
    return Effect((Add(Key("revenue", message.event.customer_id, "0"), "orders", 1),))


handler = lambda_handler(Transactional(functions={OrderPlaced: count}))
'''
_ROW = """

from dataclasses import replace as _replace

_ROW = Subscription(consumer="counting", events=(OrderPlaced,), writes=("revenue",))
ORDERS = _replace(ORDERS, subscriptions=(*ORDERS.subscriptions, _ROW))
"""


def by_subscribers(short: bool) -> Result:
    """A synth in a process that has synthesized before, without the template validator."""
    synths = [*_synths(1 if short else 7)]
    seconds = {size: _each(synths, size, "seconds") for size in SIZES}
    most = {what: {size: _most(synths, size, what) for size in SIZES} for what in LIMITS}
    calls = {size: _each(synths, size, "calls") for size in SIZES}
    a_subscriber = [(last - first) / (SIZES[-1] - SIZES[0]) for first, last in zip(calls[5], calls[100], strict=True)]
    quantities = [
        *(
            count(
                f"{SIZES[-1]} subscribers: {what} of the largest template", what, [most[what][SIZES[-1]]], at_most=limit
            )
            for what, limit in LIMITS.items()
        ),
        count("a subscriber more: calls into the CDK's process", "calls", a_subscriber, at_most=MOST_CALLS),
        *(_second_synth(size, seconds[size]) for size in SIZES),
        growth("synth of 5 to 100 subscribers", {float(size): cost for size, cost in seconds.items()}),
    ]
    return Result(quantities, [_seconds_panel(quantities), _limits_panel(most)])


def changes(short: bool) -> Result:
    """`python app.py` with empty caches, and `up` in a checkout whose engine runs: unchanged, and after two changes."""
    with copied() as checkout:
        cold = [_timed(lambda: _cold_synth(checkout)) for _ in range(1 if short else 3)]
        checkout.up()
        unchanged = [_timed(checkout.up) for _ in range(2 if short else 7)]
        changed = [_timed(partial(_change, checkout, number)) for number in range(1 if short else 3)]
        (checkout.root / "lambdas" / "counting.py").write_text(_CONSUMER, encoding="utf-8")
        checkout.append("messaging/topology.py", _ROW)
        added = [_timed(checkout.up)]
    quantities = [
        absolute("python app.py (synth), nothing cached: Python's and the CDK's modules uncompiled", "s", cold),
        absolute("up: unchanged", "s", unchanged, at_most=1.5),
        absolute("up: one consumer changed", "s", changed),
        absolute("up: a row added", "s", added),
    ]
    names = [each.what.split(",")[0] for each in quantities]
    bars = Bars(
        title="after a change", unit="s", groups=names, series={"Waybill": [each.median for each in quantities]}
    )
    return Result(quantities, [bars])


def _synths(rounds: int) -> Iterator[dict[str, Any]]:
    environment = {**os.environ, "CDK_VALIDATION": "false"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    command = [sys.executable, "-m", "benchmarks.synth_worker", str(rounds), *map(str, SIZES)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the synths failed:\n{done.stderr[-2000:]}")
    for line in done.stdout.splitlines():
        yield json.loads(line)


def _each(synths: Sequence[dict[str, Any]], subscribers: int, what: str) -> list[float]:
    return [float(each[what]) for each in synths if each["subscribers"] == subscribers]


def _most(synths: Sequence[dict[str, Any]], subscribers: int, what: str) -> float:
    """Of the largest template; the same in each round."""
    of_size = [each for each in synths if each["subscribers"] == subscribers]
    return max(float(stack[what]) for each in of_size for stack in each["stacks"])


def _second_synth(subscribers: int, seconds: Sequence[float]) -> Quantity:
    what = f"a further synth in one process: {subscribers} subscribers"
    if subscribers != SIZES[0]:
        return absolute(what, "s", seconds)
    limit = "calls into the CDK's process: at least one for each resource, output and export"
    tried = "fewer calls, 477 before and 326 now; rejected: docs/decisions/0006-cloudformation-resources.md"
    return absolute(what, "s", seconds, at_most=SECOND_SYNTH_SECONDS, limit=limit, tried=tried)


def _seconds_panel(quantities: Sequence[Quantity]) -> Lines:
    synths = [each for each in quantities if each.what.startswith("a further synth")]
    points = [(float(size), each.median) for size, each in zip(SIZES, synths, strict=True)]
    return Lines(title="a further synth in one process", x="subscribers", y="s", series={"Waybill": points})


def _limits_panel(most: dict[str, dict[int, float]]) -> Lines:
    series = {
        what: [(float(size), 100 * most[what][size] / LIMITS[what]) for size in SIZES]
        for what in ("resources", "outputs", "bytes")
    }
    title = f"largest template, {ROWS_OF_A_STACK} rows a stack: share of CloudFormation's limit"
    return Lines(title=title, x="subscribers", y="%", series=series)


def _cold_synth(checkout: Checkout) -> None:
    with tempfile.TemporaryDirectory() as empty:
        checkout.run(
            "app.py",
            PYTHONPYCACHEPREFIX=f"{empty}/pyc",
            JSII_RUNTIME_PACKAGE_CACHE_ROOT=f"{empty}/jsii",
            CDK_OUTDIR=f"{empty}/out",
            CDK_VALIDATION="false",
            CDK_CONTEXT_JSON=json.dumps({"layer": "off", "mail_from": "orders@example.com"}),
        )


def _change(checkout: Checkout, number: int) -> None:
    checkout.append("lambdas/analytics.py", f"\n_CHANGED = {number}\n")
    checkout.up()


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
