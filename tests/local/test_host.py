"""A stop lets running functions finish, so that their effects and the deletion of their messages are saved together."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from local import engine, processes
from local.clients import client
from local.engine import Engine
from tests.local.conftest import depth, eventually, map_function, zipped

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


def test_records_of_a_stream_outlive_a_restart(running: Engine) -> None:
    """What no function had seen when the engine stopped is brought after the start, and so is what comes then."""
    numbers = map_stream(running)
    put(running, 1)
    eventually(lambda: numbers(running) == [1], "the function has the first record")
    disable(running)
    put(running, 2)
    engine.stop(running)
    running = engine.start(running.state_dir)
    enable(running)
    put(running, 3)
    eventually(lambda: numbers(running) == [1, 2, 3], "the function has the records of both lives")


def test_the_engine_itself_would_skip_records_after_a_restart(state_dir: Path) -> None:
    """MiniStack keeps how far a stream was read, and not the stream; should this fail, drop the mend."""
    with bare_engine(state_dir) as unmended:
        numbers = map_stream(unmended)
        put(unmended, 1)
        eventually(lambda: numbers(unmended) == [1], "the function has the first record")
        eventually(lambda: _mapping(unmended)["LastProcessingResult"].startswith("OK"), "the engine knows that it has")
    with bare_engine(state_dir) as unmended:
        put(unmended, 2)
        put(unmended, 3)
        eventually(lambda: 3 in numbers(unmended), "the function has the last record")
        assert numbers(unmended) == [1, 3]


def test_records_that_a_function_reports_come_again(running: Engine) -> None:
    """A batch with failures is repeated until there are none."""
    numbers = map_stream(running, fails_first="yes")
    put(running, 1)
    eventually(lambda: numbers(running) == [1, 1], "the function has the record again")
    put(running, 2)
    eventually(lambda: numbers(running) == [1, 1, 2], "the stream goes on")


def test_the_engine_itself_would_go_on_past_reported_records(state_dir: Path) -> None:
    """MiniStack takes a partial batch response for success; should this fail, drop the mend."""
    with bare_engine(state_dir) as unmended:
        numbers = map_stream(unmended, fails_first="yes")
        put(unmended, 1)
        put(unmended, 2)
        eventually(lambda: 2 in numbers(unmended), "the function has the second record")
        assert numbers(unmended).count(1) == 1


def test_queues_do_not_wait_for_a_function_on_a_stream(running: Engine, tmp_path: Path) -> None:
    """A message is handed out while the stream's function runs."""
    hold_stream(running, tmp_path)
    url = map_function(running, "def handler(event, context): print('.')")
    client(running.endpoint, "sqs").send_message(QueueUrl=url, MessageBody="body")
    eventually(lambda: depth(running, url) == 0, "the message is worked off")
    assert not (tmp_path / "finished").exists()
    (tmp_path / "go-on").touch()


def test_in_the_engine_itself_queues_would_wait(state_dir: Path, tmp_path: Path) -> None:
    """MiniStack hands nothing out while a stream's function runs; should this fail, drop the mend."""
    with bare_engine(state_dir) as unmended:
        url = map_function(unmended, "def handler(event, context): print('.')")
        hold_stream(unmended, tmp_path)
        client(unmended.endpoint, "sqs").send_message(QueueUrl=url, MessageBody="body")
        assert not processes.wait_until(lambda: depth(unmended, url) == 0, 2.0)
        (tmp_path / "go-on").touch()
        eventually(lambda: depth(unmended, url) == 0, "the message is worked off after that")


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


NOTES_NUMBERS = """
import os, boto3
def handler(event, context):
    print(".")
    table = boto3.client("dynamodb", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    numbers = [record["dynamodb"]["NewImage"]["id"]["S"] for record in event["Records"]]
    noted = table.scan(TableName="seen")["Count"]
    for place, number in enumerate(numbers, noted):
        table.put_item(TableName="seen", Item={"id": {"S": str(place)}, "number": {"S": number}})
    if os.environ.get("FAILS_FIRST") and noted == 0:
        return {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}
"""


def map_stream(running: Engine, source: str = NOTES_NUMBERS, **variables: str) -> Callable[[Engine], list[int]]:
    """A table with a stream, and a function on it that notes what it gets. Returns a reader of these notes."""
    functions, dynamodb = client(running.endpoint, "lambda"), client(running.endpoint, "dynamodb")
    for name in ("work", "seen"):
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
    functions.create_function(
        FunctionName="relay",
        Runtime="python3.13",
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": zipped(source)},
        Timeout=30,
        Environment={"Variables": {name.upper(): value for name, value in variables.items()}},
    )
    functions.create_event_source_mapping(
        EventSourceArn=dynamodb.describe_table(TableName="work")["Table"]["LatestStreamArn"],
        FunctionName="relay",
        StartingPosition="TRIM_HORIZON",
        BatchSize=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )

    def numbers(of: Engine) -> list[int]:
        items = client(of.endpoint, "dynamodb").scan(TableName="seen")["Items"]
        return [int(item["number"]["S"]) for item in sorted(items, key=lambda item: int(item["id"]["S"]))]

    return numbers


def put(running: Engine, number: int) -> None:
    """Write an item into the table with the stream."""
    client(running.endpoint, "dynamodb").put_item(TableName="work", Item={"id": {"S": str(number)}})


def disable(running: Engine) -> None:
    """Let the function have no more records."""
    _switch(running, enabled=False)


def enable(running: Engine) -> None:
    """Let the function have records again."""
    _switch(running, enabled=True)


def _switch(running: Engine, *, enabled: bool) -> None:
    client(running.endpoint, "lambda").update_event_source_mapping(UUID=_mapping(running)["UUID"], Enabled=enabled)


def _mapping(running: Engine) -> Any:
    functions = client(running.endpoint, "lambda")
    (mapping,) = functions.list_event_source_mappings(FunctionName="relay")["EventSourceMappings"]
    return mapping


def hold_stream(running: Engine, folder: Path) -> None:
    """A stream whose function has a record, and waits for `go-on`."""
    map_stream(running, WAITS_FOR_A_FILE, folder=str(folder))
    put(running, 1)
    eventually((folder / "begun").exists, "the function has the record")


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
