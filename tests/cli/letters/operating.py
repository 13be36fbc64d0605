"""An operator at work in a world: their calls take time, and can fail or be their last."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import CliError
from cli.letters.desk import Desk
from cli.letters.judging import Rules
from cli.letters.moving import Step
from cli.letters.proofs import Proofs
from cli.letters.queue import DeadLetterQueue
from cli.letters.redriving import Gait, plan, redrive
from cli.letters.selection import Selection
from messaging.reads import Reader
from testing import Process, World
from testing.faults import Fault, Options
from testing.functions.process import Killed

ALL = Rules(selection=Selection())
PROMPT = Gait(rate=1_000.0)

Work = Callable[[Desk], Iterable[Step]]


def desk(world: World, consumer: str, *, of_topic: bool = False) -> Desk:
    """What an operator works with; a new process, whose places are called `operator`."""
    deployed, process = world.deployed[consumer], Process(world, "operator")
    queue = deployed.topic_dead_letter_queue if of_topic else deployed.dead_letter_queue
    tables = {name: name for name in ("inbox", *deployed.row.writes)}
    dynamodb = world.client("dynamodb", process)
    return Desk(
        queue=DeadLetterQueue(
            name=f"{consumer}/topic" if of_topic else consumer,
            url=queue.url,
            source_url=deployed.queue.url,
            row=deployed.row,
        ),
        sqs=world.client("sqs", process),
        proofs=Proofs(
            dynamodb, tables=tables, row=deployed.row, reader=Reader(dynamodb, tables=tables, sleep=process.sleep)
        ),
        clock=process.clock,
        sleep=process.sleep,
    )


def redriven(rules: Rules = ALL, gait: Gait = PROMPT) -> Work:
    """What `waybill dlq redrive` does, but for the talk."""

    def work(at: Desk) -> Generator[Step, None, None]:
        planned = plan(at, rules)
        with closing(redrive(at, rules, planned.reading, gait)) as steps:
            yield from steps

    return work


class Operated:
    """What came of some work: its steps, and what ended it early."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.error: BaseException | None = None

    @property
    def outcomes(self) -> dict[str, str]:
        """By the letters' names."""
        return {step.letter.name: step.outcome for step in self.steps}

    @property
    def why(self) -> dict[str, str]:
        """By the letters' names."""
        return {step.letter.name: step.why for step in self.steps}


def operate(
    world: World, consumer: str, work: Work, *, of_topic: bool = False, stop_after: int | None = None
) -> Operated:
    """Have an operator work while the world goes on, until it is at rest. `stop_after`: they press Ctrl-C after so many
    letters. Nothing is raised: it may be their death."""
    operated = Operated()
    at = replace(
        desk(world, consumer, of_topic=of_topic),
        stopped=lambda: stop_after is not None and len(operated.steps) >= stop_after,
    )

    def task() -> None:
        try:
            for step in work(at):
                operated.steps.append(step)
        except (Killed, CliError, ClientError, BotoCoreError) as error:
            operated.error = error

    world.scheduler.spawn(task)
    world.run()
    return operated


class OneFault:
    """A plan in which one call of the operator's, counted from 0, goes wrong; `places` tells which there were."""

    def __init__(self, number: int = -1, fault: Fault | None = None) -> None:
        self._number = number
        self._fault = fault
        self.places: list[str] = []

    def choose(self, place: str, options: Options) -> Fault | None:
        """The fault at its call."""
        if not place.startswith("operator "):
            return None
        self.places.append(place)
        struck = len(self.places) - 1 == self._number and self._fault in options
        return self._fault if struck else None
