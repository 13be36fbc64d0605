"""One function's sandboxes: started cold, kept warm, killed, and replaced when new code is deployed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from testing.faults import Fault
from testing.functions.process import Killed, Process, Surroundings
from testing.telemetry import Telemetry

COLD_START_SECONDS = 0.3
MOST_SKEW_SECONDS = 60.0
# Seen in production: a time-out of 300 s that struck after 300.68 s.
# https://github.com/aws-powertools/powertools-lambda-python/issues/4759
LATE_KILL_SECONDS = 0.68


class Invocation(Protocol):
    """What answers the invocations of one sandbox."""

    def __call__(self, event: dict[str, Any], context: Any) -> Any: ...


class Function(Protocol):
    """What can be deployed: `start` is a cold start on some machine."""

    def start(self, machine: Any) -> Invocation:
        """Make what answers the invocations of one sandbox."""
        ...


class FunctionError(Exception):
    """An invocation ended without an answer: an exception, a time-out, a death, or it was throttled."""


@dataclass(frozen=True, slots=True)
class Context:
    """Lambda's context object."""

    aws_request_id: str
    process: Process
    ends_at: float
    now: Any

    def get_remaining_time_in_millis(self) -> int:
        """Until the time-out."""
        return max(0, int((self.ends_at - self.now()) * 1000))


def one_after_the_other(function: Callable[[Any], Any], things: Sequence[Any]) -> list[Any]:
    """In the place of threads, which no scheduler rules."""
    return [function(each) for each in things]


class Clients:
    """A process's clients by the names that functions know them by."""

    def __init__(self, process: Process) -> None:
        self.dynamodb = process.client("dynamodb")
        self.sqs = process.client("sqs")
        self.sns = process.client("sns")
        self.ses = process.client("sesv2")


class Machine:
    """A sandbox as the function in it sees it."""

    def __init__(self, process: Process, environment: Mapping[str, str], new_id: Any, telemetry: Telemetry) -> None:
        self.process = process
        self.environment = environment
        self.clients = Clients(process)
        self.clock = process.clock
        self.sleep = process.sleep
        self.new_id = new_id
        self.side_by_side = one_after_the_other
        self._telemetry = telemetry

    def logger(self, service: str) -> Telemetry:
        """Where its log goes."""
        del service
        return self._telemetry

    def metrics(self, service: str) -> Telemetry:
        """Where its counts go."""
        del service
        return self._telemetry

    def publisher_metrics(self, service: str) -> Telemetry:
        """The same place."""
        return self.metrics(service)


@dataclass(slots=True)
class _Sandbox:
    process: Process
    invocation: Invocation
    code: Function


class Fleet:
    """The sandboxes of one function."""

    def __init__(
        self,
        world: Surroundings,
        name: str,
        function: Function,
        *,
        environment: Mapping[str, str],
        timeout_seconds: float,
        telemetry: Telemetry,
    ) -> None:
        self.name = name
        self.telemetry = telemetry
        self.cold_starts = self.deaths = self.invocations = 0
        self._world = world
        self._function = function
        self._environment = environment
        self._timeout_seconds = timeout_seconds
        self._warm: list[_Sandbox] = []

    def deploy(self, function: Function) -> None:
        """New code from the next cold start on: what is running ends as it began, and what is idle goes on for now, as
        sandboxes of old code do during a deployment."""
        self._function = function

    def retire(self) -> None:
        """Idle sandboxes of old code are no longer used."""
        self._warm = [sandbox for sandbox in self._warm if sandbox.code is self._function]

    def invoke(self, event: dict[str, Any]) -> Any:
        """Answer an event, in the current task. Raises FunctionError."""
        world = self._world
        self.invocations += 1
        doing = f"{self.name}/{self.invocations}"
        if world.fault(f"{self.name} invocation", (Fault.INVOCATION_THROTTLED,)):
            world.trace.note(doing, "is throttled")
            raise FunctionError("throttled")
        sandbox: _Sandbox | None = None
        try:
            sandbox = self._warm.pop() if self._warm else self._start(doing)
            answer = self._run(sandbox, event, doing)
        except Killed as death:
            self.deaths += 1
            raise FunctionError(str(death)) from None
        except Exception as error:
            world.trace.note(doing, f"raises {type(error).__name__}")
            self._keep(sandbox)
            raise FunctionError(f"raised {type(error).__name__}: {error}") from error
        self._keep(sandbox)
        return answer

    def invoke_asynchronously(self, event: dict[str, Any]) -> None:
        """Invoke as a schedule does: after an error again in a minute, then in two more, then never.

        Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
        """
        for pause_seconds in (60.0, 120.0, 0.0):
            try:
                self.invoke(event)
            except FunctionError:
                self._world.scheduler.sleep(pause_seconds)
            else:
                return

    def _run(self, sandbox: _Sandbox, event: dict[str, Any], doing: str) -> Any:
        """Raises what the function raises, or Killed: also where the function would not let itself be killed."""
        world, process = self._world, sandbox.process
        late = world.fault(f"{self.name} time-out", (Fault.KILLED_LATE,))
        ends_at = world.scheduler.now + self._timeout_seconds
        process.doing, process.deadline = doing, ends_at + (LATE_KILL_SECONDS if late else 0.0)
        process.enter()
        try:
            answer = sandbox.invocation(event, Context(doing, process, ends_at, world.scheduler.time))
        except Exception:
            process.check_alive()
            raise
        process.check_alive()
        return answer

    def _keep(self, sandbox: _Sandbox | None) -> None:
        """Warm, for the next event; that of old code perhaps."""
        if sandbox is not None and (sandbox.code is self._function or self._world.scheduler.random.random() < 0.5):
            sandbox.process.deadline = float("inf")
            self._warm.append(sandbox)

    def _start(self, doing: str) -> _Sandbox:
        world, self.cold_starts = self._world, self.cold_starts + 1
        world.scheduler.sleep(COLD_START_SECONDS)
        skew = 0.0
        if world.fault(f"{self.name} cold start", (Fault.CLOCK_SKEW,)):
            skew = world.scheduler.random.uniform(-MOST_SKEW_SECONDS, MOST_SKEW_SECONDS)
        process = Process(world, self.name, skew_seconds=skew)
        process.doing = doing
        process.enter()
        machine = Machine(process, self._environment, world.scheduler.new_id, self.telemetry)
        return _Sandbox(process, self._function.start(machine), self._function)
