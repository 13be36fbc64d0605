"""A stop lets running functions finish, so that their effects and the deletion of their messages are saved together."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from local import engine, processes
from local.clients import client
from local.engine import Engine
from tests.local.conftest import depth, eventually, map_function

WAITS_FOR_A_FILE = """
import os, pathlib, time
def handler(event, context):
    print(".")
    folder = pathlib.Path(os.environ["FOLDER"])
    (folder / "begun").touch()
    while not (folder / "go-on").exists():
        time.sleep(0.005)
    (folder / "finished").touch()
"""


def begin_batch(running: Engine, folder: Path) -> str:
    """A queue whose only message is held by a function that waits for `go-on`. Returns its URL."""
    url = map_function(running, WAITS_FOR_A_FILE, FOLDER=str(folder))
    client(running.endpoint, "sqs").send_message(QueueUrl=url, MessageBody="body")
    eventually((folder / "begun").exists, "the function has the message")
    return url


def test_running_batch_is_finished_before_the_state_is_saved(running: Engine, tmp_path: Path) -> None:
    """A function that runs when the engine is stopped finishes, and its message does not come again."""
    url = begin_batch(running, tmp_path)
    stopping = threading.Thread(target=engine.stop, args=[running])
    stopping.start()
    log = running.state_dir / "engine.log"
    eventually(lambda: "draining" in log.read_text(encoding="utf-8"), "the engine drains")

    (tmp_path / "go-on").touch()
    stopping.join()

    assert (tmp_path / "finished").exists()
    assert depth(engine.start(running.state_dir), url) == 0


def test_sent_emails_outlive_a_restart(running: Engine) -> None:
    """The e-mails that SES sent are there again after a stop and a start, also after a second one."""
    send_email(running)
    for _ in range(2):
        engine.stop(running)
        running = engine.start(running.state_dir)

    send_email(running)

    assert sent_emails(running) == 2


def test_the_engine_itself_would_save_in_the_middle_of_a_batch(state_dir: Path, tmp_path: Path) -> None:
    """MiniStack's own stop leaves the message of a running function in flight; should this fail, drop the mend."""
    with bare_engine(state_dir) as unmended:
        url = begin_batch(unmended, tmp_path)
    (tmp_path / "go-on").touch()

    assert depth(engine.start(state_dir), url) == 1


def test_the_engine_itself_would_forget_sent_emails(state_dir: Path) -> None:
    """MiniStack's own state has no sent e-mails; should this fail, drop the mend."""
    with bare_engine(state_dir) as unmended:
        send_email(unmended)
        assert sent_emails(unmended) == 1

    with bare_engine(state_dir) as unmended:
        assert sent_emails(unmended) == 0


@contextlib.contextmanager
def bare_engine(state_dir: Path) -> Iterator[Engine]:
    """MiniStack as it comes, stopped as it expects to be."""
    port = engine.preferred_port(state_dir)
    for folder in ("tmp", "home", "state", "objects"):
        (state_dir / folder).mkdir(parents=True, exist_ok=True)
    environment = engine.environment(state_dir, port, {})
    with subprocess.Popen(
        [sys.executable, "-m", "ministack"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as bare:
        process = processes.find(bare.pid)
        assert process is not None
        unmended = Engine(state_dir, port, process)
        try:
            eventually(lambda: engine.is_healthy(unmended), "MiniStack answers")
            yield unmended
        finally:
            bare.terminate()
            bare.wait(timeout=30)


def send_email(running: Engine) -> None:
    """Send one e-mail through SES."""
    mail = client(running.endpoint, "ses")
    mail.verify_email_identity(EmailAddress="orders@waybill.example")
    mail.send_email(
        Source="orders@waybill.example",
        Destination={"ToAddresses": ["success@simulator.amazonses.com"]},
        Message={"Subject": {"Data": "subject"}, "Body": {"Text": {"Data": "text"}}},
    )


def sent_emails(running: Engine) -> int:
    """How many e-mails the engine has sent, by its own account."""
    with urllib.request.urlopen(f"{running.endpoint}/_ministack/ses/messages") as answer:
        return sum(map(len, json.load(answer)["messages"].values()))
