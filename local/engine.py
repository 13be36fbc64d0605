"""The engine's life: one process a state folder, on loopback, in a clean environment; started, found and stopped.

    engine = start(state_dir)
    ...
    stop(engine)

Files of a state folder: `process.json` (which process, which port), `running.lock` (held by that process for as
long as it lives), `state/` and `objects/` (what it saves when it is stopped), `saved` (the state was saved whole),
`engine.log`, `tmp/`, `home/`; and `deployed.json`, which others write: what was deployed into this state.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from local import processes
from local.errors import EngineError
from local.processes import Process

HOST = "127.0.0.1"
START_SECONDS = 60.0  # measured 0.5 s; a first start compiles MiniStack
STOP_SECONDS = 120.0  # draining takes at most 8 s, saving what some 200,000 messages left a minute
LOG_TAIL_LINES = 15
SAVED = "saved"
DEPLOYED = "deployed.json"
PORTS = range(20_000, 32_000)  # below the systems' ephemeral ranges, so that no client holds one by chance
ATTEMPTS = 20
KEPT_ASIDE = 3

# What a program needs to run at all. All else is the user's: credentials, endpoints, settings of Waybill or Powertools.
INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine."""

    state_dir: Path
    port: int
    process: Process

    @property
    def endpoint(self) -> str:
        """Where it speaks the AWS API."""
        return f"http://{HOST}:{self.port}"


def start(state_dir: Path, *, port: int | None = None) -> Engine:
    """The engine of this state folder: the running one, or a new one that resumes from the saved state.

    `port` is the one to try first; where it is in use another is taken. Raises EngineError, with the log's end.
    """
    running = find(state_dir)
    if running is not None:
        return running
    state_dir.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with _life_lock(state_dir) as lock_fd:
            if lock_fd is not None:
                return _launch(state_dir, port or preferred_port(state_dir), lock_fd)
        # One is being started or stopped by somebody else.
        if processes.wait_until(lambda: find(state_dir) is not None, timeout_seconds=0.1):
            return start(state_dir)
    raise EngineError(
        f"an engine holds {state_dir / 'running.lock'} but does not answer. "
        "Is another command stopping it, or does it hang? Wait, or find it with: ps -ef | grep host.py"
    )


def find(state_dir: Path) -> Engine | None:
    """The running engine of this state folder, or None. Never somebody else's process."""
    try:
        record = json.loads((state_dir / "process.json").read_text(encoding="utf-8"))
        engine = Engine(state_dir, int(record["port"]), Process(int(record["pid"]), str(record["started"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return engine if processes.is_running(engine.process) and is_healthy(engine) else None


def stop(engine: Engine) -> None:
    """Let running functions finish, save the state, end the process and its functions, remove its temporary files.

    Raises EngineError when it does not end in time; it is then left running, for its state is not saved yet.
    """
    functions = function_processes(engine)
    processes.send(engine.process, signal.SIGTERM)
    if not processes.wait_until(lambda: not processes.is_running(engine.process), STOP_SECONDS):
        raise EngineError(
            f"the engine (process {engine.process.pid}) still runs {STOP_SECONDS:.0f} s after it was asked to stop. "
            f"Look at {engine.state_dir / 'engine.log'}; ending it by force loses what it holds: "
            f"kill -9 {engine.process.pid}"
        )
    for function in functions:
        processes.send(function, signal.SIGKILL)
    (engine.state_dir / "process.json").unlink(missing_ok=True)
    shutil.rmtree(engine.state_dir / "tmp", ignore_errors=True)


def put_aside(state_dir: Path) -> Path | None:
    """Rename what a stopped engine has saved, so that the next one starts empty. Returns where it is now, if anything.

    Renamed back (with the engine stopped), it is there again. The newest few are kept.
    """
    if find(state_dir) is not None:
        raise EngineError("the engine runs: stop it before its state is put aside")
    if not state_dir.exists():
        return None
    aside = state_dir.with_name(f"{state_dir.name}.before-{time.strftime('%Y-%m-%dT%H-%M-%S')}-{time.monotonic_ns()}")
    state_dir.rename(aside)
    for older in sorted(state_dir.parent.glob(f"{state_dir.name}.before-*"))[:-KEPT_ASIDE]:
        shutil.rmtree(older)
    return aside


def was_saved(state_dir: Path) -> bool:
    """Whether the last engine here stopped cleanly. False while one runs, and after one was killed."""
    return (state_dir / SAVED).exists()


def function_processes(engine: Engine) -> list[Process]:
    """The processes that run Lambda functions now."""
    # The engine leads a group of its own (start_new_session); its functions are the rest of that group.
    return [member for member in processes.group(engine.process.pid) if member != engine.process]


def is_healthy(engine: Engine, timeout_seconds: float = 5.0) -> bool:
    """Whether it answers."""
    connection = http.client.HTTPConnection(HOST, engine.port, timeout=timeout_seconds)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def preferred_port(state_dir: Path) -> int:
    """A port that follows from the folder: stable for one checkout, different for two."""
    digest = hashlib.sha256(str(state_dir.resolve()).encode()).digest()
    return PORTS.start + int.from_bytes(digest[:4], "big") % len(PORTS)


def environment(state_dir: Path, port: int, inherited: Mapping[str, str]) -> dict[str, str]:
    """All that the engine, and so every function, sees of the outside."""
    kept = {name: inherited[name] for name in INHERITED if name in inherited}
    return {
        **kept,
        "HOME": str(state_dir / "home"),  # boto3 in a function would read ~/.aws of the user
        "TMPDIR": str(state_dir / "tmp"),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(_canonical_port(state_dir, port)),
        "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",  # functions inherit it
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{state_dir / 'no-docker.sock'}",  # it would look for containers to remove
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state_dir / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state_dir / "objects"),
        "LOG_LEVEL": "INFO",
    }


def _canonical_port(state_dir: Path, port: int) -> int:
    """The port in queue URLs. They are stored, in the state and in functions' environments, so it never changes."""
    noted = state_dir / "canonical-port"
    try:
        return int(noted.read_text(encoding="ascii"))
    except (OSError, ValueError):
        noted.write_text(f"{port}\n", encoding="ascii")
        return port


@contextlib.contextmanager
def _life_lock(state_dir: Path) -> Iterator[int | None]:
    """The lock that a running engine holds; None when one has it. The engine inherits it and keeps it till its end."""
    lock = os.open(state_dir / "running.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield None
    else:
        yield lock
    finally:
        os.close(lock)


def _launch(state_dir: Path, port: int, lock_fd: int) -> Engine:
    for folder in ("tmp", "home", "state", "objects"):
        (state_dir / folder).mkdir(exist_ok=True)
    if not was_saved(state_dir):
        # Killed, or never run: what it held since its last clean stop is lost, so nothing counts as deployed.
        (state_dir / DEPLOYED).unlink(missing_ok=True)
    (state_dir / SAVED).unlink(missing_ok=True)
    with _listen(port) as listener, (state_dir / "engine.log").open("wb") as log:
        port = listener.getsockname()[1]
        host = Path(__file__).with_name("host.py")
        child = subprocess.Popen(
            [sys.executable, "-I", str(host), str(listener.fileno()), str(state_dir / SAVED)],
            cwd=state_dir,
            env=environment(state_dir, port, os.environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(listener.fileno(), lock_fd),
            start_new_session=True,
        )
    process = processes.find(child.pid)
    if process is None:
        raise _failed_start(state_dir, child.wait())
    engine = Engine(state_dir, port, process)
    _record(engine)
    if not processes.wait_until(lambda: child.poll() is not None or is_healthy(engine), START_SECONDS):
        processes.send(process, signal.SIGKILL)
        child.wait()
    if child.returncode is not None:
        raise _failed_start(state_dir, child.returncode)
    child.returncode = 0  # it outlives this process on purpose: no ResourceWarning, no wait
    return engine


def _listen(port: int) -> socket.socket:
    """A listening socket on this port, or on another one where it is in use. The engine inherits it: nobody can
    take the port between the look and the start."""
    others = (PORTS.start + (port - PORTS.start + step * 97) % len(PORTS) for step in range(1, ATTEMPTS))
    for candidate in (port, *others, 0):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
            listener.listen(128)
        except OSError:
            listener.close()
        else:
            return listener
    raise EngineError(f"no port on {HOST} could be bound, not even one that the system chooses")


def _record(engine: Engine) -> None:
    record = {"port": engine.port, **asdict(engine.process)}
    partial = engine.state_dir / "process.json.partial"
    partial.write_text(json.dumps(record), encoding="utf-8")
    partial.replace(engine.state_dir / "process.json")


def _failed_start(state_dir: Path, code: int) -> EngineError:
    (state_dir / "process.json").unlink(missing_ok=True)
    log = state_dir / "engine.log"
    tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:]
    return EngineError(f"the engine did not start (exit {code}). The end of {log}:\n" + "\n".join(tail))
