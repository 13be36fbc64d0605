"""Letters deleted for good: written to a file first."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

from cli.letters.desk import Desk
from cli.letters.files import Backup
from cli.letters.judging import Decision
from cli.letters.letter import Letter
from cli.letters.moving import Mover, Pace, Step
from cli.letters.selection import Selection
from cli.letters.sending import Sent

AS_FAST_AS_CAN_BE = 10_000.0


def purge(desk: Desk, selection: Selection, backup: Backup | None) -> Generator[Step, None, None]:
    """Delete the letters that are meant, each after it is on disk; also those that were behind others of their group.

    Raises what boto3 raises, and OSError where the file can't be written: then the letters are still there.
    """

    def decide(letters: Sequence[Letter]) -> list[Decision]:
        return [
            Decision(letter, "moves") if selection.takes(letter) else Decision(letter, "stays", "not asked for")
            for letter in letters
        ]

    def put_away(letters: Sequence[Letter]) -> Mapping[str, Sent]:
        if backup is not None:
            backup.write(letters)
        return {letter.id: Sent() for letter in letters}

    pace = Pace(desk, AS_FAST_AS_CAN_BE)
    return Mover(desk, decide=decide, send=put_away, pace=pace, returns=False).run()
