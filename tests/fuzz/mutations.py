"""Byte mutations of real messages against `decode`, by the hundred thousand.

    python -m tests.fuzz.mutations --count 1000000 --seed 1

Prints how often the commonest reasons were given, messages a second, the slowest answer and the peak of memory; exit
code 1 where an answer is not sound, takes too long, or memory grows past its bound. The same seed makes the same inputs
and counts, however many processes make them.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field

from messaging.message import decode
from tests.fuzz.edits import edited
from tests.fuzz.verdicts import Decode, sound_bodies, verdict

BLOCK = 5_000
MAX_ANSWER_SECONDS = 1.0  # of CPU: no message is worth more of a function's five seconds
MAX_GROWTH_MIB = 64
_HANGS_AFTER_SECONDS = 120  # of a whole block, which takes one or two
_SHOWN_CHARACTERS = 2_000
_SHOWN_REASONS = 30


@dataclass(kw_only=True)
class Tally:
    """What came of some inputs. `crashes` say how to make each again."""

    verdicts: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    growth_mib: float = 0.0

    def add(self, other: Tally) -> None:
        """Take in what came of other inputs."""
        self.verdicts += other.verdicts
        self.crashes += other.crashes
        self.slowest_seconds = max(self.slowest_seconds, other.slowest_seconds)
        self.growth_mib = max(self.growth_mib, other.growth_mib)

    @property
    def sound(self) -> bool:
        """Whether every answer was, in time and within memory."""
        return not self.crashes and self.slowest_seconds <= MAX_ANSWER_SECONDS and self.growth_mib <= MAX_GROWTH_MIB


def examine(
    seed: int, block: int, count: int, decode: Decode = decode, clock: Callable[[], float] = time.thread_time
) -> Tally:
    """Put one block of inputs to `decode`. `clock` tells seconds of CPU."""
    tally = Tally()
    began_mib = _peak_mib()
    for number, body in enumerate(edited(sound_bodies(), count, f"{seed}/{block}")):
        began = clock()
        try:
            tally.verdicts[verdict(body, decode)] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
            which = f"seed {seed}, block {block}, input {number}"
            tally.crashes.append(f"{which}: {type(error).__name__}: {error}\n  {body!r:.{_SHOWN_CHARACTERS}}")
        tally.slowest_seconds = max(tally.slowest_seconds, clock() - began)
    tally.growth_mib = _peak_mib() - began_mib
    return tally


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.mutations", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="how many inputs (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which inputs (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    options = parser.parse_args(arguments)
    total, began = Tally(), time.perf_counter()
    blocks = list(_blocks(options.seed, options.count))
    try:
        with ProcessPoolExecutor(options.workers) as pool:
            for done, tally in enumerate(pool.map(_watched, blocks), start=1):
                total.add(tally)
                if done % max(1, len(blocks) // 10) == 0:
                    _tell(sys.stderr.write, f"{min(done * BLOCK, options.count):,} of {options.count:,}")
    except BrokenProcessPool:
        _tell(sys.stdout.write, "a process died, or a block hung: its stack is above")
        return 1
    _report(total, options.count, time.perf_counter() - began)
    return 0 if total.sound else 1


def _blocks(seed: int, count: int) -> Iterator[tuple[int, int, int]]:
    for block, start in enumerate(range(0, count, BLOCK)):
        yield seed, block, min(BLOCK, count - start)


def _watched(block: tuple[int, int, int]) -> Tally:
    faulthandler.dump_traceback_later(_HANGS_AFTER_SECONDS, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        return examine(*block)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _report(total: Tally, count: int, seconds: float) -> None:
    reasons = sorted(total.verdicts.items(), key=lambda each: (-each[1], each[0]))
    rarer = reasons[_SHOWN_REASONS:]
    if rarer:
        reasons = [*reasons[:_SHOWN_REASONS], (f"{len(rarer)} rarer ones", sum(times for _, times in rarer))]
    for name, times in reasons:
        _tell(sys.stdout.write, f"{times:>10,}  {name}")
    for crash in total.crashes[:20]:
        _tell(sys.stdout.write, f"NOT SOUND  {crash}")
    facts = (
        f"{count:,} inputs in {seconds:.1f} s, {count / seconds:,.0f}/s",
        f"slowest answer {total.slowest_seconds * 1e3:.1f} ms of CPU",
        f"memory peak {_peak_mib(resource.RUSAGE_CHILDREN):.0f} MiB, a block adds {total.growth_mib:.0f} at most",
        f"{len(total.crashes)} not sound",
    )
    _tell(sys.stdout.write, "; ".join(facts))


def _tell(write: Callable[[str], int], line: str) -> None:
    write(f"{line}\n")


def _peak_mib(who: int = resource.RUSAGE_SELF) -> float:
    peak = resource.getrusage(who).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10  # bytes there, KiB on Linux


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
