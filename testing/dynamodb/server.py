"""Puts a store behind HTTP on this machine, for the real boto3, with DynamoDB's latency if wanted.

`python -m testing.dynamodb.server --tables inbox:id stock:sku` serves in a process of its own, and prints one JSON line
with its port and endpoint when it is ready. A table is NAME:PARTITION_KEY or NAME:PARTITION_KEY:SORT_KEY.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from testing.dynamodb import wire
from testing.dynamodb.capacity import Meter
from testing.dynamodb.connections import Connections
from testing.dynamodb.errors import NotImplementedHere, Refused
from testing.dynamodb.latency import Latency, LatencySampler
from testing.dynamodb.service import ARRIVES, PREPARED, Pause, Service, no_pause
from testing.dynamodb.store import Store

STATS_PATH = "/_stats"
POLL_SECONDS = 0.02


@contextmanager
def serve(store: Store, latency: Latency | None = None, *, port: int = 0) -> Iterator[str]:
    """Serve the store on 127.0.0.1 until the context ends; gives the endpoint. Without `latency` it answers at once."""
    server = Server(store, latency, port)
    thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield server.endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Server(Connections, ThreadingHTTPServer):
    """One store on one port, a thread per connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, store: Store, latency: Latency | None, port: int) -> None:
        self.service = Service(store)
        self.calls: Counter[str] = Counter()
        self._sampler = LatencySampler(latency) if latency else None
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def endpoint(self) -> str:
        """The URL for boto3's `endpoint_url`."""
        return f"http://127.0.0.1:{self.server_port}"

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Run a request, as fast as DynamoDB would. Raises Refused."""
        with self.service.lock:
            self.calls[operation] += 1
        return self.service.call(operation, request, self._pause(operation, request))

    def stats(self) -> dict[str, Any]:
        """The calls by operation, and the units consumed, since the last reset."""
        with self.service.lock:
            meter = self.service.store.meter
            return {"calls": dict(self.calls), "read_units": meter.read_units, "write_units": meter.write_units}

    def reset_stats(self) -> None:
        """Begin to count anew."""
        with self.service.lock:
            self.calls.clear()
            fresh = Meter()
            meter = self.service.store.meter
            meter.read_units, meter.write_units = fresh.read_units, fresh.write_units

    def _pause(self, operation: str, request: dict[str, Any]) -> Pause:
        """A transaction's items are in flight for its second round trip."""
        if self._sampler is None:
            return no_pause
        first, *rest = self._sampler.rounds_seconds(operation, request)
        seconds = {ARRIVES: first + (0 if operation == "TransactWriteItems" else sum(rest)), PREPARED: sum(rest)}
        return lambda step: time.sleep(seconds.get(step, 0))


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # TCP_NODELAY
    wbufsize = -1  # headers and body leave together
    server: Server

    def do_POST(self) -> None:
        """One request of the API."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        operation = self.headers.get("X-Amz-Target", "").removeprefix(wire.TARGET_PREFIX)
        try:
            status, answer = 200, wire.encode(self.server.call(operation, wire.decode(body)))
        except Refused as error:
            status, answer = 400, wire.encode_error(error)
        except NotImplementedHere as error:
            status, answer = 400, wire.encode_error(Refused("UnknownOperationException", str(error)))
        self._answer(status, answer, wire.CONTENT_TYPE)

    def do_GET(self) -> None:
        """The statistics."""
        self._stats(self.server.stats())

    def do_DELETE(self) -> None:
        """Reset the statistics; answers with what they were."""
        was = self.server.stats()
        if self.path == STATS_PATH:
            self.server.reset_stats()
        self._stats(was)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing: requests are counted, not logged."""

    def _stats(self, stats: dict[str, Any]) -> None:
        if self.path == STATS_PATH:
            self._answer(200, json.dumps(stats).encode(), "application/json")
        else:
            self._answer(404, b"{}", "application/json")

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(arguments: Sequence[str]) -> int:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m testing.dynamodb.server", description=__doc__)
    parser.add_argument("--tables", nargs="+", default=[], metavar="NAME:KEY[:SORT]", help="tables to begin with")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--p50", type=float, default=Latency.p50_ms, help="median latency in ms; 0 for none")
    parser.add_argument("--p99", type=float, default=Latency.p99_ms, help="99th percentile of the latency in ms")
    parser.add_argument("--seed", type=int, default=Latency.seed, help="of the latency")
    parser.add_argument("--serial", action="store_true", help="run a batch's members one after another")
    chosen = parser.parse_args(arguments)
    store = Store()
    for table in chosen.tables:
        store.create_table(*table.split(":"))
    latency = Latency(chosen.p50, chosen.p99, chosen.seed, chosen.serial) if chosen.p50 else None
    with serve(store, latency, port=chosen.port) as endpoint:
        ready = {"port": int(endpoint.rpartition(":")[2]), "endpoint": endpoint}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
