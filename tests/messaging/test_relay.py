"""The relay: at least once, in order per group, whatever is refused; and nobody waits for what can never be sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from messaging import items
from messaging.deadline import HasTime
from messaging.effects import Item
from messaging.events import Event, OrderPlaced
from messaging.outbox import Outbox, messages_of
from messaging.outbox_table import REFUSED, Address, OutboxTable, address_of
from messaging.publisher import Publisher
from messaging.reads import MAX_FRUITLESS_READS
from messaging.relay import LATE_SECONDS, Relay
from messaging.stream import Record, response
from messaging.subscription import Subscription
from messaging.tables import OUTBOX
from messaging.topic import Topic
from messaging.topology import ORDERS
from messaging.writes import MAX_ATTEMPTS
from tests.doubles import Wire, lose_reply, refuse
from tests.factories import NOW, order
from tests.messaging.test_publisher import FakeSns

PLENTY = 60.0


class Bench:
    """A relay over an outbox in DynamoDB and a topic that refuses what its script says."""

    def __init__(self, dynamodb: Wire, sns: FakeSns | None = None, topic: Topic = ORDERS) -> None:
        self.dynamodb = dynamodb
        self.sns = sns or FakeSns()
        self.now = NOW
        self.slept: list[float] = []
        self.remaining_seconds = PLENTY
        publisher = Publisher(
            self.sns, topic=topic, topic_arn="arn:topic", source="urn:waybill:test", sleep=self.slept.append
        )
        table = OutboxTable(dynamodb, table="outbox", clock=lambda: self.now, sleep=self.slept.append)
        self.relay = Relay(table, publisher=publisher, topic=topic, clock=lambda: self.now)

    def write(self, *events: Event, at: float = NOW) -> list[Record]:
        """One transaction. Returns the stream's records of it."""
        entries = Outbox(table="outbox", source="urn:shop", clock=lambda: at).items(events)
        self.dynamodb.transact_write_items(TransactItems=entries)
        return [record(entry["Put"]["Item"], at=at) for entry in entries]

    def stream(self, *records: Record) -> list[str]:
        """Relays records. Returns the sequence numbers that Lambda is told."""
        self.run = self.relay.relay(records, lambda: self.remaining_seconds)
        return [each["itemIdentifier"] for each in response(records, self.run.unfinished)["batchItemFailures"]]

    def sweep(self, older_than_seconds: float = 0) -> None:
        self.run = self.relay.sweep(older_than_seconds, lambda: self.remaining_seconds)

    def left(self) -> list[dict[str, Any]]:
        """The items in the table, with plain values."""
        return [items.plain(item) for item in self.dynamodb.scan(TableName="outbox")["Items"]]

    def ids_left(self) -> list[str]:
        return sorted(message.event_id for item in self.left() for message in messages_of(item))


SEQUENCE = iter(range(10**6))


def record(item: Mapping[str, Any] | None, *, at: float = NOW) -> Record:
    return Record(sequence_number=f"{next(SEQUENCE):021}", written_at=at, item=item)


@pytest.fixture
def bench(dynamodb: Wire) -> Bench:
    return Bench(dynamodb)


def placed(*numbers: int, customer: str = "A") -> list[OrderPlaced]:
    return [order(str(number), customer_id=customer) for number in numbers]


def ids(*numbers: int) -> list[str]:
    return [f"OrderPlaced-{number}" for number in numbers]


class TestRelay:
    def test_what_the_stream_brings_is_sent_and_deleted(self, bench: Bench) -> None:
        """Messages of an item, and items of a group, reach the topic in order; nothing is left."""
        records = [*bench.write(*placed(1, 2)), *bench.write(*placed(3)), *bench.write(*placed(4, customer="B"))]
        assert bench.stream(*records) == []
        assert [i for i in bench.sns.ids() if i != "OrderPlaced-4"] == ids(1, 2, 3)
        assert "OrderPlaced-4" in bench.sns.ids()
        assert (bench.run.published, bench.run.retried, bench.run.unrouted) == (4, 0, 0)
        assert bench.left() == []

    def test_a_message_is_the_same_however_often_it_is_sent(self, bench: Bench) -> None:
        """Deduplication id, group, body and attributes: later copies are told from the first by nothing."""
        records = bench.write(*placed(1))
        bench.stream(*records)
        bench.now += 3600
        bench.stream(*records)
        first, second = ({**entry, "Id": None} for entry in bench.sns.accepted)
        assert first == second
        assert first["MessageDeduplicationId"] == "OrderPlaced-1"

    def test_the_first_unfinished_record_is_named(self, bench: Bench) -> None:
        """Of a group that SNS throttles, the rest waits; other groups go on; Lambda is told where to begin again."""
        bench.sns.script["OrderPlaced-2"] = ["Throttled"] * 5
        before, first, second = bench.write(*placed(1)), bench.write(*placed(2, 3)), bench.write(*placed(4))
        other = bench.write(*placed(5, customer="B"))
        assert bench.stream(*before, *first, *second, *other) == [first[0].sequence_number]
        assert sorted(bench.sns.ids()) == ids(1, 5)
        assert bench.ids_left() == ids(2, 3, 4)
        assert bench.run.retried == 2
        assert bench.stream(*first, *second, *other) == []
        assert [i for i in bench.sns.ids() if i != "OrderPlaced-5"] == ids(1, 2, 3, 4)

    @pytest.mark.parametrize(
        "code", ["NotFound", "AuthorizationError", "KMSAccessDenied", "KMSDisabled", "InternalError"]
    )
    def test_what_people_can_mend_is_retried(self, bench: Bench, code: str) -> None:
        """An entry refused for the topic's, the key's or the permissions' sake is not the message's fault."""
        bench.sns.script["OrderPlaced-1"] = [code] * 5
        records = bench.write(*placed(1, 2))
        assert bench.stream(*records) == [records[0].sequence_number]
        assert bench.run.refusals == []
        assert bench.ids_left() == ids(1, 2)

    @pytest.mark.parametrize("code", ["NotFound", "InvalidParameter", "AuthorizationError"])
    def test_a_refused_call_is_no_fault_of_its_messages(self, bench: Bench, code: str) -> None:
        """A wrong topic ARN refuses every message: none of them is given up for it."""
        bench.sns.errors += [ClientError({"Error": {"Code": code, "Message": ""}}, "PublishBatch")]
        records = bench.write(*placed(1))
        assert bench.stream(*records) == [records[0].sequence_number]
        assert bench.run.refusals == []

    def test_removals_and_refused_items_are_passed_over(self, bench: Bench) -> None:
        """A record without an item, and the relay's own mark, are nothing to send."""
        (written,) = bench.write(*placed(1))
        assert written.item is not None
        marked = record({**written.item, REFUSED: {"L": []}})
        assert bench.stream(record(None), marked) == []
        assert bench.sns.requests == []

    def test_an_item_twice_in_a_batch_is_deleted_once(self, bench: Bench) -> None:
        """A modification beside the insertion: DynamoDB refuses a request that names an item twice."""
        (written,) = bench.write(*placed(1))
        assert bench.stream(written, record(written.item)) == []
        assert bench.left() == []

    def test_what_nobody_takes_is_counted(self, dynamodb: Wire) -> None:
        """It is published and deleted all the same."""
        high = Subscription(consumer="c", events=(OrderPlaced,), where={"priority": ["high"]})
        bench = Bench(dynamodb, topic=Topic(name="t", subscriptions=(high,)))
        bench.stream(*bench.write(*placed(1)))
        assert (bench.run.published, bench.run.unrouted) == (1, 1)

    def test_no_record_is_no_work(self, bench: Bench) -> None:
        """Invoked by hand with nothing, it calls nobody."""
        assert bench.stream() == []
        assert bench.dynamodb.calls == []


class TestRefusals:
    @pytest.mark.parametrize("code", ["InvalidParameter", "InvalidParameterValue"])
    def test_a_group_goes_on_past_a_message_that_can_never_be_sent(self, bench: Bench, code: str) -> None:
        """In this run, in order, within the item and beyond; its item stays, marked; the shard is not blocked."""
        bench.sns.script["OrderPlaced-2"] = [code]
        records = [*bench.write(*placed(1, 2, 3)), *bench.write(*placed(4))]
        assert bench.stream(*records) == []
        assert bench.sns.ids() == ids(1, 3, 4)
        (item,) = bench.left()
        assert item[REFUSED] == [{"id": "OrderPlaced-2", "code": code, "at": "2026-09-21T14:13:20+00:00"}]
        (refusal,) = bench.run.refusals
        assert (refusal.event_id, refusal.code, refusal.address) == ("OrderPlaced-2", code, address_of(item))

    def test_several_refusals_in_a_group(self, bench: Bench) -> None:
        """Each is passed, and each is in the mark."""
        bench.sns.script |= {each: ["InvalidParameter"] for each in ids(1, 2, 4)}
        assert bench.stream(*bench.write(*placed(1, 2, 3, 4, 5))) == []
        assert bench.sns.ids() == ids(3, 5)
        (item,) = bench.left()
        assert [each["id"] for each in item[REFUSED]] == ids(1, 2, 4)

    def test_a_passing_refusal_after_a_final_one_still_holds_its_group_back(self, bench: Bench) -> None:
        """Unmarked as long as something of the item must be sent again: a sweep would skip it otherwise."""
        bench.sns.script |= {"OrderPlaced-1": ["InvalidParameter"] * 2, "OrderPlaced-2": ["Throttled"] * 5}
        records = bench.write(*placed(1, 2, 3))
        assert bench.stream(*records) == [records[0].sequence_number]
        assert bench.sns.ids() == []
        assert REFUSED not in bench.left()[0]
        assert bench.stream(*records) == []
        assert bench.sns.ids() == ids(2, 3)
        assert REFUSED in bench.left()[0]

    def test_a_message_past_the_limit_is_refused(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is never sent, and stops nobody."""
        records = bench.write(
            *placed(1), order("2", customer_id="A", lines=[{**LINE, "sku": f"S{n}"} for n in range(9)])
        )
        assert records[0].item is not None
        small, large = messages_of(items.plain(records[0].item))
        monkeypatch.setattr("messaging.publisher.MAX_BODY_BYTES", large.size_bytes - 1)
        assert bench.stream(*records) == []
        assert bench.sns.ids() == [small.event_id]
        assert [(each.event_id, each.code) for each in bench.run.refusals] == [("OrderPlaced-2", "too_large")]

    @pytest.mark.parametrize(
        "messages", [None, "text", [1], [{"id": "x"}], [{"id": "x", "type": "T", "body": "", "attributes": {}}]]
    )
    def test_an_item_that_is_none_of_ours_is_refused(self, bench: Bench, messages: object) -> None:
        """Somebody put it there by hand: it is marked, and the group goes on."""
        foreign = items.attributes({"message_group": "A", "position": "2026-01-01T00:00:00#x", "messages": messages})
        bench.dynamodb.put_item(TableName="outbox", Item=foreign)
        assert bench.stream(record(foreign), *bench.write(*placed(1))) == []
        assert bench.sns.ids() == ids(1)
        assert [(each.event_id, each.code) for each in bench.run.refusals] == [(None, "invalid")]
        assert [each["code"] for each in bench.left()[0][REFUSED]] == ["invalid"]

    def test_a_mark_brings_no_deleted_item_back(self, bench: Bench) -> None:
        """Somebody deleted it meanwhile."""
        bench.sns.script["OrderPlaced-1"] = ["InvalidParameter"]
        (written,) = bench.write(*placed(1))
        assert written.item is not None
        bench.dynamodb.delete_item(TableName="outbox", Key=wire_key(address_of(items.plain(written.item))))
        assert bench.stream(written) == []
        assert bench.left() == []


LINE = {"sku": "S", "quantity": 1, "unit_price": "1.00", "discount": "0"}


def wire_key(address: Address) -> dict[str, Any]:
    return items.attributes(address.key.attributes)


class TestDeletion:
    @pytest.mark.parametrize("hook", [refuse("ProvisionedThroughputExceededException"), lose_reply])
    def test_a_failed_deletion_is_tried_again(self, bench: Bench, hook: Any) -> None:
        """Within the run, a few times."""
        bench.dynamodb.before["batch_write_item"] = [hook, hook]
        assert bench.stream(*bench.write(*placed(1))) == []
        assert bench.left() == []
        assert len(bench.slept) == 2

    @pytest.mark.fault(35)
    def test_what_dynamodb_left_undone_is_asked_for_again(self, bench: Bench) -> None:
        """UnprocessedItems, and those alone."""
        records = [*bench.write(*placed(1)), *bench.write(*placed(2, customer="B"))]
        assert records[0].item is not None
        key = wire_key(address_of(items.plain(records[0].item)))
        left_undone = {"UnprocessedItems": {"outbox": [{"DeleteRequest": {"Key": key}}]}}
        bench.dynamodb.replies["batch_write_item"] = [left_undone]
        assert bench.stream(*records) == []
        assert bench.ids_left() == ids(2)  # the scripted reply deleted nothing, the second call what it had left

    def test_an_item_that_can_not_be_deleted_is_sent_again_by_the_sweep(self, bench: Bench) -> None:
        """Nothing is reported to the stream: the second copy is the same, and suppressed."""
        bench.dynamodb.before["batch_write_item"] = [refuse("InternalServerError")] * MAX_ATTEMPTS
        assert bench.stream(*bench.write(*placed(1))) == []
        assert bench.ids_left() == ids(1)
        bench.now += 60
        bench.sweep()
        assert bench.sns.ids() == ids(1, 1)
        assert bench.left() == []

    def test_twenty_five_go_in_one_request(self, bench: Bench) -> None:
        """DynamoDB's limit."""
        records = [each for n in range(60) for each in bench.write(*placed(n, customer=f"C{n}"))]
        bench.stream(*records)
        assert bench.dynamodb.calls.count("batch_write_item") == 3
        assert bench.left() == []


class TestSweep:
    def test_it_sends_what_the_stream_lost_in_order(self, bench: Bench) -> None:
        """Each group from its first item on, whatever the order of the scan; and deletes it."""
        for number, customer in enumerate("ABABBA"):
            bench.write(*placed(number, customer=customer), at=NOW - 1000 + number)
        bench.sweep(900)
        sent = [(entry["MessageGroupId"], json.loads(entry["Message"])["id"]) for entry in bench.sns.accepted]
        assert [event_id for group, event_id in sent if group == "A"] == ids(0, 2, 5)
        assert [event_id for group, event_id in sent if group == "B"] == ids(1, 3, 4)
        assert (bench.left(), bench.run.complete) == ([], True)

    def test_it_leaves_young_and_refused_items_alone(self, bench: Bench) -> None:
        """The young are the stream's, the refused people's."""
        bench.sns.script["OrderPlaced-1"] = ["InvalidParameter"]
        bench.stream(*bench.write(*placed(1), at=NOW - 2000))
        bench.write(*placed(2), at=NOW - 2000)
        bench.write(*placed(3), at=NOW - 100)
        bench.sweep(900)
        assert bench.sns.ids() == ids(2)
        assert bench.ids_left() == ids(1, 3)

    def test_it_marks_what_can_never_be_sent(self, bench: Bench) -> None:
        """So that the next sweep skips it."""
        bench.sns.script["OrderPlaced-1"] = ["InvalidParameter"] * 2
        bench.write(*placed(1, 2), at=NOW - 1)
        bench.sweep()
        bench.sweep()
        assert bench.sns.ids() == ids(2)
        assert len(bench.run.parcels) == 0

    def test_a_group_that_waits_is_not_passed_by_its_later_items(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where these are fetched in another request."""
        monkeypatch.setattr("messaging.relay.MAX_FETCHED", 2)
        bench.sns.script["OrderPlaced-0"] = ["Throttled"] * 5
        for number in range(5):
            bench.write(*placed(number), at=NOW - 100 + number)
        bench.write(*placed(9, customer="B"), at=NOW - 1)
        bench.sweep()
        assert bench.sns.ids() == ids(9)
        assert (bench.run.retried, bench.ids_left()) == (5, ids(0, 1, 2, 3, 4))

    def test_pages_of_a_scan_are_all_read_first(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """A group's first item may come last."""
        monkeypatch.setattr("messaging.relay.MAX_FETCHED", 1)
        for number in range(3):
            bench.write(*placed(number), at=NOW - 10 + number)
        everything = bench.dynamodb.scan(TableName="outbox")["Items"]
        pages: list[dict[str, Any]] = [
            {"Items": [item], "LastEvaluatedKey": {"any": {"S": "key"}}} for item in reversed(everything)
        ]
        bench.dynamodb.replies["scan"] = [*pages, {"Items": []}]
        bench.sweep()
        assert bench.sns.ids() == ids(0, 1, 2)

    def test_items_that_dynamodb_withholds_end_the_sweep(self, bench: Bench) -> None:
        """A later item of the group may be among those that it gave: none of them is sent."""
        (written,) = bench.write(*placed(1), at=NOW - 2)
        key = wire_key(address_of(items.plain(written.item or {})))
        withheld = {"Responses": {"outbox": []}, "UnprocessedKeys": {"outbox": {"Keys": [key]}}}
        bench.dynamodb.replies["batch_get_item"] = [withheld] * MAX_FRUITLESS_READS
        bench.sweep()
        assert (bench.sns.ids(), bench.run.complete) == ([], False)

    def test_an_empty_outbox_is_one_scan(self, bench: Bench) -> None:
        """A sweep costs next to nothing where there is nothing to do."""
        bench.sweep()
        assert bench.dynamodb.calls == ["scan"]


class TestLateStream:
    def test_a_stream_that_lags_may_have_lost_items_so_they_are_swept_first(self, bench: Bench) -> None:
        """The stream's oldest record expired: its item goes before what the stream still has of the group."""
        lost_at, kept_at = NOW - LATE_SECONDS - 3600, NOW - LATE_SECONDS - 1
        bench.write(*placed(1), at=lost_at)
        kept = bench.write(*placed(2), at=kept_at)
        assert bench.stream(*kept) == []
        assert list(dict.fromkeys(bench.sns.ids())) == ids(1, 2)
        assert bench.left() == []

    def test_where_that_sweep_does_not_get_through_all_records_come_again(self, bench: Bench) -> None:
        """Nothing of the batch may pass what the stream lost."""
        bench.sns.script["OrderPlaced-1"] = ["Throttled"] * 5
        bench.write(*placed(1), at=NOW - LATE_SECONDS - 3600)
        kept = bench.write(*placed(2), at=NOW - LATE_SECONDS - 1)
        assert bench.stream(*kept) == [kept[0].sequence_number]
        assert bench.sns.ids() == []


class TestDeadline:
    def test_near_the_end_nothing_is_begun(self, bench: Bench) -> None:
        """Every record comes again, no call is made."""
        bench.remaining_seconds = 1.9
        records = bench.write(*placed(1))
        calls = len(bench.dynamodb.calls)
        assert bench.stream(*records) == [records[0].sequence_number]
        assert bench.sns.requests == []
        assert len(bench.dynamodb.calls) == calls
        bench.sweep()
        assert (bench.run.complete, len(bench.dynamodb.calls)) == (False, calls)

    def test_what_was_sent_before_the_end_counts(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """The time ends after two requests: the third message of the group is not sent, and its record is named."""
        publish = bench.sns.publish_batch

        def slow(**request: Any) -> dict[str, Any]:
            bench.remaining_seconds -= 20
            return publish(**request)

        monkeypatch.setattr(bench.sns, "publish_batch", slow)
        bench.remaining_seconds = 45
        records = [each for n in (1, 2, 3, 4) for each in bench.write(*placed(n))]
        assert bench.stream(*records) == [records[3].sequence_number]
        assert bench.sns.ids() == ids(1, 2, 3)
        # There was no time to delete: the sweep does, after it has sent them once more.
        assert bench.ids_left() == ids(1, 2, 3, 4)


class MemoryOutbox(OutboxTable):
    """The outbox in a dictionary; some deletions fail."""

    def __init__(self, failing_deletions: Sequence[bool]) -> None:
        self.items: dict[Address, dict[str, Any]] = {}
        self._failing = iter([*failing_deletions])

    def addresses(self, before: str, has_time: HasTime) -> list[Address] | None:
        return sorted(each for each, item in self.items.items() if each.position < before and REFUSED not in item)

    def fetch(self, addresses: Sequence[Address], has_time: HasTime) -> list[Item] | None:
        return [self.items[each] for each in addresses if each in self.items]

    def mark(self, address: Address, refusals: Sequence[tuple[str | None, str]]) -> None:
        if address in self.items:
            self.items[address] = {**self.items[address], REFUSED: [*refusals]}

    def delete(self, addresses: Sequence[Address], has_time: HasTime) -> None:
        for each in addresses:
            if not next(self._failing, False):
                self.items.pop(each, None)


CODES = st.sampled_from(["Throttled", "InternalError", "NotFound", "InvalidParameter"])


@pytest.mark.fault(50, 51)
@given(
    transactions=st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 3)), max_size=12),
    refusals=st.dictionaries(st.integers(0, 35), st.lists(CODES, min_size=1, max_size=8), max_size=8),
    runs=st.lists(st.sampled_from(["stream", "sweep"]), min_size=1, max_size=12),
    failing_deletions=st.lists(st.booleans(), max_size=20),
    batch_size=st.integers(1, 12),
)
def test_first_copies_are_in_order_and_nothing_is_lost(
    transactions: list[tuple[str, int]],
    refusals: dict[int, list[str]],
    runs: list[str],
    failing_deletions: list[bool],
    batch_size: int,
) -> None:
    """Whatever is refused, passingly or for good, in whatever runs of stream and sweep, and whatever is not deleted.

    In the end each message was accepted at least once, or refused for good, and its copies are all the same.
    """
    final = {f"OrderPlaced-{n}" for n, codes in refusals.items() if "InvalidParameter" in codes}
    sns = FakeSns(
        {
            f"OrderPlaced-{n}": ["InvalidParameter"] * 99 if f"OrderPlaced-{n}" in final else codes
            for n, codes in refusals.items()
        }
    )
    outbox = MemoryOutbox(failing_deletions)
    now = [NOW]
    publisher = Publisher(sns, topic=ORDERS, topic_arn="arn:topic", source="urn:x", sleep=lambda _: None)
    relay = Relay(outbox, publisher=publisher, topic=ORDERS, clock=lambda: now[0])
    records: list[Record] = []
    written: dict[str, list[str]] = {group: [] for group in "ABC"}
    for number, (group, count) in enumerate(transactions):
        events = placed(*range(3 * number, 3 * number + count), customer=group)
        written[group] += [event.event_id for event in events]
        (entry,) = Outbox(table="outbox", source="urn:shop", clock=lambda: NOW - 100 + number).items(events)  # noqa: B023
        item = items.plain(entry["Put"]["Item"])
        outbox.items[address_of(item)] = item
        records.append(record(entry["Put"]["Item"]))

    start = 0
    for run in [*runs, *["stream"] * 40, *["sweep"] * 10]:
        if run == "sweep":
            relay.sweep(0, lambda: PLENTY)
        else:
            batch = records[start : start + batch_size]
            failed = response(batch, relay.relay(batch, lambda: PLENTY).unfinished)["batchItemFailures"]
            numbers = [each.sequence_number for each in batch]
            start += numbers.index(failed[0]["itemIdentifier"]) if failed else len(batch)

    accepted: dict[str, dict[str, Any]] = {}
    for entry in sns.accepted:
        event_id = json.loads(entry["Message"])["id"]
        same = {**entry, "Id": None}
        assert accepted.setdefault(event_id, same) == same
    for group, event_ids in written.items():
        assert [each for each in accepted if accepted[each]["MessageGroupId"] == group] == [
            each for each in event_ids if each not in final
        ]
    assert {message.event_id for item in outbox.items.values() for message in messages_of(item)} >= final & {
        event_id for event_ids in written.values() for event_id in event_ids
    }
    assert all(REFUSED in item for item in outbox.items.values())


def test_the_outbox_has_a_stream_and_the_key_that_keeps_order() -> None:
    """A stream keeps the order of one partition's changes: that partition is the message group."""
    assert (OUTBOX.partition_key, OUTBOX.sort_key, OUTBOX.streams) == ("message_group", "position", True)
