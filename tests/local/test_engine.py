"""The engine starts on loopback in a clean environment, is found by identity, and keeps what it holds."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from local import engine, processes
from local.clients import client
from local.engine import Engine
from local.errors import EngineError
from tests.local.conftest import depth, eventually, map_function, zipped

PRINTS_ITS_ENVIRONMENT = "import os\ndef handler(event, context):\n    print('.')\n    return dict(os.environ)\n"


def test_starts_on_loopback_only(running: Engine) -> None:
    """The engine listens on 127.0.0.1 and on no other address."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=5):
        pass
    if sys.platform == "linux":
        listening = "0A"
        lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()
        places = [line.split() for line in lines if line.split()[3] == listening]
        assert {place[1] for place in places if place[1].endswith(f":{running.port:04X}")} == {
            f"0100007F:{running.port:04X}"
        }


def test_second_start_finds_the_first(running: Engine) -> None:
    """Starting an engine that runs gives the running one."""
    assert engine.start(running.state_dir) == running


def test_starts_at_once_share_one_process(state_dir: Path) -> None:
    """Two starts of one state folder at the same time end with one and the same engine."""
    started: list[Engine] = []
    threads = [threading.Thread(target=lambda: started.append(engine.start(state_dir))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(started) == 2
    assert started[0] == started[1]


def test_port_in_use_gets_another(state_dir: Path) -> None:
    """Where the preferred port is taken, the engine runs on another one and says which."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]

        running = engine.start(state_dir, port=taken)

        assert running.port != taken
        assert engine.is_healthy(running)


def test_two_checkouts_prefer_two_ports(tmp_path: Path) -> None:
    """A folder's port is always the same one, and another folder's is another."""
    assert engine.preferred_port(tmp_path / "one") == engine.preferred_port(tmp_path / "one")
    assert engine.preferred_port(tmp_path / "one") != engine.preferred_port(tmp_path / "two")


def test_messages_survive_stop_and_start_on_another_port(running: Engine) -> None:
    """What is in a queue is still there after a stop and a start, under the same URL, whatever the port."""
    url = client(running.endpoint, "sqs").create_queue(QueueName="kept.fifo", Attributes={"FifoQueue": "true"})[
        "QueueUrl"
    ]
    client(running.endpoint, "sqs").send_message(
        QueueUrl=url, MessageBody="body", MessageGroupId="group", MessageDeduplicationId="once"
    )
    engine.stop(running)
    with socket.create_server(("127.0.0.1", running.port)):
        again = engine.start(running.state_dir)

    received = client(again.endpoint, "sqs").receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])[
        "Messages"
    ]

    assert again.port != running.port
    assert [message["Body"] for message in received] == ["body"]
    assert received[0]["Attributes"]["MessageGroupId"] == "group"


def test_mapping_goes_on_after_a_restart(running: Engine) -> None:
    """A function takes messages from its queue after a stop and a start, without a new deployment."""
    url = map_function(running, "def handler(event, context):\n    print('.')\n")
    engine.stop(running)
    again = engine.start(running.state_dir)

    client(again.endpoint, "sqs").send_message(QueueUrl=url, MessageBody="body")

    eventually(lambda: depth(again, url) == 0, "the function takes the message")


def test_stop_ends_functions_and_removes_their_files(running: Engine) -> None:
    """After a stop neither the engine nor a function of it runs, and its temporary files are gone."""
    url = map_function(running, "def handler(event, context):\n    print('.')\n")
    client(running.endpoint, "sqs").send_message(QueueUrl=url, MessageBody="body")
    eventually(lambda: engine.function_processes(running), "the function has a process")
    functions = engine.function_processes(running)

    engine.stop(running)

    eventually(lambda: not any(map(processes.is_running, [running.process, *functions])), "all processes are gone")
    assert engine.was_saved(running.state_dir)
    assert not (running.state_dir / "tmp").exists()


def test_foreign_process_under_the_recorded_id_is_left_alone(state_dir: Path) -> None:
    """A record that names somebody else's process, its id recycled, is no engine: nothing is signalled."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as foreign:
        state_dir.mkdir()
        record = {"pid": foreign.pid, "started": "long ago", "port": 1}
        (state_dir / "process.json").write_text(json.dumps(record), encoding="utf-8")

        assert engine.find(state_dir) is None
        running = engine.start(state_dir)
        engine.stop(running)

        assert foreign.poll() is None
        foreign.kill()


@pytest.mark.parametrize("record", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "started": "", "port": 1}'])
def test_broken_record_is_no_engine(state_dir: Path, record: str) -> None:
    """A record that was written half, or by something else, counts as none."""
    state_dir.mkdir()
    (state_dir / "process.json").write_text(record, encoding="utf-8")

    assert engine.find(state_dir) is None


def test_killed_engine_starts_again_and_counts_as_not_deployed(running: Engine) -> None:
    """After kill -9 the next start works, and what was deployed since the last clean stop counts as lost."""
    (running.state_dir / engine.DEPLOYED).write_text("{}", encoding="utf-8")
    os.kill(running.process.pid, signal.SIGKILL)
    eventually(lambda: not processes.is_running(running.process), "the engine is gone")

    assert engine.find(running.state_dir) is None
    assert not engine.was_saved(running.state_dir)
    again = engine.start(running.state_dir)

    assert again.process != running.process
    assert not (running.state_dir / engine.DEPLOYED).exists()


def test_environment_is_clean(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the engine nor a function sees the user's credentials, endpoints or settings."""
    for name in ("AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "WAYBILL_STAGE", "POWERTOOLS_LOG_LEVEL", "SOME_TOKEN"):
        monkeypatch.setenv(name, "the-users-own")
    running = engine.start(state_dir)
    functions = client(running.endpoint, "lambda")
    functions.create_function(
        FunctionName="environment",
        Runtime="python3.13",
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": zipped(PRINTS_ITS_ENVIRONMENT)},
    )

    seen = json.loads(functions.invoke(FunctionName="environment")["Payload"].read())

    assert "the-users-own" not in seen.values()
    assert seen["AWS_ENDPOINT_URL"] == running.endpoint
    assert seen["HOME"] == str(state_dir / "home")
    assert seen["TMPDIR"] == str(state_dir / "tmp")


def test_failed_start_shows_the_end_of_the_log(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that ends at once is an error with its exit code and its last words."""
    monkeypatch.setattr(sys, "executable", "/bin/ls")

    with pytest.raises(EngineError, match=r"did not start \(exit \d+\)[\s\S]*engine\.log[\s\S]*No such file"):
        engine.start(state_dir)

    assert engine.find(state_dir) is None


def test_state_is_put_aside_and_can_be_had_back(running: Engine) -> None:
    """Never under a running engine; the next starts empty, and the newest few are kept."""
    state_dir = running.state_dir
    with pytest.raises(EngineError, match="stop it"):
        engine.put_aside(state_dir)
    engine.stop(running)

    aside = engine.put_aside(state_dir)

    assert aside is not None
    assert not state_dir.exists()
    assert (aside / engine.SAVED).exists()
    assert engine.put_aside(state_dir) is None
    for _ in range(engine.KEPT_ASIDE + 1):
        state_dir.mkdir()
        engine.put_aside(state_dir)
    assert not aside.exists()
    assert len(list(state_dir.parent.glob(f"{state_dir.name}.before-*"))) == engine.KEPT_ASIDE
