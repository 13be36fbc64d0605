"""Gives a process a share of one CPU, as Lambda does: a quota of CPU time for each 20 ms, and a stop once it is spent.

Lambda sets such a quota with the kernel's scheduler, for which one must own the machine. Here the process is stopped
and continued by signals: what it overdraws, for that is noticed late, the next periods pay. Waiting costs nothing.
Linux only: nowhere else may one read the CPU clock of another process.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PERIOD_SECONDS = 0.02
LOOK_SECONDS = 0.0005


def supported() -> bool:
    """Whether this system can do it."""
    return sys.platform == "linux"


@contextmanager
def throttled(pid: int, share: float) -> Iterator[None]:
    """The process gets no more than the share of one CPU, until the context ends."""
    done = threading.Event()
    thread = threading.Thread(target=_throttle, args=(pid, share, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        _signal(pid, signal.SIGCONT)


def measured_share(seconds: float) -> float:
    """How much of one CPU this process really gets, by a loop that never waits."""
    wall, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < seconds:
        pass
    return (time.process_time() - cpu) / (time.perf_counter() - wall)


def _throttle(pid: int, share: float, done: threading.Event) -> None:
    quota = share * PERIOD_SECONDS
    left, used, next_period = quota, _cpu_seconds(pid), time.monotonic()
    stopped = False
    while not done.wait(LOOK_SECONDS):
        before, used = used, _cpu_seconds(pid)
        left -= used - before
        while time.monotonic() >= next_period:
            left, next_period = min(left, 0) + quota, next_period + PERIOD_SECONDS
        if stopped != (left <= 0):
            stopped = not stopped
            _signal(pid, signal.SIGSTOP if stopped else signal.SIGCONT)


def _cpu_seconds(pid: int) -> float:
    """The CPU time of a process, by its clock (`man clock_getcpuclockid`); of one that has ended, none."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
