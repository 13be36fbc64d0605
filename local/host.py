"""The engine's own process: serves MiniStack on a socket that was handed over, and drains it before it saves.

Run as a file in isolated mode (`python -I local/host.py SOCKET_FD CLEAN_MARK`), so that it imports MiniStack and of
Waybill nothing but the file beside it. On SIGTERM it stops polling, lets running functions finish while the API still
answers, and only then shuts down. MiniStack's own way saves while functions still run: one table's effects could be
saved and the deletion of their messages not, or the reverse. It also forgets the e-mails that SES sent, and the records
of tables' streams (but not how far these were read, so that new ones would be skipped): they are kept beside.

Tables' streams are polled by a thread of ours. MiniStack runs a stream's function in the one thread that hands out
the messages of all queues, which then wait for it; and it goes on past the records that the function reports as failed.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

DRAIN_SECONDS = 8.0  # past the topology's longest function time-out (5 s)
EMAILS = "waybill_sent_emails"  # files of ours among MiniStack's
STREAMS = "waybill_streams"
FUNCTIONS = "ministack.services.lambda_svc"
TAKE_OVER_SECONDS = 0.01
STREAM_POLL_SECONDS = 0.05
OPEN_FILES = 8192  # a burst of connections passes the usual 1,024; far more slows each spawn on some systems

logger = logging.getLogger("waybill.engine")


def main(socket_fd: int, clean_mark: Path) -> None:
    """Serve until SIGTERM or SIGINT, then leave the mark that says that the state was saved whole."""
    from hypercorn.config import Config
    from ministack.app import app

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES if hard < 0 else min(OPEN_FILES, hard), hard))
    config = Config()
    config.bind = [f"fd://{socket_fd}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1.0  # long-polling clients are cut off
    config.loglevel = "WARNING"
    _restore_emails()
    streams = StreamPoller()
    if _restore_streams():
        streams.take_over()
    streams.start()
    asyncio.run(_serve(app, config, streams))
    _kill_workers()
    _save_emails()
    _save_streams()
    clean_mark.write_text(f"{time.time()}\n", encoding="ascii")


class StreamPoller(threading.Thread):
    """Runs the functions on tables' streams, beside those on queues."""

    def __init__(self) -> None:
        super().__init__(name="stream-poller", daemon=True)
        self._stopping = threading.Event()
        self._poll: Callable[[], object] | None = None

    def take_over(self) -> None:
        """Put this thread in the place of MiniStack's own polling: before there is anything to poll. So are queues."""
        from ministack.services import lambda_svc as functions  # waits where it is being imported

        _mend_queues()

        self._poll, execute = functions._poll_dynamodb_streams, functions._execute_function
        functions._poll_dynamodb_streams = lambda: False
        functions._execute_function = lambda *of: self._heeding_failures(execute(*of))

    def run(self) -> None:
        """Poll, as soon as somebody uses functions: to import them earlier would delay the start."""
        while self._poll is None and not self._stopping.wait(TAKE_OVER_SECONDS):
            if FUNCTIONS in sys.modules:
                self.take_over()
        while self._poll is not None and not self._stopping.is_set():
            if not self._polled(self._poll):
                self._stopping.wait(STREAM_POLL_SECONDS)

    def stop(self, deadline: float) -> None:
        """Let a running function finish, until the deadline (of the monotonic clock)."""
        self._stopping.set()
        self.join(max(0.0, deadline - time.monotonic()))

    def _polled(self, poll: Callable[[], object]) -> bool:
        try:
            return bool(poll())
        except Exception:  # whatever is wrong with one pass, there is a next: as in MiniStack's own loop
            logger.exception("a pass over the streams failed")
            return False

    def _heeding_failures(self, result: dict[str, Any]) -> dict[str, Any]:
        """A partial failure on a stream as a whole one: the batch comes again, which is more than AWS would send."""
        body = result.get("body")
        failed = isinstance(body, dict) and body.get("batchItemFailures")
        return {**result, "error": True} if failed and threading.current_thread() is self else result


def _mend_queues() -> None:
    spec = importlib.util.spec_from_file_location("waybill_queues", Path(__file__).with_name("engine_queues.py"))
    assert spec is not None
    assert spec.loader is not None
    queues = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(queues)
    queues.mend()
    logger.info("the queues are mended")


async def _serve(app: object, config: object, streams: StreamPoller) -> None:
    from hypercorn.asyncio import serve

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for which in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(which, stop.set)

    async def until_drained() -> None:
        await stop.wait()
        await asyncio.to_thread(_drain, streams)

    await serve(app, config, shutdown_trigger=until_drained)  # type: ignore[arg-type]


def _drain(streams: StreamPoller) -> None:
    functions = sys.modules.get(FUNCTIONS)
    runtime = sys.modules.get("ministack.core.lambda_runtime")
    if functions is None or runtime is None:
        return  # no function was ever deployed in this process
    deadline = time.monotonic() + DRAIN_SECONDS
    logger.info("draining: no new batches, running functions finish")
    _stop_polling(functions, deadline)
    streams.stop(deadline)
    while time.monotonic() < deadline and (functions._esm_inflight or runtime.workers_in_use()):
        time.sleep(0.005)
    if functions._esm_inflight:
        logger.warning("functions still ran after %.0f s: their messages come again", DRAIN_SECONDS)


def _stop_polling(functions: ModuleType, deadline: float) -> None:
    passed = threading.Event()

    def poll_nothing() -> bool:
        passed.set()  # the pass that was under way is over: it looks the pollers up anew each time
        return False

    for poller in ("_poll_sqs", "_poll_kinesis"):
        setattr(functions, poller, poll_nothing)
    functions._esm_wake.set()
    if functions._poller_started:
        passed.wait(max(0.0, deadline - time.monotonic()))


def _save_emails() -> None:
    from ministack.core import persistence

    mail = sys.modules.get("ministack.services.ses")
    if mail is not None:
        persistence.save_state(EMAILS, {"sent": mail._sent_emails})


def _restore_emails() -> None:
    from ministack.core import persistence

    saved = persistence.load_state(EMAILS)
    if saved:
        from ministack.services import ses as mail

        mail._sent_emails._data.update(saved["sent"]._data)


def _save_streams() -> None:
    from ministack.core import persistence

    tables = sys.modules.get("ministack.services.dynamodb")
    if tables is not None:
        persistence.save_state(STREAMS, {"records": tables._stream_records, "trimmed": tables._stream_trimmed})


def _restore_streams() -> bool:
    """Whether there were any."""
    from ministack.core import persistence

    saved = persistence.load_state(STREAMS)
    if not saved or not saved["records"]._data:
        return False
    from ministack.services import dynamodb as tables

    tables._stream_records._data.update(saved["records"]._data)
    tables._stream_trimmed._data.update(saved["trimmed"]._data)
    return True


def _kill_workers() -> None:
    runtime = sys.modules.get("ministack.core.lambda_runtime")
    if runtime is not None:
        runtime.kill_workers([worker for pool in runtime._workers.values() for worker in pool])


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
