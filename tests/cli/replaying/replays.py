"""An operator who replays in a world."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from cli.pace import Pace
from cli.replaying.plan import Choice, Step, plan
from cli.replaying.sending import Replay, Sending
from cli.replaying.sources import OldEvent
from messaging.events import Event
from messaging.message import decode, encode
from messaging.tables import TABLES
from testing import World

NAMES = {table.name: table.name for table in TABLES}


def now(world: World) -> datetime:
    return datetime.fromtimestamp(world.scheduler.now, UTC)


def old(event: Event, at: datetime, **envelope: Any) -> OldEvent:
    """An event as it was published then."""
    body = encode(event, source="urn:waybill:test", time=at, **envelope)
    return OldEvent(body, decode(body))


def planned(
    world: World,
    consumer: str,
    olds: Iterable[OldEvent],
    *,
    choice: Choice | None = None,
    forget_before: datetime | None = None,
) -> list[Step]:
    """What a replay would do."""
    return plan(
        olds,
        world.topic.subscription(consumer),
        choice=choice or Choice(),
        dynamodb=world.backend("dynamodb"),
        tables=NAMES,
        now=now(world),
        forget_before=forget_before,
    )


def replay(world: World, consumer: str, steps: Sequence[Step], *, sqs: Any = None, run: str = "r1") -> list[Sending]:
    """Send what the plan sends, and let time go on."""
    deployed = world.deployed[consumer]
    sendings = Replay(
        sqs=sqs or world.backend("sqs"),
        dynamodb=world.backend("dynamodb"),
        queue_url=deployed.queue.url,
        inbox="inbox",
        row=deployed.row,
        run=run,
        pace=Pace(None),
    ).send([step for step in steps if step.sends])
    done = [*sendings]
    world.run()
    return done
