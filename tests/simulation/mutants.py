"""Deliberate faults in the protocol, each of which the simulation must find: the proof that its checks can fail.

    .venv/bin/python -m tests.simulation.mutants [TEXT]     only those whose name holds TEXT

Each is a patch of one place. It is applied to a copy of the product, and the copy runs the short simulation.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.quick import BROKEN

ROOT = Path(__file__).parents[2]
MUTATED = ("messaging", "lambdas")
SHARED = ("testing", "tests", "local", "stacks", "docs", "pyproject.toml", "app.py", "cdk.json")
LONGEST_SECONDS = 240
TESTS_FAILED = 1  # pytest's exit code


@dataclass(frozen=True, slots=True)
class Mutant:
    """`before`, which is once in the file, is replaced by `after`. `unit` is a test file for what shows in no world."""

    name: str
    file: str
    before: str
    after: str
    unit: str | None = None


MUTANTS = (
    # The conditions of the inbox's transactions.
    Mutant(
        "an item is created without a condition",
        "messaging/items.py",
        '"ConditionExpression": "attribute_not_exists(#key)"',
        '"ConditionExpression": "attribute_not_exists(#key) OR attribute_exists(#key)"',
    ),
    Mutant(
        "a change does not look at what it expects",
        "messaging/items.py",
        '" AND ".join(f"#e{n} = :e{n}" for n in range(len(change.expected)))',
        '" AND ".join(f"(#e{n} = :e{n} OR #e{n} <> :e{n})" for n in range(len(change.expected)))',
    ),
    Mutant(
        "an addition does not look at what it needs",
        "messaging/items.py",
        'f"{missing}#n >= :needs"',
        'f"{missing}#n >= :needs OR #n < :needs"',
    ),
    Mutant(
        "a rising cursor moves back",
        "messaging/cursor.py",
        'condition, value = "#sequence < :before", self.first',
        'condition, value = "#sequence < :before OR #sequence >= :before", self.first',
    ),
    Mutant(
        "a strict cursor jumps",
        "messaging/cursor.py",
        'condition, value = "#sequence = :before", self.first - 1',
        'condition, value = "#sequence <= :before", self.first - 1',
    ),
    Mutant(
        "a strict cursor begins anywhere",
        "messaging/cursor.py",
        "if not self.strict or self.first == 1:",
        "if True:",
    ),
    # The marker.
    Mutant(
        "no marker is written",
        "messaging/inbox.py",
        "return [marker, *moved, *writes, *self._emissions(unit, position, now)]",
        "return [*moved, *writes, *self._emissions(unit, position, now)]",
    ),
    Mutant(
        "the marker is keyed by the delivery",
        "messaging/inbox.py",
        "marker_key(self._subscription, message.id), {",
        "marker_key(self._subscription, unit.work.delivery.id), {",
    ),
    Mutant(
        "a marker is gone after a day",
        "messaging/subscription.py",
        "return self.oldest_event_seconds + DAY_SECONDS",
        "return DAY_SECONDS",
    ),
    Mutant(
        "the payload's hash is not compared",
        "messaging/reasons.py",
        'if marker.get("payload_hash") != work.message.payload_hash or marker.get("consumer") != consumer:',
        'if marker.get("consumer") != consumer:',
    ),
    Mutant(
        "the payload's hash covers the time of publication",
        "messaging/message.py",
        "payload = [envelope.type, envelope.dataschema, envelope.subject, envelope.data]",
        "payload = [envelope.type, envelope.time.isoformat(), envelope.subject, envelope.data]",
    ),
    Mutant(
        "what Powertools or a call has begun counts as done",
        "messaging/reasons.py",
        'return judge_marker(there, unit.work, consumer) if there.get("status") == COMPLETED else Result.CLAIMED',
        "return Result.CLAIMED",
    ),
    # Reasons.
    Mutant(
        "a lost answer counts as applied",
        "messaging/inbox.py",
        "            return [Result.UNAVAILABLE] * len(transaction.units)\n"
        "        return [Result.APPLIED] * len(transaction.units)",
        "            pass\n        return [Result.APPLIED] * len(transaction.units)",
    ),
    Mutant(
        "a throttled transaction counts as applied",
        "messaging/reasons.py",
        'if fault["Code"] == "ValidationException" else Result.UNAVAILABLE',
        'if fault["Code"] == "ValidationException" else Result.APPLIED',
    ),
    Mutant(
        "an innocent unit of a cancelled transaction counts as applied",
        "messaging/reasons.py",
        '"None": Result.INNOCENT',
        '"None": Result.APPLIED',
    ),
    Mutant(
        "a conflict counts as applied",
        "messaging/reasons.py",
        '"TransactionConflict": Result.CONTENDED',
        '"TransactionConflict": Result.DUPLICATE',
    ),
    Mutant(
        "a throttled statement counts as applied",
        "messaging/reasons.py",
        'return _CODES.get(fault["Code"], Result.UNAVAILABLE)',
        'return _CODES.get(fault["Code"], Result.APPLIED)',
    ),
    Mutant(
        "an event out of order is parked without a look at its marker",
        "messaging/rounds.py",
        "self._fail(unit.work, _out_of_order(unit, result))",
        "self._boundary.reject(unit.work.delivery, _out_of_order(unit, result))",
    ),
    # Merging, rounds and groups.
    Mutant(
        "the second of two additions to one item is forgotten",
        "messaging/effects.py",
        "return Add(self.key, self.attribute, self.amount + later.amount, max(needs) if needs else None)",
        "return Add(self.key, self.attribute, self.amount, max(needs) if needs else None)",
    ),
    Mutant(
        "the second of two merged follow-up events is forgotten",
        "messaging/outbox.py",
        "both = Emission(self.key, (*self.messages, *later.messages))",
        "both = Emission(self.key, self.messages)",
    ),
    Mutant(
        "a failure does not hold back its group",
        "messaging/batch.py",
        "if verdict.outcome in HANDED_BACK and delivery.group is not None:",
        'if verdict.outcome in HANDED_BACK and delivery.group == "":',
    ),
    Mutant(
        "what waits does not hold back its group",
        "messaging/rounds.py",
        "                waiting.add(lane)",
        "                waiting.add(work.delivery.id)",
    ),
    Mutant(
        "keys that a read left unprocessed are forgotten",
        "messaging/reads.py",
        "            missing += unprocessed\n",
        "",
    ),
    # The answer, dead letters, killers.
    Mutant(
        "nothing is handed back",
        "messaging/sqs.py",
        'return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}',
        'return {"batchItemFailures": []}',
    ),
    Mutant(
        "the answer's key is misspelt",
        "messaging/sqs.py",
        'return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}',
        'return {"batchItemFailure": [{"itemIdentifier": identifier} for identifier in identifiers]}',
    ),
    Mutant(
        "a refused dead letter counts as sent",
        "messaging/sqs.py",
        "        except (ClientError, BotoCoreError):\n            return False\n        return True",
        "        except (ClientError, BotoCoreError):\n            return True\n        return True",
    ),
    Mutant(
        "one death is enough for a killer",
        "messaging/suspicion.py",
        "MAX_UNFINISHED_TRIES = 4",
        "MAX_UNFINISHED_TRIES = 1",
    ),
    Mutant(
        "a try that ended is not taken back",
        "messaging/attempts.py",
        "self._breadcrumb(delivery_id).attributes)}}",
        "self._breadcrumb(delivery_id + 'x').attributes)}}",
    ),
    Mutant(
        "a newer version is parked at once",
        "messaging/consumer.py",
        "return self._clock() - delivery.first_received_at < self._newer_version_patience_seconds",
        "return False",
    ),
    Mutant(
        "a throttled call makes poison",
        "messaging/consumer.py",
        "        elif isinstance(error, RetryLater):\n",
        '        elif isinstance(error, RetryLater) and "reading failed" in str(error):\n'
        '            self._dead_letter(delivery, error, "poison")\n'
        "        elif isinstance(error, RetryLater):\n",
    ),
    # Leases and calls.
    Mutant(
        "anybody completes a lease",
        "messaging/lease.py",
        'WHERE "id" = ? AND "owner" = ?\',\n'
        "            [COMPLETED, self._expiration(work), self.idempotency_key(work), self._owner],",
        'WHERE "id" = ?\',\n            [COMPLETED, self._expiration(work), self.idempotency_key(work)],',
        unit="tests/messaging/test_lease.py",  # its call was made, so that it is told by whom can't be seen outside
    ),
    Mutant(
        "anybody gives up a lease",
        "messaging/lease.py",
        'WHERE "id" = ? AND "owner" = ? AND "status" = ?\',\n'
        "            [self.idempotency_key(work), self._owner, INPROGRESS],",
        'WHERE "id" = ?\',\n            [self.idempotency_key(work)],',
    ),
    Mutant(
        "a lease that holds is taken over",
        "messaging/lease.py",
        'return Claim.LAPSED if holder.get("lease_expires_at", 0) < self._clock() else Claim.BUSY',
        "return Claim.LAPSED",
        unit="tests/messaging/test_lease.py",  # a second e-mail, which other faults may cost too
    ),
    Mutant(
        "a completed call is made again",
        "messaging/lease.py",
        'if holder.get("status") == COMPLETED:',
        'if holder.get("status") == "DONE":',
    ),
    Mutant(
        "a call in doubt is made again",
        "messaging/calls.py",
        "claim(works, self._deadline.has_time, take_over=take_over)",
        "claim(works, self._deadline.has_time, take_over=True)",
    ),
    Mutant(
        "a call that failed somehow may be repeated where it must not",
        "messaging/calls.py",
        "elif self._at_most_once(work) and not isinstance(error, (RecordError, UncalledEvent)):",
        "elif False:",
    ),
    Mutant(
        "what nobody could claim is called",
        "messaging/calls.py",
        "            if claim is Claim.MINE:",
        "            if claim in (Claim.MINE, Claim.UNKNOWN):",
    ),
    # Publisher, outbox and relay.
    Mutant(
        "the publisher ignores refused entries",
        "messaging/publisher.py",
        'return {entry["Id"]: refusals.of_entry(entry) for entry in reply.get("Failed", [])}',
        "return {}",
    ),
    Mutant(
        "the publisher ignores calls without an answer",
        "messaging/publisher.py",
        'whole = Refusal(type(error).__name__, "no answer from SNS", final=False)',
        "return {}",
    ),
    Mutant(
        "a group is dealt to two lanes",
        "messaging/lanes.py",
        "        lanes[number % len(lanes)].groups[name] = events",
        "        for turn, event in enumerate(events):\n"
        "            lanes[(number + turn) % len(lanes)].groups[name].append(event)",
    ),
    Mutant(
        "the relay deletes what the topic does not take now",
        "messaging/relay.py",
        "settled = [parcel for parcel in parcels if not parcel.waiting]",
        "settled = [*parcels]",
    ),
    Mutant(
        "the relay tells the stream that all is sent",
        "messaging/relay.py",
        "run.unfinished = [record for record, parcel in sent if parcel.waiting]",
        "run.unfinished = []; [parcel.refuse(None, 'x') for _, parcel in sent if parcel.waiting]",
    ),
)


def main(arguments: Sequence[str]) -> int:
    """Run the chosen mutants. Returns 1 where one survives."""
    chosen = [mutant for mutant in MUTANTS if all(text in mutant.name for text in arguments)]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        fates = [*pool.map(_fate, chosen)]
    survivors = [mutant.name for mutant, (killed, _) in zip(chosen, fates, strict=True) if not killed]
    for mutant, (killed, by) in zip(chosen, fates, strict=True):
        print(f"{'killed' if killed else 'SURVIVES'}: {mutant.name}\n    {by}")  # noqa: T201 - this is its job
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants killed")  # noqa: T201
    return 1 if survivors else 0


def _fate(mutant: Mutant) -> tuple[bool, str]:
    """Whether the short simulation found the mutant, and how."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in MUTATED:
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in SHARED:
            (copy / name).symlink_to(ROOT / name)
        file = copy / mutant.file
        text = file.read_text(encoding="utf-8")
        if text.count(mutant.before) != 1:
            return False, f"the patch does not fit: its text is {text.count(mutant.before)} times in {mutant.file}"
        file.write_text(text.replace(mutant.before, mutant.after), encoding="utf-8")
        command = [sys.executable, "-m", "tests.simulation.quick"]
        if mutant.unit is not None:
            command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", mutant.unit]
        environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                command,
                cwd=copy,
                env=environment,
                capture_output=True,
                text=True,
                timeout=LONGEST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return True, f"it does not come to rest within {LONGEST_SECONDS} s"
    last = ["", *(done.stdout or done.stderr).strip().splitlines()][-1]
    killed = done.returncode == (BROKEN if mutant.unit is None else TESTS_FAILED)
    return killed, f"exit code {done.returncode}: {last}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
