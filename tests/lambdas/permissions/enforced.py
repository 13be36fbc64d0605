"""Functions whose every call is judged by their role first, as on AWS: what it does not allow is refused, and noted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from testing.functions.fleet import Invocation
from tests.lambdas.permissions.asked import Asked, Place
from tests.lambdas.permissions.iam import Request, decide
from tests.lambdas.permissions.roles import CONTEXT, Role

REFUSALS = {
    "dynamodb": "AccessDeniedException",
    "sqs": "AccessDenied",
    "sns": "AuthorizationError",
    "ses": "AccessDeniedException",
}


class Gate:
    """Judges the calls of one function. `used` and `refused` are what they asked for."""

    def __init__(self, role: Role, place: Place) -> None:
        self.used: set[Asked] = set()
        self.refused: set[Asked] = set()
        self._role = role
        self._place = place

    def check(self, service: str, operation: str, request: dict[str, Any]) -> None:
        """Raises ClientError where the role does not allow all of it."""
        for asked in self._place.asks(service, operation, request):
            if not decide(self._role.statements, Request(*asked, CONTEXT)):
                self.refused.add(asked)
                message = f"{self._role.function} is not authorized to perform {asked[0]} on {asked[1]}"
                raise ClientError({"Error": {"Code": REFUSALS[service], "Message": message}}, operation)
            self.used.add(asked)


class Enforced:
    """A function behind its gate; a world deploys it as it would the function."""

    def __init__(self, function: Any, gate: Gate) -> None:
        self.topic = getattr(function, "topic", None)
        self._function = function
        self._gate = gate

    def start(self, machine: Any) -> Invocation:
        """A cold start."""
        machine.clients = _Clients(machine.clients, self._gate)
        invocation: Invocation = self._function.start(machine)
        return invocation

    def disturbed(self, by: Callable[[Any], Any]) -> Enforced:
        """The same with other effects."""
        return Enforced(self._function.disturbed(by), self._gate)


class _Clients:
    """By the names that functions know them by."""

    def __init__(self, clients: Any, gate: Gate) -> None:
        self.dynamodb, self.sqs, self.sns, self.ses = (
            _Client(service, getattr(clients, service), gate) for service in ("dynamodb", "sqs", "sns", "ses")
        )


class _Client:
    def __init__(self, service: str, client: Any, gate: Gate) -> None:
        self.exceptions = client.exceptions
        self._service = service
        self._client = client
        self._gate = gate

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self._gate.check(self._service, operation, request)
            return getattr(self._client, operation)(**request)

        return call
