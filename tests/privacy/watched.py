"""Functions whose output is kept as Lambda would show it: Powertools' own log lines and metrics, and tracebacks."""

from __future__ import annotations

import io
import itertools
import json
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics
from botocore.exceptions import ClientError

from messaging.metrics import NAMESPACE
from messaging.telemetry import PublisherMetrics

_numbers = itertools.count()


class Output:
    """All that the functions of a world write, and what they answer. `echoed` are the operations whose request AWS has
    repeated to them."""

    def __init__(self) -> None:
        self.echoed: set[str] = set()
        self._stream = io.StringIO()

    @property
    def text(self) -> str:
        """So far."""
        return self._stream.getvalue()

    def logger(self, service: str) -> Logger:
        """Powertools', down to DEBUG. It keeps a logger for each name, so each has a name of its own."""
        return Logger(service=f"{service}-{next(_numbers)}", level="DEBUG", stream=self._stream)

    def write(self, text: str) -> None:
        """A line."""
        self._stream.write(f"{text}\n")


class Watched:
    """A function that a world can deploy. `echoes`: the first call of each operation, by whatever function, fails with
    this code, and AWS repeats the whole request in the error's message."""

    def __init__(self, function: Any, output: Output, *, echoes: str | None = None) -> None:
        self.topic = getattr(function, "topic", None)
        self._function = function
        self._output = output
        self._echoes = echoes

    def start(self, machine: Any) -> Callable[[dict[str, Any], Any], Any]:
        """A cold start."""
        output = self._output
        invocation = self._function.start(_Machine(machine, output, echoes=self._echoes))

        def invoke(event: dict[str, Any], context: Any) -> Any:
            try:
                answer = invocation(event, context)
            except Exception:
                output.write(traceback.format_exc())  # Lambda shows it, and less of it
                raise
            output.write(json.dumps(answer))
            return answer

        return invoke

    def disturbed(self, by: Callable[[Any], Any]) -> Watched:
        """The same with other effects."""
        disturbed = self._function.disturbed(by) if hasattr(self._function, "disturbed") else self._function
        return Watched(disturbed, self._output, echoes=self._echoes)


class _Machine:
    def __init__(self, machine: Any, output: Output, *, echoes: str | None) -> None:
        self._machine = machine
        self._output = output
        self.clients = _Clients(machine.clients, output.echoed, echoes) if echoes else machine.clients

    def logger(self, service: str) -> Any:
        return _Both(self._machine.logger(service), self._output.logger(service))

    def metrics(self, service: str) -> Any:
        metrics = EphemeralMetrics(service=service, namespace=NAMESPACE)
        return _Both(self._machine.metrics(service), _Printed(metrics, self._output))

    def publisher_metrics(self, service: str) -> Any:
        return _Both(self._machine.publisher_metrics(service), _Printed(PublisherMetrics(service), self._output))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._machine, name)


class _Both:
    """Each call is made of both."""

    def __init__(self, one: Any, other: Any) -> None:
        self._each = (one, other)

    def __getattr__(self, name: str) -> Callable[..., None]:
        def call(*arguments: Any, **named: Any) -> None:
            for each in self._each:
                getattr(each, name)(*arguments, **named)

        return call


class _Printed:
    """Metrics go to standard output, which Lambda hands to CloudWatch."""

    def __init__(self, metrics: Any, output: Output) -> None:
        self._metrics = metrics
        self._output = output

    def flush_metrics(self) -> None:
        printed = io.StringIO()
        with redirect_stdout(printed):
            self._metrics.flush_metrics()
        self._output.write(printed.getvalue())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metrics, name)


class _Clients:
    def __init__(self, clients: Any, echoed: set[str], code: str) -> None:
        self._clients = clients
        self._echoed = echoed
        self._code = code

    def __getattr__(self, service: str) -> _Client:
        return _Client(getattr(self._clients, service), self._echoed, self._code)


class _Client:
    def __init__(self, client: Any, echoed: set[str], code: str) -> None:
        self._client = client
        self._echoed = echoed
        self._code = code

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)
        if not callable(operation):
            return operation  # its exceptions

        def call(**request: Any) -> Any:
            if name in self._echoed:
                return operation(**request)
            self._echoed.add(name)
            message = f"1 validation error detected: Value {request!r} failed to satisfy a constraint"
            raise ClientError({"Error": {"Code": self._code, "Message": message}}, name)

        return call
