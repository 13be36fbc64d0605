"""Stands between functions and DynamoDB, and kills a function at a chosen point of its commit.

before   the request has arrived here, and never goes on
during   the request has gone on to the engine, whose answer is not waited for
after    the engine has answered, and the function never hears of it
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from local import processes
from local.processes import Process

Phase = Literal["before", "during", "after"]
PHASES: tuple[Phase, ...] = get_args(Phase)
COMMITS = {f"DynamoDB_20120810.{operation}" for operation in ("TransactWriteItems", "BatchExecuteStatement")}


class CommitKiller:
    """Kills at most `kills` functions, one of every `interval` commits, each phase in its turn; counts them by phase.

    `functions` lists the processes of functions: the one that holds the other end of a connection is who asks.
    """

    def __init__(self, engine: str, functions: Callable[[], list[Process]], *, kills: int, interval: int) -> None:
        self._engine = urlsplit(engine)
        self._functions = functions
        self._kills = kills
        self._interval = interval
        self._commits = 0
        self._lock = threading.Lock()
        self.killed: Counter[Phase] = Counter()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """The endpoint for functions to use."""
        killer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                killer.pass_on(self)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        """One request, unless its function is killed for it."""
        body = request.rfile.read(int(request.headers["Content-Length"]))
        phase = self._phase() if request.headers["X-Amz-Target"] in COMMITS else None
        if phase == "before" and self._kill(request, phase):
            request.close_connection = True
            return
        connection = http.client.HTTPConnection(str(self._engine.hostname), self._engine.port, timeout=30)
        try:
            headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
            connection.request("POST", request.path, body, headers)
            if phase == "during" and self._kill(request, phase):
                connection.getresponse().read()  # the engine applies it, whoever is left to hear
                request.close_connection = True
                return
            reply = connection.getresponse()
            answer = reply.read()
        finally:
            connection.close()
        if phase == "after" and self._kill(request, phase):
            request.close_connection = True
            return
        with contextlib.suppress(ConnectionError):  # killed by somebody else meanwhile
            request.send_response(reply.status)
            for name in ("Content-Type", "x-amzn-RequestId"):
                if value := reply.getheader(name):
                    request.send_header(name, value)
            request.send_header("Content-Length", str(len(answer)))
            request.end_headers()
            request.wfile.write(answer)

    def _phase(self) -> Phase | None:
        with self._lock:
            self._commits += 1
            total = self.killed.total()
            due = self._commits % self._interval == 0 and total < self._kills
            return PHASES[total % len(PHASES)] if due else None

    def _kill(self, request: BaseHTTPRequestHandler, phase: Phase) -> bool:
        caller = _holder_of(request.client_address[1], self._functions())
        if caller is None or not processes.send(caller, signal.SIGKILL):
            return False
        with self._lock:
            self.killed[phase] += 1
        return True


def _holder_of(port: int, candidates: list[Process]) -> Process | None:
    """The process whose end of a connection on loopback has this port; Linux's /proc knows."""
    assert sys.platform == "linux", "only Linux tells whose a connection is"
    inodes = _inodes_of(port)
    for process in candidates:
        folder = f"/proc/{process.pid}/fd"
        with contextlib.suppress(OSError):  # it has ended
            for name in os.listdir(folder):
                with contextlib.suppress(OSError):
                    if str(Path(folder, name).readlink()) in inodes:
                        return process
    return None


def _inodes_of(port: int) -> set[str]:
    with open("/proc/net/tcp", encoding="ascii") as table:  # noqa: PTH123 - not a file of ours
        rows = [line.split() for line in table][1:]
    return {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}")}
