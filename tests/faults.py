"""The faults that the pipeline survives, and the tests that prove it, as `docs/faults.md`.

    .venv/bin/python -m tests.faults docs/faults.md

A test says `@pytest.mark.fault(1, 5)` where it would fail if these faults were mishandled.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parent
MARK = "pytest.mark.fault"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `answer` is what Waybill does."""

    what: str
    answer: str


FAULTS: Mapping[int, Fault] = {
    1: Fault("A standard queue delivers a message again", "the event's marker says that it is done"),
    2: Fault("The acknowledgement is lost", "the redelivery finds its own marker and is applied already"),
    3: Fault("A publisher sends again after a lost answer", "same event id, same marker"),
    4: Fault("A resend after more than five minutes passes deduplication", "the event's id is the key, not SQS's"),
    5: Fault("A redrive gives a message a new id", "the event's id is the key"),
    6: Fault("A dead letter has another deduplication id", "it is the received record's id: a redrive is parked again"),
    7: Fault("A message is shown again while a function works on it", "two transactions, one marker: one commits"),
    8: Fault("An expired receipt can't delete its message", "the copy that comes again is applied already"),
    9: Fault("A replay brings weeks-old events", "markers outlive every way back; past that, too_old"),
    10: Fault("A record fails in the middle of its group", "the rest of the group is handed back with it"),
    11: Fault("A failure of one group stops all others", "groups are independent"),
    12: Fault("One record's exception fails the batch", "each record has its own verdict"),
    13: Fault("A misspelt or missing response counts as success", "the response is built, never written by hand"),
    14: Fault("A wrong identifier fails the whole batch", "a response names no record that the batch does not hold"),
    15: Fault("The mapping does not ask for partial responses", "the template does, for every row"),
    16: Fault("A poison message blocks its group", "a dead letter at once, with its reason; its group goes on"),
    17: Fault("A dead letter is overtaken by its group", "monotonic: stale when it is back; strict: the rest is held"),
    18: Fault("A redrive interleaves with new messages", "the group's cursor says stale, or held"),
    19: Fault("One hot group lags", "an alarm on the age of the oldest message"),
    20: Fault("Throttled invocations use up receives", "bounded concurrency, and receives for hours of outage"),
    21: Fault("The function dies before its effect", "nothing was written: the redelivery applies it"),
    22: Fault("The function dies between effect and marker", "both are one transaction"),
    23: Fault("The function dies before it answers", "the redelivery finds its own marker"),
    24: Fault("The time-out strikes in the middle of a batch", "no step is begun that might not end in time"),
    25: Fault("A message kills the function, and its batch with it", "tries are counted, suspects go last and alone"),
    26: Fault("A request lands after its function's death", "every write has a condition that tells"),
    27: Fault("A function dies between claim and call", "the lease lapses and is taken over; at most once: in_doubt"),
    28: Fault("Lambda kills a function late", "a lease outlasts the time-out threefold"),
    29: Fault("Clocks differ", "they decide no transaction; one ahead can cost a second call"),
    30: Fault("An earlier owner completes or releases a lease", "every write names its owner"),
    31: Fault("DynamoDB throttles", "bounded repeats, then the record is handed back"),
    32: Fault("A write was applied and its answer lost", "the repeat meets its own marker"),
    33: Fault("Transactions are in conflict", "one record at a time, with jittered pauses, bounded"),
    34: Fault("A request token is old, or its contents changed", "each attempt is a request of its own"),
    35: Fault("A batch is processed in part", "what was left undone is asked for again"),
    36: Fault("A read is stale", "consistent reads, and conditions that hold at the commit"),
    37: Fault("A marker expires before its event comes back", "its life is derived from every way back"),
    38: Fault("An expired item lingers", "what is there is there, whatever its date says"),
    39: Fault("400 KB, 100 actions, 4 MB, 256 KiB", "too_large, alone, with what to do"),
    40: Fault("An outage of hours", "receives outlast it, and nobody is dead-lettered for it"),
    41: Fault("Bad JSON, NaN, a key twice", "poison: parsing is strict"),
    42: Fault("Nested a thousand levels deep", "poison: depth is measured before anything is parsed"),
    43: Fault("Huge, binary, lone surrogates", "poison or too_large, without a word of the body"),
    44: Fault("An SNS envelope instead of the message", "raw delivery in the template; an envelope is poison"),
    45: Fault("An older version", "brought up to date, or poison where no code can"),
    46: Fault("A newer version or an unknown type", "waits for new code, then newer_version"),
    47: Fault("The same id with other contents", "conflict: the payload's hash is in the marker"),
    48: Fault("No filter takes an event", "the publisher evaluates the filters and reports it"),
    49: Fault("A subscription was deleted", "published and processed are compared"),
    50: Fault("A batch is published in part", "refused entries are sent again, in their group's order"),
    51: Fault("A crash between the state and its event", "both are one transaction; the relay sends it"),
    52: Fault("SQS redrives no dead letters of SNS or Lambda", "a redrive of our own"),
    53: Fault("A standard dead letter keeps its age", "dead-letter queues keep for longer than their sources"),
    54: Fault("A dead-letter queue of the wrong type", "it derives from its source"),
    55: Fault("A redrive that goes round and round", "releases are counted and capped"),
    56: Fault("A key is revoked", "the subscription's dead-letter queue, and its alarm"),
    57: Fault("A region fails over", "transactions are regional: a table with replicas elsewhere does not synthesize"),
    58: Fault("Missing data of an alarm", "every alarm says what it means"),
    59: Fault("A wrong environment", "the function stops and names the variable"),
    60: Fault("A queue that anybody may send to", "its topic alone, by ARN"),
    61: Fault("Plaintext", "denied without TLS, on the topic and every queue"),
    62: Fault("Wildcards in permissions", "exact ARNs, derived from the row"),
    63: Fault("Payload in logs", "no log, reason or error repeats any; tests look for it"),
    64: Fault("A dependency was tampered with", "every lock has hashes"),
}
HEAD = """# Faults

What goes wrong between a publisher and its effects, what Waybill does about it, and the tests that prove it, as pytest
names them from `tests/`.

Written by `.venv/bin/python -m tests.faults docs/faults.md` from the tests' marks `fault`: a test has one where it
would fail if that fault were mishandled. A fault without a test fails `tests/test_faults.py`.

| | fault | what Waybill does | proved by |
|---|---|---|---|
"""


def marked(tests: Path = TESTS) -> dict[int, list[str]]:
    """The tests of each fault, as pytest names them from the tests' folder.

    Raises ValueError for a mark that is no number of a fault.
    """
    proofs: dict[int, list[str]] = {}
    for path in sorted(tests.rglob("test_*.py")):
        for name, function in _tests(ast.parse(path.read_text(encoding="utf-8")).body):
            test = f"{path.relative_to(tests).as_posix()}::{name}"
            for number in _marks(function, test):
                proofs.setdefault(number, []).append(test)
    return proofs


def unproved(proofs: Mapping[int, Sequence[str]]) -> list[int]:
    """The faults that have no test."""
    return [number for number in FAULTS if number not in proofs]


def document(proofs: Mapping[int, Sequence[str]]) -> str:
    """The whole of docs/faults.md."""
    return HEAD + "".join(_row(number, fault, proofs.get(number, ())) for number, fault in FAULTS.items())


def _row(number: int, fault: Fault, tests: Sequence[str]) -> str:
    proof = "<br>".join(f"`{test}`" for test in tests)
    return f"| {number} | {fault.what} | {fault.answer} | {proof} |\n"


def _tests(body: Sequence[ast.stmt], prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from _tests(node.body, f"{prefix}{node.name}::")
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield prefix + node.name, node


def _marks(function: ast.FunctionDef, test: str) -> list[int]:
    marks = [each for each in function.decorator_list if isinstance(each, ast.Call) and ast.unparse(each.func) == MARK]
    numbers = [ast.literal_eval(argument) for mark in marks for argument in mark.args]
    if unknown := [number for number in numbers if number not in FAULTS]:
        raise ValueError(f"{test} is marked with {unknown}, which no fault is")
    if marks and not numbers:
        raise ValueError(f"{test} is marked with no fault")
    return numbers


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(marked()), encoding="utf-8")
