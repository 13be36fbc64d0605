"""Processes whose clients are botocore's own, down to the bytes; what goes wrong strikes where the network would be.

So requests are validated, serialized and signed, replies and errors are parsed, and what a client's configuration has
botocore try again is tried again, its pauses on the virtual clock. A process's time-outs stay those of
`testing.functions.process`, whatever a configuration says.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.config import Config

from messaging.clients import Client
from testing import botocore_seam
from testing.functions.fleet import Function, Invocation
from testing.functions.process import Process

# As lambdas/runtime.py has it: the core repeats what may be repeated.
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})
CHECKED = Config(parameter_validation=True)  # a wrong request shows here, whatever production saves


class Wiring:
    """Makes the clients of one world. `of_functions` is the configuration of functions' clients; a producer's have
    boto3's own defaults, with its retries."""

    def __init__(self, seed: int, of_functions: Config | None = None) -> None:
        self._of_functions = of_functions or ONE_ATTEMPT
        # Of its own: with and without botocore, the rest of a world meets the same chance.
        self._random = Random(f"botocore {seed}")

    def function(self, function: Function) -> Function:
        """The same function with these clients."""
        return _Wired(function, self)

    def client(self, process: Process, service: str, config: Config | None = None) -> Any:
        """One client of a process, made at its first call."""
        return Client(self._session(process), service, (config or Config()).merge(CHECKED))

    def clients(self, process: Process) -> _Clients:
        """Those of a function, by the names by which it knows them."""
        return _Clients(self._session(process), self._of_functions.merge(CHECKED))

    def _session(self, process: Process) -> botocore.session.Session:
        calls = {service: process.client(service) for service in ("dynamodb", "sqs", "sns", "sesv2")}

        def execute(service: str, operation: str, request: dict[str, Any]) -> Mapping[str, Any]:
            reply: Mapping[str, Any] = getattr(calls[service], xform_name(operation))(**request)
            return reply

        return botocore_seam.session(execute, sleep=process.sleep, random=self._random)


class _Clients:
    """The clients of one function."""

    def __init__(self, session: botocore.session.Session, config: Config) -> None:
        self.dynamodb = Client(session, "dynamodb", config)
        self.sqs = Client(session, "sqs", config)
        self.sns = Client(session, "sns", config)
        self.ses = Client(session, "sesv2", config)


class _Wired:
    """A function whose machines have such clients."""

    def __init__(self, function: Function, wiring: Wiring) -> None:
        self._function = function
        self._wiring = wiring

    def start(self, machine: Any) -> Invocation:
        """A cold start."""
        machine.clients = self._wiring.clients(machine.process)
        return self._function.start(machine)
