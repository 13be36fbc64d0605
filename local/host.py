"""The engine's own process: serves MiniStack on a socket that was handed over, and drains it before it saves.

Run as a file in isolated mode (`python -I local/host.py SOCKET_FD CLEAN_MARK`), so that it imports MiniStack and
nothing of Waybill. On SIGTERM it stops polling, lets running functions finish while the API still answers, and
only then shuts down. MiniStack's own way saves while functions still run: one table's effects could be saved and
the deletion of their messages not, or the reverse. It also forgets the e-mails that SES sent: they are kept beside.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import sys
import threading
import time
from pathlib import Path
from types import ModuleType

DRAIN_SECONDS = 8.0  # past the topology's longest function time-out (5 s)
EMAILS = "waybill_sent_emails"  # a file of ours among MiniStack's
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
    asyncio.run(_serve(app, config))
    _kill_workers()
    _save_emails()
    clean_mark.write_text(f"{time.time()}\n", encoding="ascii")


async def _serve(app: object, config: object) -> None:
    from hypercorn.asyncio import serve

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for which in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(which, stop.set)

    async def until_drained() -> None:
        await stop.wait()
        await asyncio.to_thread(_drain)

    await serve(app, config, shutdown_trigger=until_drained)  # type: ignore[arg-type]


def _drain() -> None:
    functions = sys.modules.get("ministack.services.lambda_svc")
    runtime = sys.modules.get("ministack.core.lambda_runtime")
    if functions is None or runtime is None:
        return  # no function was ever deployed in this process
    deadline = time.monotonic() + DRAIN_SECONDS
    logger.info("draining: no new batches, running functions finish")
    _stop_polling(functions, deadline)
    while time.monotonic() < deadline and (functions._esm_inflight or runtime.workers_in_use()):
        time.sleep(0.005)
    if functions._esm_inflight:
        logger.warning("functions still ran after %.0f s: their messages come again", DRAIN_SECONDS)


def _stop_polling(functions: ModuleType, deadline: float) -> None:
    passed = threading.Event()

    def poll_nothing() -> bool:
        passed.set()  # the pass that was under way is over: it looks the pollers up anew each time
        return False

    for poller in ("_poll_sqs", "_poll_kinesis", "_poll_dynamodb_streams"):
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


def _kill_workers() -> None:
    runtime = sys.modules.get("ministack.core.lambda_runtime")
    if runtime is not None:
        runtime.kill_workers([worker for pool in runtime._workers.values() for worker in pool])


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
