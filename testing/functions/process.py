"""A process that calls services: each call is a point at which it may die, time out, be refused or be answered late."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from greenlet import getcurrent

from testing.faults import Fault, Options
from testing.functions.refusals import SERVER_ERRORS, THROTTLES, refused, with_one_reason
from testing.functions.undone import do_in_part, has_parts
from testing.scheduler import Scheduler
from testing.trace import Trace

# As lambdas/runtime.py has its clients: what hangs ends so.
CONNECT_TIMEOUT_SECONDS = 0.5
READ_TIMEOUT_SECONDS = 1.3
SLOW_SECONDS = 0.9 * READ_TIMEOUT_SECONDS
LONGEST_LATE_SECONDS = 90.0

# To a service and back, each way. A write takes longer than a read; what happens in between takes the rest.
# As measured: 4 ms an item, 9 ms a transaction.
ONE_WAY_SECONDS = 0.002
TRANSACTION_SECONDS = 0.005

_OF_A_CALL: Options = (
    *(Fault.DIES_BEFORE_CALL, Fault.DIES_AFTER_CALL, Fault.LANDS_AFTER_DEATH),
    *(Fault.LOST_REQUEST, Fault.LOST_REPLY, Fault.LANDS_LATE, Fault.SLOW, Fault.THROTTLED, Fault.SERVER_ERROR),
)
_IN_PARTS: Options = (*_OF_A_CALL, Fault.UNPROCESSED)
_OF_A_TRANSACTION: Options = (*_OF_A_CALL, Fault.CONFLICT, Fault.REASONS_IN_PART)


class Killed(BaseException):
    """The process is dead. Nothing catches it, and whoever tries finds that no call is made any more."""


class Surroundings(Protocol):
    """What a process needs of its world."""

    scheduler: Scheduler
    trace: Trace

    def fault(self, place: str, options: Options) -> Fault | None:
        """What goes wrong now, of what may."""
        ...

    def backend(self, service: str) -> Any:
        """The service itself, as a boto3 client."""
        ...

    def is_out(self, service: str) -> bool:
        """Whether the service has an outage."""
        ...


class Process:
    """One process. `skew_seconds` is how far its clock is ahead; `deadline` is when it is killed, in epoch seconds."""

    def __init__(self, world: Surroundings, name: str, *, skew_seconds: float = 0.0) -> None:
        self.name = name
        self.alive = True
        self.deadline = float("inf")
        self.doing = name  # what its calls are told as: an invocation's id
        self._world = world
        self._scheduler = world.scheduler
        self._skew_seconds = skew_seconds

    @staticmethod
    def current() -> Process:
        """The one that runs in this task."""
        return getcurrent().process  # type: ignore[no-any-return]  # `enter` has put it there

    def enter(self) -> None:
        """Run in this task from now on."""
        getcurrent().process = self

    def client(self, service: str) -> ProcessClient:
        """A boto3 client, as far as the process can tell."""
        return ProcessClient(self, service, self._world.backend(service))

    def clock(self) -> float:
        """Epoch seconds, as this machine has them."""
        return self._scheduler.now + self._skew_seconds

    def sleep(self, seconds: float) -> None:
        """Wait. Raises Killed where the process does not live so long."""
        self.check_alive()
        if self._scheduler.now + seconds > self.deadline:
            self._scheduler.sleep(self.deadline - self._scheduler.now)
            self.die("the time-out strikes")
        self._scheduler.sleep(seconds)

    def die(self, how: str) -> None:
        """End here. Raises Killed, always."""
        self.alive = False
        self._world.trace.note(self.doing, f"dies: {how}")
        raise Killed(how)

    def check_alive(self) -> None:
        """Raises Killed where it is dead."""
        if not self.alive:
            raise Killed("dead already")

    def call(self, service: str, operation: str, place: str, options: Options, request: Callable[[], Any]) -> Any:
        """Carry out a request, or what a fault leaves of it. Raises what boto3 raises, or Killed."""
        self.check_alive()
        world, scheduler = self._world, self._scheduler
        fault = world.fault(place, options)
        if fault is None and world.is_out(service):
            fault = Fault.SERVER_ERROR if scheduler.random.random() < 0.5 else Fault.LOST_REQUEST
        pace = 0.5 + scheduler.random.random()
        there = pace * ONE_WAY_SECONDS
        longest = 2 * there + 1.5 * TRANSACTION_SECONDS
        if fault is None and scheduler.now + longest <= self.deadline:
            scheduler.sleep(there)
            reply = self._carried_out(request)
            scheduler.sleep(there)
            if scheduler.now > self.deadline:  # it took long, as a receive that waits for messages does
                self.die("the time-out has struck")
            world.trace.note(self.doing, place)
            return reply
        if fault is None:  # it does not live to see the reply
            self._lands_in(there, place, request)
            self.sleep(longest)
        assert fault is not None
        world.trace.note(self.doing, f"{place}: {fault.value}")
        return self._faulty(fault, service, operation, place, request)

    def _carried_out(self, request: Callable[[], Any]) -> Any:
        try:
            return request()
        except ClientError:
            self._scheduler.sleep(ONE_WAY_SECONDS)
            raise

    def _orphan(self, place: str, request: Callable[[], Any]) -> None:
        """A request whose sender does not listen any more."""
        try:
            request()
        except ClientError as error:
            self._world.trace.note(self.doing, f"{place}: lands late, refused: {error.response['Error']['Code']}")
        else:
            self._world.trace.note(self.doing, f"{place}: lands late")

    def _faulty(self, fault: Fault, service: str, operation: str, place: str, request: Callable[[], Any]) -> Any:
        scheduler = self._scheduler
        match fault:
            case Fault.DIES_BEFORE_CALL:
                self.die("before a call")
            case Fault.DIES_AFTER_CALL:
                self._unheard(request)
                self.die("after a call")
            case Fault.LANDS_AFTER_DEATH:
                self._lands_in(self._some_time(), place, request)
                self.die("with a request on its way")
            case Fault.LANDS_LATE:
                self._lands_in(READ_TIMEOUT_SECONDS + self._some_time(), place, request)
                self._wait_in_vain(place)
            case Fault.LOST_REQUEST:
                self._wait_in_vain(place, connected=scheduler.random.random() < 0.5)
            case Fault.LOST_REPLY:
                self._unheard(request)
                self._wait_in_vain(place)
            case Fault.SLOW:
                if scheduler.now + SLOW_SECONDS > self.deadline:
                    self._lands_in(SLOW_SECONDS, place, request)
                self.sleep(SLOW_SECONDS)
                return request()
            case Fault.UNPROCESSED:
                self.sleep(ONE_WAY_SECONDS)
                return do_in_part(operation, request, scheduler.random)
            case Fault.REASONS_IN_PART:
                self.sleep(ONE_WAY_SECONDS)
                return with_one_reason(request)
            case Fault.CONFLICT:
                self.sleep(ONE_WAY_SECONDS)
                raise refused("TransactionConflict", service, operation, request)
            case Fault.THROTTLED:
                self.sleep(ONE_WAY_SECONDS)
                raise refused(THROTTLES[service], service, operation, request)
            case _:
                self.sleep(ONE_WAY_SECONDS)
                raise refused(SERVER_ERRORS[service], service, operation, request)
        raise AssertionError("unreachable: it died or waited in vain")

    def _unheard(self, request: Callable[[], Any]) -> None:
        self._scheduler.sleep(ONE_WAY_SECONDS)
        with suppress(ClientError):
            request()

    def _some_time(self) -> float:
        return self._scheduler.random.random() ** 3 * LONGEST_LATE_SECONDS

    def _lands_in(self, seconds: float, place: str, request: Callable[[], Any]) -> None:
        """The request does not know what becomes of its sender."""
        self._scheduler.after(seconds, lambda: self._scheduler.spawn(lambda: self._orphan(place, request)))

    def _wait_in_vain(self, place: str, *, connected: bool = True) -> None:
        if connected:
            self.sleep(READ_TIMEOUT_SECONDS)
            raise ReadTimeoutError(endpoint_url=place)
        self.sleep(CONNECT_TIMEOUT_SECONDS)
        raise ConnectTimeoutError(endpoint_url=place)


class ProcessClient:
    """A boto3 client whose calls are a process's."""

    def __init__(self, process: Process, service: str, backend: Any) -> None:
        self._process = process
        self._service = service
        self._backend = backend
        self.exceptions = backend.exceptions

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        process, service = self._process, self._service
        method = getattr(self._backend, operation)
        place = f"{process.name} {service}.{operation}"
        options = _options(operation)

        def call(**request: Any) -> Any:
            return process.call(service, operation, place, options, Request(method, request))

        setattr(self, operation, call)  # the next call finds it without asking here
        return call


class Request:
    """A call to be made, once or in part."""

    __slots__ = ("_method", "parameters")

    def __init__(self, method: Callable[..., Any], parameters: dict[str, Any]) -> None:
        self._method = method
        self.parameters = parameters

    def __call__(self) -> Any:
        return self._method(**self.parameters)

    def with_(self, **parameters: Any) -> Any:
        """The same call with other parameters."""
        return self._method(**{**self.parameters, **parameters})


def _options(operation: str) -> Options:
    if operation in ("transact_write_items", "transact_get_items"):
        return _OF_A_TRANSACTION
    return _IN_PARTS if has_parts(operation) else _OF_A_CALL
