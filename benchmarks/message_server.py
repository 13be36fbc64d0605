"""As little of SNS and SQS as sending needs, behind HTTP, so that what is measured is the client.

`python -m benchmarks.message_server --latency-ms 6` prints one JSON line with its endpoint when it is ready. A request
is answered so many milliseconds after it came, those of many connections side by side. What was sent is counted, not
checked: testing/sns and testing/sqs know the rules. GET tells requests and messages since the last GET.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ENTRY_ID = re.compile(rb"PublishBatchRequestEntries\.member\.\d+\.Id=([^&]+)")
_XML = '<{0}Response xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><{0}Result>{1}</{0}Result></{0}Response>'
_RECEIPT = "<MessageId>11111111-0000-4000-8000-000000000000</MessageId><SequenceNumber>1</SequenceNumber>"


@contextmanager
def apart(latency_ms: float) -> Iterator[str]:
    """The endpoint of a server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.message_server", "--latency-ms", str(latency_ms)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield json.loads(server.stdout.readline())["endpoint"]
        finally:
            server.terminate()


class Server:
    """Counts, and answers late."""

    def __init__(self, latency_seconds: float) -> None:
        self._latency_seconds = latency_seconds
        self._counts: Counter[str] = Counter()

    async def serve(self) -> None:
        """Take connections, until the process ends."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        print(json.dumps({"endpoint": f"http://127.0.0.1:{port}"}), flush=True)
        await server.serve_forever()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                if head.startswith(b"GET"):
                    answer = self._told()
                else:
                    answer = self._sent(head) if b"AmazonSQS." in head else self._published(body)
                    await asyncio.sleep(self._latency_seconds)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _told(self) -> bytes:
        told, self._counts = self._counts, Counter()
        return json.dumps(told).encode()

    def _sent(self, head: bytes) -> bytes:
        """SendMessage, or one of the batch operations, none of whose entries fails."""
        self._counts["requests"] += 1
        return b'{"MessageId": "1"}' if b"SendMessage\r\n" in head else b'{"Successful": [], "Failed": []}'

    def _published(self, body: bytes) -> bytes:
        self._counts["requests"] += 1
        entries = [name.decode() for name in _ENTRY_ID.findall(body)]
        self._counts["messages"] += len(entries) or 1
        if not entries:
            return _XML.format("Publish", _RECEIPT).encode()
        members = "".join(f"<member><Id>{name}</Id>{_RECEIPT}</member>" for name in entries)
        return _XML.format("PublishBatch", f"<Successful>{members}</Successful><Failed/>").encode()


def main(arguments: Sequence[str]) -> int:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.message_server", description=__doc__)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    asyncio.run(Server(parser.parse_args(arguments).latency_ms / 1000).serve())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
