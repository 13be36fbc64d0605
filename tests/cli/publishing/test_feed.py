"""Publishing in portions: each event's outcome, and repeats that reach the consumers."""

from __future__ import annotations

from collections.abc import Sequence

from cli.pace import Pace
from cli.publishing.feed import PORTION, Outcome, publish
from lambdas import inventory
from messaging.events import Event
from messaging.outgoing import Draft
from messaging.publish_report import FailedEntry, PublishReport
from messaging.publisher import Publisher
from testing import World
from tests.factories import order


class Remembering:
    """A publisher that accepts all but what it is told to refuse, and takes none of `unrouted`'s anywhere."""

    def __init__(self, *, refuses: Sequence[str] = (), unrouted: Sequence[str] = ()) -> None:
        self._refuses = refuses
        self._unrouted = unrouted
        self.calls: list[tuple[list[str], str | None]] = []

    def publish(self, events: Sequence[Event | Draft], *, resend: str | None = None) -> PublishReport:
        ids = [each.event.event_id if isinstance(each, Draft) else each.event_id for each in events]
        self.calls.append((ids, resend))
        return PublishReport(
            published=tuple(each for each in ids if each not in self._refuses),
            failed=tuple(FailedEntry(each, "too_large", "it is") for each in ids if each in self._refuses),
            unrouted=tuple(each for each in ids if each in self._unrouted),
        )


def drafts(count: int) -> list[Draft]:
    return [Draft(event=order(str(number))) for number in range(count)]


def outcomes(publisher: Remembering, count: int, *, duplicates: int = 0) -> list[Outcome]:
    return [*publish(publisher, drafts(count), pace=Pace(None), run="r", duplicates=duplicates)]


def test_each_event_is_published_unrouted_or_failed() -> None:
    """And why: an unrouted one is at the topic, where nobody takes it."""
    publisher = Remembering(refuses=["OrderPlaced-1"], unrouted=["OrderPlaced-2"])
    told = {each.event_id: (each.outcome, each.detail) for each in outcomes(publisher, 3)}
    assert told["OrderPlaced-0"] == ("published", "")
    assert told["OrderPlaced-1"] == ("failed", "too_large: it is")
    assert told["OrderPlaced-2"][0] == "unrouted"


def test_events_go_in_portions_and_progress_is_told() -> None:
    """In their order."""
    publisher, done = Remembering(), list[int]()
    list(publish(publisher, drafts(250), pace=Pace(None), run="r", advance=done.append))
    assert done == [PORTION, PORTION, 50]
    assert [each for ids, _ in publisher.calls for each in ids] == [f"OrderPlaced-{n}" for n in range(250)]


def test_duplicates_are_of_accepted_events_with_deduplication_ids_of_their_own() -> None:
    """Each round has another, for the topic drops an id that it has seen within five minutes."""
    publisher = Remembering(refuses=["OrderPlaced-0"])
    told = outcomes(publisher, 3, duplicates=5)
    rounds = publisher.calls[1:]
    assert [resend for _, resend in rounds] == ["r-0", "r-1", "r-2"]
    assert [len(ids) for ids, _ in rounds] == [2, 2, 1]
    assert "OrderPlaced-0" not in [each for ids, _ in rounds for each in ids]
    assert sum(each.duplicate for each in told) == 5


def test_a_world_applies_what_is_published_once_however_often_it_comes() -> None:
    """Through the real publisher, topic and consumer."""
    world = World()
    world.deploy("inventory", inventory.handler)
    publisher = Publisher(
        world.backend("sns"), topic=world.topic, topic_arn=world.sns_topic.arn, source="urn:waybill:test"
    )
    list(publish(publisher, drafts(3), pace=Pace(None), duplicates=3, run="r"))
    world.run()
    assert {event_id: sorted(each) for event_id, each in world.outcomes("inventory").items()} == {
        f"OrderPlaced-{number}": ["applied", "duplicate"] for number in range(3)
    }
