"""Metrics as CloudWatch gets them: one document a batch or a run, and dimensions that nobody can make grow."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from aws_lambda_powertools.metrics import EphemeralMetrics

from messaging import metrics
from messaging.batch import Delivery, Ledger, Outcome, Verdict, Work
from messaging.errors import REASONS
from messaging.message import decode
from messaging.publish_report import FailedEntry, PublishReport
from messaging.telemetry import OTHER, PublisherMetrics, tell_batch, tell_published
from testing.telemetry import Telemetry
from tests.factories import NOW, body, delivery, order
from tests.messaging import emf
from tests.messaging.test_publisher import FakeSns, publish

Capture = pytest.CaptureFixture[str]


def of_a_consumer() -> EphemeralMetrics:
    return EphemeralMetrics(namespace=metrics.NAMESPACE, service="inventory")


def settled(*verdicts: Verdict, published_at: Sequence[float] = (), settled_at: float = NOW) -> Ledger:
    """A ledger with these verdicts, on events published at some time."""
    each: list[Delivery] = [
        delivery(body(order(str(n)), time=published_at[n] if published_at else NOW), f"m{n}", fifo=False)
        for n in range(len(verdicts))
    ]
    ledger = Ledger(each, clock=lambda: settled_at)
    for one, verdict in zip(each, verdicts, strict=True):
        ledger.remember(Work(one, decode(one.body)))
        ledger.settle(one, verdict)
    return ledger


def test_a_batch_is_one_document(capsys: Capture) -> None:
    """With every outcome that it had, and none that it had not."""
    ledger = settled(
        Verdict("applied"), Verdict("applied"), Verdict("duplicate"), Verdict("retry"), settled_at=NOW + 1.5
    )
    tell_batch(ledger, of_a_consumer(), seconds=0.25)
    (document,) = emf.documents(capsys.readouterr().out)
    assert emf.dimensions(document) == [["service"]]
    assert (document["service"], document["_aws"]["CloudWatchMetrics"][0]["Namespace"]) == ("inventory", "Waybill")
    assert emf.values(document) == {
        "Records": [4.0],
        "Applied": [2.0],
        "Duplicates": [1.0],
        "Retried": [1.0],
        "EffectLatency": [250.0],
        "EndToEndLatency": [1500.0, 1500.0],
    }


def test_dead_letters_are_counted_by_reason_too(capsys: Capture) -> None:
    """A document for each reason, beside the sum of them all."""
    reasons = ("poison", "expired", "poison")
    tell_batch(settled(*(Verdict("dead_lettered", reason) for reason in reasons)), of_a_consumer(), seconds=0.0)
    total, *by_reason = emf.documents(capsys.readouterr().out)
    assert emf.values(total)["DeadLettered"] == [3.0]
    assert [(emf.dimensions(each), each["service"], each["reason"]) for each in by_reason] == [
        ([["reason", "service"]], "inventory", "poison"),
        ([["reason", "service"]], "inventory", "expired"),
    ]
    assert [emf.values(each) for each in by_reason] == [{"DeadLettered": [2.0]}, {"DeadLettered": [1.0]}]


def test_a_reason_is_of_its_document_alone(capsys: Capture) -> None:
    """What the same sandbox writes next has none."""
    warm = of_a_consumer()
    for verdict in (Verdict("dead_lettered", "poison"), Verdict("applied")):
        tell_batch(settled(verdict), warm, seconds=0.0)
    assert "reason" not in emf.documents(capsys.readouterr().out)[-1]


def test_reasons_are_those_of_the_design() -> None:
    """A consumer's own class may call its reason what it likes."""
    words = "poison killer conflict stale held expired in_doubt newer_version too_large too_old"
    assert set(words.split()) == REASONS


@pytest.mark.parametrize("hostile", ["", "customer ALFKI", "x" * 5000, "\n", "☃", None])
def test_a_reason_that_we_do_not_know_is_another(hostile: str | None, capsys: Capture) -> None:
    """It stays in the dead letter, and out of the dimensions."""
    tell_batch(settled(Verdict("dead_lettered", hostile)), of_a_consumer(), seconds=0.0)
    assert [each.get("reason") for each in emf.documents(capsys.readouterr().out)] == [None, OTHER]


def test_conflicts_are_counted_where_there_are_any(capsys: Capture) -> None:
    """A metric that is not written costs nothing."""
    for conflicts in (0, 3):
        ledger = settled(Verdict("applied"))
        ledger.conflicts = conflicts
        tell_batch(ledger, of_a_consumer(), seconds=0.0)
    quiet, contended = emf.documents(capsys.readouterr().out)
    assert "Conflicts" not in quiet
    assert contended["Conflicts"] == [3.0]


def test_no_latency_is_negative(capsys: Capture) -> None:
    """The publisher's clock is ahead of ours, and ours was set back."""
    ledger = settled(Verdict("applied"), Verdict("applied"), published_at=(NOW + 60, NOW - 2))
    tell_batch(ledger, of_a_consumer(), seconds=-0.5)
    (document,) = emf.documents(capsys.readouterr().out)
    assert (document["EndToEndLatency"], document["EffectLatency"]) == ([0.0, 2000.0], [0.0])


@pytest.mark.parametrize("outcome", ["duplicate", "dead_lettered", "retry", "held_back"])
def test_only_what_is_applied_has_an_end_to_end_latency(outcome: Outcome, capsys: Capture) -> None:
    """A duplicate arrives whenever somebody sends it again."""
    tell_batch(settled(Verdict(outcome, "poison")), of_a_consumer(), seconds=0.0)
    assert not any("EndToEndLatency" in each for each in emf.documents(capsys.readouterr().out))


@pytest.mark.parametrize("records", [99, 100, 101, 250])
def test_a_large_batch_is_written_within_the_formats_limits(records: int, capsys: Capture) -> None:
    """A metric has at most a hundred values in a document: the rest is in further ones, and none is lost."""
    tell_batch(settled(*[Verdict("applied")] * records), of_a_consumer(), seconds=0.0)
    documents = emf.documents(capsys.readouterr().out)
    assert sum(len(each.get("EndToEndLatency", [])) for each in documents) == records
    assert [each["Records"] for each in documents if "Records" in each] == [[float(records)]]
    assert {each["service"] for each in documents} == {"inventory"}


def report(published: int = 0, failed: int = 0, unrouted: int = 0, seconds: float | None = None) -> PublishReport:
    names = [f"OrderPlaced-{n}" for n in range(published)]
    entries = tuple(FailedEntry(f"OrderPlaced-{n}", "no", "why") for n in range(failed))
    return PublishReport(published=tuple(names), failed=entries, unrouted=tuple(names[:unrouted]), seconds=seconds)


def test_a_publishers_run_is_one_document(capsys: Capture) -> None:
    """Its counts, of which none is left out for being zero, and how long it took."""
    tell_published(report(published=3, failed=1, unrouted=2, seconds=0.75), PublisherMetrics("shop"))
    (document,) = emf.documents(capsys.readouterr().out)
    assert emf.values(document) == {
        "Published": [3.0],
        "PublishFailed": [1.0],
        "Unrouted": [2.0],
        "PublishLatency": [750.0],
    }
    assert document["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Waybill"


def test_a_publishers_metrics_count_by_service_and_over_all(capsys: Capture) -> None:
    """An alarm over all publishers reads the metric that has no dimension."""
    shop = PublisherMetrics("shop")
    for _ in range(2):  # the second is of a warm process
        tell_published(report(published=1, seconds=0.1), shop)
        (document,) = emf.documents(capsys.readouterr().out)
        assert emf.dimensions(document) == [["service"], []]
        assert document["service"] == "shop"


@pytest.mark.parametrize(("stage", "namespace"), [("prod", "Waybill"), ("dev", "Waybill/dev")])
def test_a_publisher_counts_for_its_stage(stage: str, namespace: str, capsys: Capture) -> None:
    """In a namespace that the alarms of no other stage read."""
    tell_published(report(published=1), PublisherMetrics("shop", metrics.namespace_of(stage)))
    (document,) = emf.documents(capsys.readouterr().out)
    assert document["_aws"]["CloudWatchMetrics"][0]["Namespace"] == namespace


def test_a_run_with_nothing_to_publish_writes_nothing(capsys: Capture) -> None:
    """Nor is there a latency where nothing was sent."""
    tell_published(report(), PublisherMetrics("shop"))
    assert capsys.readouterr().out == ""
    tell_published(report(failed=1), PublisherMetrics("shop"))
    (document,) = emf.documents(capsys.readouterr().out)
    assert "PublishLatency" not in document


def test_publishers_do_not_share_what_they_have_counted(capsys: Capture) -> None:
    """Powertools' own Metrics do, in one process."""
    shop, desk = PublisherMetrics("shop"), PublisherMetrics("desk")
    for each, published in ((shop, 1), (desk, 2)):
        tell_published(report(published=published), each)
    documents = emf.documents(capsys.readouterr().out)
    assert [(each["service"], each["Published"]) for each in documents] == [("shop", [1.0]), ("desk", [2.0])]


def test_a_report_says_how_long_the_run_took() -> None:
    """Its pauses between attempts included; a run without events took no time."""
    now = [NOW]

    def sleep(seconds: float) -> None:
        now[0] += 2.0

    sns = FakeSns({"OrderPlaced-1": ["InternalError"]})
    done = publish(sns, [order("1")], clock=lambda: now[0], sleep=sleep)
    assert (done.published, done.seconds) == (("OrderPlaced-1",), 2.0)
    assert publish(FakeSns(), []).seconds is None


def test_a_clock_that_is_set_back_makes_no_run_negative() -> None:
    """It took no time, as far as anybody can tell."""
    times = iter([NOW, NOW, NOW, NOW - 60, NOW - 60, NOW - 60])
    assert publish(FakeSns(), [order("1")], clock=lambda: next(times)).seconds == 0.0


def test_the_stand_in_for_tests_keeps_latencies_and_does_not_add_them_up() -> None:
    """Counts are sums; by reason they are told apart."""
    telemetry = Telemetry()
    ledger = settled(Verdict("applied"), Verdict("applied"), Verdict("dead_lettered", "poison"), settled_at=NOW + 1)
    for _ in range(2):
        tell_batch(ledger, telemetry, seconds=0.25)
    assert telemetry.counts == {"Records": 6, "Applied": 4, "DeadLettered": 2}
    assert telemetry.split == {("DeadLettered", "poison"): 2}
    assert telemetry.latencies == {"EffectLatency": [250.0] * 2, "EndToEndLatency": [1000.0] * 4}
