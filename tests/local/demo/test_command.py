"""The demo's command against an engine in memory: what it prints, what it exits with, what it finds wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from local.demo.alarms import RedAlarm
from local.demo.command import main
from local.errors import LocalError
from local.locks import alone
from messaging.samples.orders import generate_orders
from tests.local.demo.fake_engine import FakeEngine, serving

Demo = Callable[..., tuple[int, dict[str, Any]]]


class Up:
    """local.deployment.up over engines in memory: `fresh` gives a new one."""

    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.calls: list[bool] = []
        self.failure: LocalError | None = None
        self.red_alarms: tuple[RedAlarm, ...] = ()

    def __call__(self, root: Path, *, fresh: bool = False, report: Callable[[str], None]) -> FakeEngine:
        self.calls.append(fresh)
        if self.failure:
            raise self.failure
        if fresh:
            endpoint = self.engine.endpoint
            self.engine.__init__()  # type: ignore[misc]  # the server goes on serving this one
            self.engine.endpoint = endpoint
        report("Engine started")
        return self.engine


@pytest.fixture
def up(monkeypatch: pytest.MonkeyPatch) -> Iterator[Up]:
    monkeypatch.setattr("local.demo.drain._POLL_SECONDS", 0.001)
    monkeypatch.setattr("local.demo.drain._FLUSH_AFTER_SECONDS", 0.0)
    monkeypatch.delenv("WAYBILL_DEV_STARTED_AT", raising=False)
    monkeypatch.delenv("WAYBILL_DEV_ENVIRONMENT_SECONDS", raising=False)
    up = Up()
    monkeypatch.setattr("local.demo.alarms.look", lambda engine, root: up.red_alarms)  # nothing is deployed here
    with serving(up.engine):
        yield up


@pytest.fixture
def demo(up: Up, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Demo:
    """Runs the demo with --json; gives its exit code and the document, which must be all of standard output."""

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        code = main([*arguments, "--json"], tmp_path, up)
        return code, json.loads(capsys.readouterr().out)

    return run


def order_file(folder: Path, *lines: bytes) -> Path:
    path = folder / "orders.ndjson"
    path.write_bytes(b"\n".join(lines))
    return path


def order_line(number: int = 0) -> bytes:
    return msgspec.json.encode(list(generate_orders(number + 1, 7))[number])


def test_a_run_accounts_for_every_message(demo: Demo, up: Up) -> None:
    """The document has exactly the promised fields, and each subscription's numbers add up."""
    code, document = demo("--count", "30", "--duplicates", "8", "--poison", "3", "--cancel", "5")

    assert code == 0
    assert list(document) == [
        "orders",
        "published",
        "rejected",
        "unrouted",
        "subscriptions",
        "revenue",
        "stock",
        "emails",
        "seconds",
        "red_alarms",
        "unaccounted",
    ]
    assert (document["orders"], document["published"], document["unaccounted"]) == (30, 43, 0)
    assert (document["rejected"], document["unrouted"], document["emails"]) == (0, 0, 30)
    subscriptions = document["subscriptions"]
    assert subscriptions["inventory"] == {"delivered": 46, "processed": 35, "duplicates": 8, "dead_letters": 3}
    for numbers in subscriptions.values():
        assert numbers["delivered"] == numbers["processed"] + numbers["duplicates"] + numbers["dead_letters"]
    stock = document["stock"]
    assert stock["initial"] - stock["reserved"] == stock["remaining"]
    assert stock["refused_orders"] == 0
    assert set(document["seconds"]) == {"environment", "deploy", "first_order", "total"}


def test_revenue_is_what_the_uncancelled_orders_cost(demo: Demo) -> None:
    """It is text, exact to at least four places."""
    _, document = demo("--count", "10")

    assert document["revenue"] == f"{sum(order.amount() for order in generate_orders(10, 1)):.4f}"


def test_the_same_demo_again_suppresses_every_event(demo: Demo, up: Up) -> None:
    """Totals stay as they are: deduplication ids are fresh, so the inbox does it and not the topic."""
    _, first = demo("--count", "20")
    code, second = demo("--count", "20")

    assert code == 0
    assert up.calls == [False, False]
    assert [second[total] for total in ("revenue", "stock", "emails")] == [
        first[total] for total in ("revenue", "stock", "emails")
    ]
    subscriptions = second["subscriptions"]
    assert subscriptions["analytics"] == {"delivered": 20, "processed": 0, "duplicates": 20, "dead_letters": 0}
    assert subscriptions["inventory"]["dead_letters"] == 2
    assert len(set(up.engine.deduplication_ids)) == 40


def test_poison_duplicates_and_cancellations_do_not_make_another_demo(demo: Demo, up: Up) -> None:
    """They add to the same tables, so nothing is forgotten."""
    demo("--count", "20")
    code, document = demo("--count", "20", "--poison", "5", "--duplicates", "45", "--cancel", "20")

    assert (code, up.calls) == (0, [False, False])
    assert document["published"] == 20 + 20 + 45
    assert document["revenue"] == "0.0000"
    assert document["stock"]["reserved"] == 0


@pytest.mark.parametrize("other", [("--count", "21"), ("--count", "20", "--seed", "2"), ("--count", "20", "--scarce")])
def test_another_demo_starts_afresh_and_says_so(
    up: Up, tmp_path: Path, capsys: pytest.CaptureFixture[str], other: tuple[str, ...]
) -> None:
    """Totals of two scenarios in the same tables would say nothing."""
    main(["--count", "20"], tmp_path, up)
    capsys.readouterr()

    assert main([*other, "--json"], tmp_path, up) == 0
    printed = capsys.readouterr()
    assert up.calls == [False, True]
    assert "started afresh" in printed.err
    assert json.loads(printed.out)["subscriptions"]["analytics"]["duplicates"] == 0


def test_a_second_demo_waits_for_the_first(tmp_path: Path, up: Up, capsys: pytest.CaptureFixture[str]) -> None:
    """Side by side each would count the other's messages, or start the engine afresh under it."""
    lock = tmp_path / ".waybill" / "demo.lock"
    ended = threading.Event()
    with alone(lock, waiting=lambda: pytest.fail("nobody else has it")):

        def run() -> None:
            main(["--count", "5"], tmp_path, up)
            ended.set()

        second = threading.Thread(target=run)
        second.start()
        assert not ended.wait(0.3)
        assert up.calls == []
    second.join(30)
    assert ended.is_set()
    assert up.calls == [False]
    assert "Another demo runs" in capsys.readouterr().err


def test_paths_are_meant_from_where_the_command_was_typed(
    tmp_path: Path, up: Up, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """dev.py runs in its own folder, wherever it was called from."""
    typed = tmp_path / "elsewhere"
    typed.mkdir()
    (typed / "mine.ndjson").write_bytes(msgspec.json.encode(next(generate_orders(1, 1))) + b"\n")
    monkeypatch.setenv("WAYBILL_DEV_FOLDER", str(typed))
    assert main(["--orders", "mine.ndjson", "--json"], tmp_path, up) == 0
    assert json.loads(capsys.readouterr().out)["orders"] == 1


def test_data_of_unknown_orders_are_not_mixed_in(demo: Demo, up: Up) -> None:
    """Somebody published by hand before the first demo."""
    up.engine.tables["stock"]["X"] = {"sku": {"S": "X"}, "units": {"N": "1"}, "initial": {"N": "1"}}
    code, _ = demo("--count", "5")

    assert (code, up.calls) == (0, [False, True])


def test_scarce_stock_refuses_orders_and_still_adds_up(demo: Demo) -> None:
    """Only what is in stock is reserved."""
    code, document = demo("--count", "60", "--scarce")
    stock = document["stock"]

    assert code == 0
    assert stock["refused_orders"] > 0
    assert stock["initial"] - stock["reserved"] == stock["remaining"] >= 0
    told = document["subscriptions"]["notifications"]["processed"]
    assert told == document["emails"] == 60 + stock["refused_orders"]  # a confirmation each, and the refusals


def test_rejected_lines_are_named_and_the_rest_is_published(
    up: Up, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each goes to standard error with file, line and reason."""
    path = order_file(tmp_path, order_line(0), b"nonsense", order_line(1), order_line(0))

    assert main(["--orders", str(path), "--json"], tmp_path, up) == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert (document["orders"], document["published"], document["rejected"]) == (2, 2, 1)
    assert f"{path}, line 2: rejected: not JSON\n" in printed.err
    assert f"{path}, line 4: repeats an earlier line, ignored\n" in printed.err


def test_a_stock_file_beside_the_orders_is_used(demo: Demo, tmp_path: Path) -> None:
    """The shared Northwind data need no further option; another file can be named."""
    path = order_file(tmp_path, order_line())
    (tmp_path / "stock.ndjson").write_text('{"sku": "UNSOLD", "units_in_stock": 1000000}')
    (tmp_path / "other.ndjson").write_text('{"sku": "UNSOLD", "units_in_stock": 2000000}')

    _, document = demo("--orders", str(path))
    assert document["stock"]["remaining"] == 1_000_000
    _, document = demo("--orders", str(path), "--stock", str(tmp_path / "other.ndjson"))
    assert document["stock"]["remaining"] == 2_000_000


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--orders", "missing.ndjson"], "No such file"),
        (["--orders", "empty.ndjson"], "is empty"),
        (["--orders", "wrong.ndjson"], "line 1: not JSON"),
        (["--count", "0"], "at least 1"),
        (["--count", "-1"], "whole number"),
        (["--count", "x"], "whole number"),
        (["--count", "5", "--cancel", "6"], "only 5 orders"),
        (["--orders", "wrong.ndjson", "--count", "5"], "leave it out"),
        (["--stock", "missing.ndjson"], "No such file"),
        (["--nonsense"], "unrecognized"),
    ],
)
def test_what_cannot_be_used_ends_with_2_before_the_engine_is_touched(
    up: Up,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    reason: str,
) -> None:
    """Standard output stays empty and standard error says what is wrong."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.ndjson").touch()
    (tmp_path / "wrong.ndjson").write_text("nonsense")

    assert main([*arguments, "--json"], tmp_path, up) == 2
    printed = capsys.readouterr()
    assert reason in printed.err
    assert printed.out == ""
    assert up.calls == []


def test_an_outcome_that_the_engine_holds_back_is_flushed_out(demo: Demo, up: Up) -> None:
    """A late log line is no lost message."""
    up.engine.holds_back = lambda consumer, event_id: event_id is not None and event_id.endswith("3")
    code, document = demo("--count", "10")

    assert (code, document["unaccounted"]) == (0, 0)


def test_a_delivery_without_outcome_ends_with_1(up: Up, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is counted, and standard error says whose it is."""
    up.engine.holds_back = lambda consumer, event_id: consumer == "analytics"
    up.engine.gives_back = False

    assert main(["--count", "5", "--json"], tmp_path, up) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["unaccounted"] == 5
    assert "analytics: 5 of 5 deliveries have no outcome" in printed.err


def test_a_refused_publish_ends_with_1(up: Up, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The event is named, and so is every later one of its group that was held back for it."""
    refused = next(generate_orders(5, 1)).event_id
    up.engine.refuses = lambda event_id: event_id == refused

    assert main(["--count", "5", "--json"], tmp_path, up) == 1
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert document["published"] + document["unaccounted"] == 5
    assert f"event {refused} was refused: InvalidParameter" in printed.err


@pytest.mark.parametrize(
    ("consumer", "story"),
    [
        ("analytics", "revenue: the table says 0, the applied events add up to"),
        ("notifications", "notifications: 5 of 5 mails are logged as sent, and SES lacks them"),
    ],
)
def test_an_effect_that_is_logged_and_did_not_happen_ends_with_1(
    up: Up, tmp_path: Path, capsys: pytest.CaptureFixture[str], consumer: str, story: str
) -> None:
    """What the logs say is checked against what is there."""
    up.engine.skips_effect = lambda other: other == consumer

    assert main(["--count", "5", "--json"], tmp_path, up) == 1
    assert story in capsys.readouterr().err


def test_a_failing_engine_ends_with_1_and_its_reason(
    up: Up, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback: what failed, and nothing on standard output."""
    up.failure = LocalError("no port is free")

    assert main(["--json"], tmp_path, up) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "demo: no port is free\n")


def test_an_interruption_ends_with_130(up: Up, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed on standard output, and publishing stops."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    up.engine.on_publish = interrupt

    assert main(["--json"], tmp_path, up) == 130
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "interrupted" in printed.err


def test_people_get_a_report_without_colours_outside_of_a_terminal(
    up: Up, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table names every subscription and why letters are dead; progress is not mixed in."""
    assert main(["--count", "20", "--poison", "2"], tmp_path, up) == 0
    out = capsys.readouterr().out

    for words in ("inventory", "standard_orders", "2 poison", "Revenue", "Every message is accounted for", "What next"):
        assert words in out
    assert "Engine started" not in out
    assert "\x1b" not in out


def test_people_are_told_what_does_not_add_up(up: Up, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The report ends with each finding instead of good news."""
    up.engine.skips_effect = lambda consumer: consumer == "notifications"

    assert main(["--count", "5"], tmp_path, up) == 1
    out = capsys.readouterr().out
    assert "Unaccounted for: 5" in out
    assert "SES lacks them" in out
    assert "What next" not in out


def test_seconds_count_from_the_start_of_dev_py(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's own time is passed on as it is."""
    monkeypatch.setenv("WAYBILL_DEV_STARTED_AT", str(time.time() - 100))
    monkeypatch.setenv("WAYBILL_DEV_ENVIRONMENT_SECONDS", "12.5")
    _, document = demo("--count", "3")

    assert document["seconds"]["environment"] == 12.5
    assert document["seconds"]["deploy"] == 0.25
    assert 100 <= document["seconds"]["first_order"] <= document["seconds"]["total"] < 160


def test_red_alarms_end_the_demo(up: Up, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the report by name, in the document with consumer and reason; they are no reason for another exit code."""
    up.red_alarms = (RedAlarm("InventoryDeadLetters", "inventory", "1 of 1 datapoints > 0"),)
    assert main(["--count", "5"], tmp_path, up) == 0
    assert "red: InventoryDeadLetters" in capsys.readouterr().out
    assert main(["--count", "5", "--json"], tmp_path, up) == 0
    assert json.loads(capsys.readouterr().out)["red_alarms"] == [
        {"name": "InventoryDeadLetters", "consumer": "inventory", "reason": "1 of 1 datapoints > 0"}
    ]
    up.red_alarms = ()
    assert main(["--count", "5"], tmp_path, up) == 0
    assert "none is red" in capsys.readouterr().out
