"""The composition root of every function: reads the environment, makes the clients and runs the consumer.

No other module of the functions takes settings from the environment, and this one does so at the first invocation:
importing a handler needs none. `cold_start` looks whether this is Lambda; elsewhere an import has no side effect.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import botocore.session
import msgspec
from aws_lambda_powertools import Logger, Metrics
from botocore.config import Config

from lambdas.cold_start import uncollected
from messaging import sqs
from messaging.clients import Client
from messaging.consumer import Consumer
from messaging.effects import External, Transactional
from messaging.identity import new_id
from messaging.journal import tell_records
from messaging.metrics import NAMESPACE
from messaging.settings import Settings
from messaging.store import Store
from messaging.telemetry import PublisherMetrics, tell_batch
from messaging.topic import Topic
from messaging.topology import ORDERS
from messaging.versions import KNOWN, Versions

# A call that hangs ends within the reserve that each step keeps (subscription.RESERVE_SECONDS): as an error of its
# records, not as a killed batch. One attempt: the core repeats what may be repeated, and SES would send twice.
CLIENT_CONFIG = Config(connect_timeout=0.5, read_timeout=1.3, retries={"total_max_attempts": 1})

# The core alone makes requests to DynamoDB, and its tests make them with the check on: it is a sixth of a batch's CPU.
UNCHECKED = CLIENT_CONFIG.merge(Config(parameter_validation=False))


class Context(Protocol):
    """What is used of Lambda's context object."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda kills the invocation."""
        ...


class Clients:
    """The clients of one function. They share a session, and so what it has read of endpoints and credentials."""

    def __init__(self) -> None:
        session = botocore.session.get_session()
        # Said once, it is not put together anew for each request: a twentieth of what that costs.
        named = Config(user_agent=session.user_agent())
        checked, unchecked = CLIENT_CONFIG.merge(named), UNCHECKED.merge(named)
        self.dynamodb: Any = Client(session, "dynamodb", unchecked)
        self.sqs: Any = Client(session, "sqs", checked)
        self.ses: Any = Client(session, "sesv2", checked)
        self.sns: Any = Client(session, "sns", checked)


class Machine(Protocol):
    """What a function takes from where it runs. Lambda's is `Sandbox`; tests bring another."""

    environment: Mapping[str, str]
    clients: Any  # with the attributes of Clients
    clock: Callable[[], float]  # epoch seconds
    sleep: Callable[[float], None]
    new_id: Callable[[], str]  # 32 hexadecimal digits that nobody else has
    side_by_side: Any  # how a publisher's lanes run; None: in threads

    def logger(self, service: str) -> Any:
        """A Logger of Powertools, or what can be told the same."""
        ...

    def metrics(self, service: str) -> Any:
        """Metrics of Powertools, or what can be told the same."""
        ...

    def publisher_metrics(self, service: str) -> Any:
        """Those of a publisher."""
        ...


class Sandbox:
    """The process that Lambda gives a function."""

    def __init__(self) -> None:
        self.environment: Mapping[str, str] = os.environ
        self.clients: Any = Clients()
        self.clock: Callable[[], float] = time.time
        self.sleep: Callable[[float], None] = time.sleep
        self.new_id: Callable[[], str] = new_id
        self.side_by_side = None

    def logger(self, service: str) -> Logger:
        """JSON lines to the function's log."""
        return Logger(service=service)

    def metrics(self, service: str) -> Metrics:
        """In CloudWatch's embedded format, through the log."""
        return Metrics(service=service, namespace=self._namespace)

    def publisher_metrics(self, service: str) -> PublisherMetrics:
        """Likewise."""
        return PublisherMetrics(service, self._namespace)

    @property
    def _namespace(self) -> str:
        return self.environment.get("POWERTOOLS_METRICS_NAMESPACE") or NAMESPACE


class Tools(msgspec.Struct, frozen=True):
    """What external effects may use."""

    settings: Settings
    ses: Any


Effects = Transactional | Callable[[Tools], External]
Invocation = Callable[[dict[str, Any], Context], dict[str, Any]]


class Function:
    """A Lambda handler. What it works with is made at its first invocation, and kept while the sandbox is warm."""

    def __init__(self, compose: Callable[[Machine], Invocation]) -> None:
        self._compose = compose
        self._invoke: Invocation | None = None

    def __call__(self, event: dict[str, Any], context: Context) -> dict[str, Any]:
        """Answer an invocation. Raises SettingsError at the first one where the environment is wrong."""
        if self._invoke is None:
            with uncollected():
                self._invoke = self.start(Sandbox())
        return self._invoke(event, context)

    def start(self, machine: Machine) -> Invocation:
        """A cold start on some machine: what answers its invocations. Raises SettingsError."""
        return self._compose(machine)


class ConsumerFunction(Function):
    """The Lambda handler of a consumer. `effects` is public for tests that watch or disturb them."""

    def __init__(self, effects: Effects, *, topic: Topic = ORDERS, versions: Versions = KNOWN) -> None:
        super().__init__(lambda machine: _Application(effects, topic, versions, machine).run)
        self.effects = effects
        self.topic = topic
        self.versions = versions

    def disturbed(self, by: Callable[[Transactional | External], Transactional | External]) -> ConsumerFunction:
        """The same function with other effects in the place of its own."""
        effects = self.effects
        if isinstance(effects, Transactional):
            disturbed = by(effects)
            assert isinstance(disturbed, Transactional)
            return ConsumerFunction(disturbed, topic=self.topic, versions=self.versions)

        def make(tools: Tools) -> External:
            external = by(effects(tools))
            assert isinstance(external, External)
            return external

        return ConsumerFunction(make, topic=self.topic, versions=self.versions)


def lambda_handler(effects: Effects) -> ConsumerFunction:
    """The Lambda handler of a consumer of the topic `orders`."""
    return ConsumerFunction(effects)


class _Application:
    """One function's collaborators, made once and kept while the function is warm."""

    def __init__(self, effects: Effects, topic: Topic, versions: Versions, machine: Machine) -> None:
        settings, clients = Settings.from_environment(machine.environment), machine.clients
        subscription = topic.subscription(settings.consumer)
        self._service = settings.consumer
        self._logger = machine.logger(settings.consumer)
        self._metrics = machine.metrics(settings.consumer)
        self._clock = machine.clock
        self._consumer = Consumer(
            subscription,
            effects if isinstance(effects, Transactional) else effects(Tools(settings, clients.ses)),
            source=sqs.SqsQueue(
                clients.sqs,
                queue_url=settings.queue_url,
                dead_letter_queue_url=settings.dead_letter_queue_url,
            ),
            store=Store.of(
                clients.dynamodb,
                tables=settings.tables,
                subscription=subscription,
                clock=machine.clock,
                sleep=machine.sleep,
                new_id=machine.new_id,
            ),
            code_version=settings.code_version,
            newer_version_patience_seconds=settings.newer_version_patience_seconds,
            versions=versions,
            clock=machine.clock,
            sleep=machine.sleep,
        )

    def run(self, event: dict[str, Any], context: Context) -> dict[str, Any]:
        """Process one batch and answer Lambda which records it must deliver again."""
        began = self._clock()
        batch = sqs.deliveries(event)
        ledger = self._consumer.process(batch, lambda: context.get_remaining_time_in_millis() / 1000)
        if batch:
            self._logger.append_keys(function_request_id=context.aws_request_id)
            seconds = self._clock() - began
            tell_records(ledger, self._logger, consumer=self._service)
            tell_batch(ledger, self._metrics, seconds=seconds)
        return sqs.response(batch, ledger.handed_back())
