"""`-c archive_days`: what the topic keeps for a replay, and that it can go again."""

from __future__ import annotations

import pytest

from messaging.subscription import DAY_SECONDS
from messaging.topology import ORDERS
from stacks.archive import MAX_DAYS
from stacks.errors import SynthError
from tests.stacks.conftest import Synthesize

CLEARING = "Custom::AWS"


def kept(synth: Synthesize, **context: str) -> list[object]:
    """The archive policies of the FIFO topics."""
    topics = synth(**context).messaging.properties("AWS::SNS::Topic")
    return [topic.get("ArchivePolicy") for topic in topics if topic.get("FifoTopic")]


def test_dev_keeps_nothing_and_prod_what_markers_outlive(synth: Synthesize) -> None:
    """SNS writes the days as a text."""
    assert kept(synth) == [None]
    assert kept(synth, stage="prod") == [{"MessageRetentionPeriod": str(MAX_DAYS)}]
    assert kept(synth, stage="prod", archive_days="0") == [None]
    assert kept(synth, archive_days="7") == [{"MessageRetentionPeriod": "7"}]


def test_every_marker_outlives_the_longest_archive() -> None:
    """Or a replay could apply twice."""
    assert all(row.oldest_event_seconds >= MAX_DAYS * DAY_SECONDS for row in ORDERS.subscriptions)


def test_what_goes_with_its_stack_is_given_up_first(synth: Synthesize) -> None:
    """In dev alone: SNS deletes no topic with an archive, which is what protects prod's."""
    assert synth(archive_days="7").messaging.resources(CLEARING) != []
    assert synth().messaging.resources(CLEARING) == []
    assert synth(stage="prod").messaging.resources(CLEARING) == []


@pytest.mark.parametrize("days", ["27", "365", "-1", "1.5", "x"])
def test_other_numbers_are_refused(synth: Synthesize, days: str) -> None:
    """With what is taken."""
    with pytest.raises(SynthError, match=r"-c archive_days=.*must be"):
        synth(archive_days=days)
