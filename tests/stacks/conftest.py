"""One CDK process and one synthesis of each stage for all tests: a further synth in it costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from messaging.subscription import Subscription
from messaging.topic import Topic
from messaging.topology import ORDERS
from tests.stacks.synthesized import MAIL_FROM, Assembly, synthesize

Synthesize = Callable[..., Assembly]


@pytest.fixture(scope="session")
def synth(tmp_path_factory: pytest.TempPathFactory) -> Synthesize:
    """Synthesize with these options, into a folder of its own."""

    def run(topic: Topic = ORDERS, **options: str) -> Assembly:
        return synthesize(tmp_path_factory.mktemp("assembly"), topic, **options)

    return run


@pytest.fixture(scope="session")
def dev(synth: Synthesize) -> Assembly:
    return synth(mail_from=MAIL_FROM)


@pytest.fixture(scope="session")
def prod(synth: Synthesize) -> Assembly:
    return synth(stage="prod", mail_from=MAIL_FROM)


@pytest.fixture(params=ORDERS.subscriptions, ids=lambda row: row.consumer)
def row(request: pytest.FixtureRequest) -> Subscription:
    """Each row of the topology in turn."""
    each: Subscription = request.param
    return each
