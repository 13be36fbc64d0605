"""Letters from a file in the place of those in the queue: each is sent in its new wording, and the old one deleted.

A letter is found by its id, so a line whose letter is gone was done before: to import a file twice sends nothing twice.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence

from cli.letters.desk import Desk
from cli.letters.files import mended
from cli.letters.judging import Decision, Judge, Rules
from cli.letters.letter import Letter
from cli.letters.moving import Step, waves
from cli.letters.reading import Reading
from cli.letters.redriving import Gait, move
from cli.letters.sending import sender

GONE = "not in the queue: done before, or behind the first of its group"


def to_consumer(
    desk: Desk, lines: Sequence[Letter], reading: Reading, gait: Gait, rules: Rules
) -> Generator[Step, None, None]:
    """Send the letters of a file to the consumer's queue. What the inbox has applied is only deleted; what would come
    back stays, as in a redrive. Raises as `redriving.redrive` does."""
    judge = Judge(desk.queue.row, desk.proofs, rules, replaced=reading.replaced, now=desk.clock())
    edited = {line.id: line for line in lines}

    def decide(letters: Sequence[Letter]) -> list[Decision]:
        return judge.decide([mended(letter, edited[letter.id]) for letter in letters if letter.id in edited]) + [
            Decision(letter, "stays", "not in the file") for letter in letters if letter.id not in edited
        ]

    return move(desk, decide, sender(desk.sqs, desk.queue.source_url), gait, wanted=_wanted(lines, reading))


def to_queue(desk: Desk, lines: Sequence[Letter], reading: Reading, gait: Gait) -> Generator[Step, None, None]:
    """Send the letters of a file to the end of the dead-letter queue itself, for a redrive later. Raises as
    `redriving.redrive` does."""
    edited, replaced = {line.id: line for line in lines}, reading.replaced

    def decide(letters: Sequence[Letter]) -> list[Decision]:
        return [_put_aside(letter, edited.get(letter.id), replaced) for letter in letters]

    send = sender(desk.sqs, desk.queue.url, redrives=False)
    return move(desk, decide, send, gait, returns=False, wanted=_wanted(lines, reading))


def restore(desk: Desk, lines: Sequence[Letter], reading: Reading, *, to_dlq: bool) -> Generator[Step, None, None]:
    """Send the letters of a file that are in the queue no more, such as those of a purge, and delete nothing.

    Raises what boto3 raises, and CliError where the inbox can't be read.
    """
    there = {letter.id for letter in reading.letters} | {*reading.replaced}
    send = sender(desk.sqs, desk.queue.url if to_dlq else desk.queue.source_url, redrives=not to_dlq)
    gone = [line for line in lines if line.id not in there]
    proofs = desk.proofs.of(gone)
    for wave in waves([line for line in gone if not proofs[line.id].applied]):
        sent = send(wave)
        for line in wave:
            outcome = sent[line.id]
            yield Step(line, "refused" if outcome.refusal else "moved", outcome.refusal, outcome.message_id)


def _wanted(lines: Sequence[Letter], reading: Reading) -> set[str]:
    """The letters of the file that are there, or may be where nobody could look yet."""
    there = {letter.id for letter in reading.letters}
    return {line.id for line in lines if line.id in there or reading.behind or reading.elsewhere}


def _put_aside(letter: Letter, line: Letter | None, replaced: Collection[str]) -> Decision:
    if line is None:
        return Decision(letter, "stays", "not in the file")
    if letter.id in replaced:
        return Decision(letter, "done", "sent before: another letter in the queue is in its place")
    return Decision(mended(letter, line), "moves")
