"""The trace's way: publisher, envelope, consumer, follow-up event; and what others break on it breaks nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from messaging import items
from messaging.batch import Delivery
from messaging.effects import Effect, Transactional, View
from messaging.errors import InvalidEvent
from messaging.events import OrderPlaced, StockReserved, Units
from messaging.message import Message, decode
from messaging.outbox import Outbox
from messaging.outgoing import Draft
from messaging.publisher import Publisher
from messaging.sqs import deliveries
from messaging.subscription import Subscription
from messaging.topology import ORDERS
from tests.doubles import RememberingSource, Wire
from tests.factories import NOW, body, delivery, order, sqs_event
from tests.messaging.consuming import outcomes, process
from tests.messaging.test_publisher import FakeSns, publish
from tests.messaging.test_tracing import HEADER, NONE, SPAN, TRACE, TRACEPARENT

OTHER = f"00-{'a' * 32}-{'b' * 16}-01"
ROW = Subscription(consumer="shelf", events=(OrderPlaced,), writes=(), emits=(StockReserved,))


def tell(message: Message[Any], _: View) -> Effect:
    event = message.event
    units = (Units(sku="NW-1", quantity=1),)
    return Effect((), (StockReserved(order_id=event.order_id, customer_id=event.customer_id, units=units),))


def told(dynamodb: Wire, each: Delivery) -> dict[str, Any]:
    """The envelope of the event that an effect tells of."""
    effects = Transactional(functions={OrderPlaced: tell})
    ledger = process(dynamodb, RememberingSource(), each, effects=effects, subscription=ROW)
    assert outcomes(ledger) == {each.id: "applied"}
    (item,) = map(items.plain, dynamodb.scan(TableName="outbox")["Items"])
    envelope: dict[str, Any] = json.loads(item["messages"][0]["body"])
    return envelope


def sent(sns: FakeSns) -> dict[str, str | None]:
    """The traceparent of each event at the topic."""
    envelopes = [json.loads(entry["Message"]) for entry in sns.accepted]
    return {each["id"]: each.get("traceparent") for each in envelopes}


def test_the_publishers_context_is_for_drafts_without_one() -> None:
    """It is asked once a run, not once an event."""
    sns, asked = FakeSns(), list[str]()

    def current() -> str:
        asked.append("once")
        return TRACEPARENT

    drafts: Any = [order("1"), Draft(event=order("2")), Draft(event=order("3"), traceparent=OTHER)]
    publish(sns, drafts, trace_context=current)
    assert sent(sns) == {"OrderPlaced-1": TRACEPARENT, "OrderPlaced-2": TRACEPARENT, "OrderPlaced-3": OTHER}
    assert asked == ["once"]


@pytest.mark.parametrize("broken", ["", "nonsense", None])
def test_a_context_that_is_none_stops_no_event(broken: str | None) -> None:
    """It is left out."""
    sns = FakeSns()
    assert publish(sns, [order("1")], trace_context=lambda: broken).published == ("OrderPlaced-1",)
    assert sent(sns) == {"OrderPlaced-1": None}


def test_the_outbox_has_a_context_too() -> None:
    """As a publisher has one."""
    outbox = Outbox(table="outbox", source="urn:waybill:test", clock=lambda: NOW, trace_context=lambda: TRACEPARENT)
    (entry,) = outbox.items([order("1")])
    (message,) = items.plain(entry["Put"]["Item"])["messages"]
    assert json.loads(message["body"])["traceparent"] == TRACEPARENT


@pytest.mark.parametrize("wrong", ["", "nonsense", f"00-{'0' * 32}-{SPAN}-01"])
def test_a_draft_with_a_wrong_traceparent_is_invalid(wrong: str) -> None:
    """Who writes one by hand is told."""
    with pytest.raises(InvalidEvent, match=r"OrderPlaced-1.*traceparent"):
        body(order("1"), traceparent=wrong)
    report = publish(FakeSns(), [Draft(event=order("1"), traceparent=wrong)])  # type: ignore[list-item]
    assert [(each.event_id, each.code) for each in report.failed] == [("OrderPlaced-1", "invalid")]


@pytest.mark.parametrize("wrong", [each for each in NONE if not isinstance(each, bytes)])
def test_a_wrong_traceparent_fails_no_message_and_goes_no_further(wrong: object, dynamodb: Wire) -> None:
    """Whoever wrote it."""
    document = {**json.loads(body(order("1"))), "traceparent": wrong}
    assert decode(json.dumps(document)).traceparent is None
    assert "traceparent" not in told(dynamodb, delivery(json.dumps(document), fifo=False))


def test_the_queues_header_is_for_messages_without_a_traceparent(dynamodb: Wire) -> None:
    """What SNS made of the X-Ray header of the publisher's request."""
    event = sqs_event(delivery(order("1"), fifo=False))
    event["Records"][0]["attributes"]["AWSTraceHeader"] = HEADER
    (each,) = deliveries(event)
    assert told(dynamodb, each)["traceparent"] == TRACEPARENT


def test_the_envelopes_traceparent_outranks_the_queues_header(dynamodb: Wire) -> None:
    """The header is the whole request's, which may have carried events of ten traces."""
    each = delivery(body(order("1"), traceparent=OTHER), fifo=False, traceparent=TRACEPARENT)
    assert told(dynamodb, each)["traceparent"] == OTHER


@pytest.mark.parametrize("header", ["", "Root=1-x", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"])
def test_a_wrong_header_is_no_trace(header: str) -> None:
    """Nor is one without a parent."""
    event = sqs_event(delivery(order("1")))
    event["Records"][0]["attributes"]["AWSTraceHeader"] = header
    assert [each.traceparent for each in deliveries(event)] == [None]


class Network:
    """Answers each request of a client as SNS does where all is well, and keeps its headers."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []

    def answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self.headers.append({name: _text(value) for name, value in request.headers.items()})
        xml = "<PublishBatchResponse><PublishBatchResult><Failed/></PublishBatchResult></PublishBatchResponse>"
        return AWSResponse(request.url, 200, {}, SimpleNamespace(stream=lambda: iter([xml.encode()])))


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


@pytest.fixture
def publish_in_lambda(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], dict[str, str]]:
    """Publishes an event with a client of botocore's own, where Lambda says in which trace; gives the headers."""

    def run(header: str | None) -> dict[str, str]:
        network = Network()
        session = botocore.session.get_session()
        session.set_credentials("x", "x")
        client = session.create_client("sns", region_name="us-east-1")
        client.meta.events.register_first("before-send.sns", network.answer)
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop")
        monkeypatch.delenv("_X_AMZN_TRACE_ID", raising=False)
        if header is not None:
            monkeypatch.setenv("_X_AMZN_TRACE_ID", header)
        publisher = Publisher(
            client, topic=ORDERS, topic_arn="arn:aws:sns:us-east-1:0:x.fifo", source="urn:waybill:test"
        )
        assert publisher.publish([order("1")]).published == ("OrderPlaced-1",)
        (headers,) = network.headers
        return headers

    return run


def test_in_lambda_botocore_itself_sends_xrays_header(
    publish_in_lambda: Callable[[str | None], dict[str, str]],
) -> None:
    """Of the invocation that it works in, in each request; no SDK of X-Ray's is needed."""
    assert publish_in_lambda(HEADER)["X-Amzn-Trace-Id"] == HEADER
    assert "X-Amzn-Trace-Id" not in publish_in_lambda(None)


def test_sns_takes_no_trace_for_a_single_message() -> None:
    """SQS has a message system attribute for it, SNS has none: so the request's header is the only way through it."""
    session = botocore.session.get_session()
    of_sns = session.get_service_model("sns").shape_for("PublishBatchRequestEntry").members
    of_sqs = session.get_service_model("sqs").shape_for("SendMessageBatchRequestEntry").members
    assert "MessageSystemAttributes" not in of_sns
    assert "MessageSystemAttributes" in of_sqs


def test_the_trace_is_no_part_of_what_an_event_is() -> None:
    """A resend from another trace is the same event."""
    one, other = (decode(body(order("1"), traceparent=trace)) for trace in (TRACEPARENT, OTHER))
    assert one.traceparent != other.traceparent
    assert one.payload_hash == other.payload_hash
    assert TRACE in str(one.traceparent)
