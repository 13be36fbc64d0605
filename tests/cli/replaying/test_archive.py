"""SNS's own replay, against a stand-in that keeps what it was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from cli.errors import CliError, NotFound
from cli.replaying import archive

SINCE = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)


class Sns:
    """A topic with one subscription; `statuses` are what a replay says of itself, one after the other."""

    def __init__(self, topic: Mapping[str, str], *statuses: str) -> None:
        self._topic = topic
        self._statuses = [*statuses]
        self.policies: list[dict[str, Any]] = []

    def get_topic_attributes(self, **_: Any) -> Any:
        return {"Attributes": self._topic}

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        return [{"Subscriptions": [{"Endpoint": "arn:queue", "SubscriptionArn": "arn:subscription"}]}]

    def set_subscription_attributes(self, **request: Any) -> None:
        assert (request["SubscriptionArn"], request["AttributeName"]) == ("arn:subscription", "ReplayPolicy")
        self.policies.append(json.loads(request["AttributeValue"]))

    def get_subscription_attributes(self, **_: Any) -> Any:
        return {"Attributes": {"ReplayStatus": self._statuses.pop(0)} if self._statuses else {}}


@pytest.mark.parametrize("topic", [{}, {"ArchivePolicy": ""}, {"ArchivePolicy": "{}"}])
def test_a_topic_without_an_archive_says_what_to_do_instead(topic: dict[str, str]) -> None:
    """An archive keeps what is published from when it is there on: it is too late for what was before."""
    with pytest.raises(CliError, match=r"-c archive_days=N.*-f FILE.*--from outbox") as caught:
        archive.begins_at(Sns(topic), "arn:topic")
    assert caught.value.exit_code == 1


def test_an_archive_tells_from_when_on_it_can_be_replayed() -> None:
    """SNS refuses what is before that."""
    topic = {"ArchivePolicy": '{"MessageRetentionPeriod":"30"}', "BeginningArchiveTime": "2026-11-01T00:00:00.000Z"}
    assert archive.begins_at(Sns(topic), "arn:topic") == datetime(2026, 11, 1, tzinfo=UTC)


def test_a_replay_has_no_end() -> None:
    """With one, SNS would deliver nothing that is published after it."""
    sns = Sns({})
    archive.start(sns, archive.subscription_arn(sns, "arn:topic", "arn:queue"), SINCE)
    assert sns.policies == [{"PointType": "Timestamp", "StartingPoint": "2026-11-23T14:30:00.000Z"}]


def test_a_queue_without_a_subscription_is_not_found() -> None:
    """Somebody has removed it by hand."""
    with pytest.raises(NotFound, match="deploy its stack"):
        archive.subscription_arn(Sns({}), "arn:topic", "arn:another")


def test_progress_is_followed_to_its_end() -> None:
    """With a pause between looks; where SNS says nothing of it, there is nothing to wait for."""
    pauses: list[float] = []
    sns = Sns({}, "Pending", "In progress", "Completed")
    assert [*archive.follow(sns, "arn", sleep=pauses.append)] == ["Pending", "In progress", "Completed"]
    assert pauses == [archive.POLL_SECONDS] * 2
    assert [*archive.follow(Sns({}), "arn", sleep=pauses.append)] == [""]


def test_a_replay_that_fails_is_an_error() -> None:
    """Its messages are in the subscription's dead-letter queue."""
    with pytest.raises(CliError, match="could not complete"):
        list(archive.follow(Sns({}, "Failed"), "arn", sleep=lambda _: None))
