"""Publishers in services with threads: their first events may all be made at the same moment."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
# msgspec describes a class when it is first used, and that is not safe among threads: in a process of its own, for it
# would not raise but crash.
FIRST_EVENTS = """
import sys, threading
from messaging.events import CATALOGUE, Shortage, StockRefused, StockReserved, Units
from messaging.message import decode
from messaging.outbox import Outbox
from tests.factories import cancellation, order

sys.setswitchinterval(1e-6)
outbox = Outbox(table="outbox", source="urn:example:shop")
makers = [
    lambda: StockReserved("1", "A", (Units("S", 1),)),
    lambda: StockRefused("1", "A", (Shortage("S", 1, 0),)),
    lambda: order(),
    lambda: cancellation(order()),
]
assert len(makers) == len(CATALOGUE)
bodies = []

def publish(make):
    ready.wait()
    for item in outbox.items([make()]):
        bodies.append(item["Put"]["Item"]["messages"]["L"][0]["M"]["body"]["S"])

for make in makers:
    ready = threading.Barrier(8)
    threads = [threading.Thread(target=publish, args=[make]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
assert len(bodies) == 8 * len(makers)
assert {type(decode(body).event) for body in bodies} == set(CATALOGUE)
"""


def test_the_first_events_of_many_threads_are_all_made() -> None:
    """No thread meets a half-made description of an event's class."""

    def run(_: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", FIRST_EVENTS], cwd=ROOT, capture_output=True, text=True)

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(run, range(6)))
    assert [(each.returncode, each.stderr) for each in results] == [(0, "")] * len(results)
