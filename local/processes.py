"""Other processes: who they are, and signals that only ever reach the one that was meant.

A process id alone says nothing: ids are recycled. A process is its id and when it started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Process:
    """One process, past or present: its id and the moment that it started, as the system words it."""

    pid: int
    started: str


def find(pid: int) -> Process | None:
    """The live process with this id; None when there is none, or only a dead one nobody has collected."""
    return next(_table([pid]), (0, None))[1]


def is_running(process: Process) -> bool:
    """Whether this very process lives, not merely one with its id."""
    return find(process.pid) == process


def group(pgid: int) -> list[Process]:
    """The live members of a process group."""
    return [process for member_of, process in _table(None) if member_of == pgid]


def send(process: Process, which: signal.Signals) -> bool:
    """Signal this very process. False when it is gone already, even if another has taken its id."""
    if sys.platform == "linux":
        return _send_by_handle(process, which)
    if not is_running(process):
        return False
    try:
        os.kill(process.pid, which)
    except ProcessLookupError:
        return False
    return True


def wait_until(condition: Callable[[], bool], timeout_seconds: float) -> bool:
    """Poll until the condition holds. False when it did not in time."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _send_by_handle(process: Process, which: signal.Signals) -> bool:
    # The handle is taken before the look: whoever holds the id then is the one that the signal reaches.
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        if not is_running(process):
            return False
        signal.pidfd_send_signal(handle, which)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def _table(pids: list[int] | None) -> Iterator[tuple[int, Process]]:
    """Process group and process, of these ids or of all."""
    return _table_from_proc(pids) if sys.platform == "linux" else _table_from_ps(pids)


def _table_from_proc(pids: list[int] | None) -> Iterator[tuple[int, Process]]:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    for pid in pids if pids is not None else [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        # man 5 proc: the name is in parentheses and may hold anything; then state, ppid, pgrp, ..., starttime (22nd).
        fields = stat.rpartition(")")[2].split()
        if fields[0] not in "ZX":
            yield int(fields[2]), Process(pid, f"{boot}:{fields[19]}")


def _table_from_ps(pids: list[int] | None) -> Iterator[tuple[int, Process]]:
    which = ["-p", ",".join(map(str, pids))] if pids is not None else ["-A"]
    listing = subprocess.run(
        ["ps", *which, "-o", "pid=,pgid=,stat=,lstart="],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C", "PATH": os.defpath},
    ).stdout
    for line in listing.splitlines():
        pid, pgid, state, started = line.split(maxsplit=3)
        if not state.startswith("Z"):
            yield int(pgid), Process(int(pid), started)
