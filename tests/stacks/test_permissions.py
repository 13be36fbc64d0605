from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from messaging.errors import TopologyError
from messaging.events import OrderPlaced
from messaging.subscription import Only, Subscription
from messaging.tables import INBOX, OUTBOX
from messaging.topic import Topic
from messaging.topology import ORDERS
from stacks.errors import SynthError
from stacks.permissions import table_actions
from tests.stacks.conftest import Synthesize
from tests.stacks.synthesized import MAIL_FROM, Assembly, Json, export_of_table_arn

TRACE = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]


def _actions_on(statements: list[Json], resource: Json) -> set[str]:
    return {action for each in statements if each["Resource"] == [resource] for action in each["Action"]}


@pytest.mark.fault(62)
def test_no_wildcard_but_x_ray(dev: Assembly, row: Subscription) -> None:
    """No statement holds a wildcard in an action, and only X-Ray's two actions are allowed on any resource."""
    for statement in dev.consumers.role_statements(row):
        assert "*" not in "".join(statement["Action"])
        if "*" in str(statement["Resource"]):
            assert (statement["Action"], statement["Resource"]) == (TRACE, ["*"])


def test_function_may_consume_its_own_queue_only(dev: Assembly, row: Subscription) -> None:
    """The role consumes its own queue and sends to its own dead-letter queue, and touches no other."""
    statements = dev.consumers.role_statements(row)
    queue = {"Fn::GetAtt": [dev.consumers.logical_id(row.output_key("QueueUrl")), "Arn"]}
    dead_letters = {"Fn::GetAtt": [dev.consumers.logical_id(row.output_key("DeadLetterQueueUrl")), "Arn"]}
    assert _actions_on(statements, queue) == {
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:GetQueueAttributes",
    }
    assert _actions_on(statements, dead_letters) == {"sqs:SendMessage"}
    sqs = [each["Resource"] for each in statements if each["Action"][0].startswith("sqs:")]
    assert sqs == [[queue], [dead_letters]]


@pytest.mark.fault(62)
def test_function_may_use_the_tables_of_its_row_only(dev: Assembly, row: Subscription) -> None:
    """DynamoDB permissions are the row's reads and writes, the inbox, and the outbox of a row that emits."""
    statements = dev.consumers.role_statements(row)
    for name in {*row.reads, *row.writes}:
        allowed = _actions_on(statements, export_of_table_arn(dev, name))
        assert ("dynamodb:BatchGetItem" in allowed) is (name in row.reads or "dynamodb:PartiQLInsert" in allowed)
        assert bool(allowed - {"dynamodb:BatchGetItem", "dynamodb:GetItem"}) is (name in row.writes)
    tables = [each["Resource"] for each in statements if each["Action"][0].startswith("dynamodb:")]
    names = {INBOX.name, *row.reads, *row.writes, *([OUTBOX.name] if row.emits else [])}
    assert sorted(map(str, tables)) == sorted(str([export_of_table_arn(dev, name)]) for name in names)


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (None, {"GetItem", "PutItem", "UpdateItem", "PartiQLInsert", "BatchGetItem"}),
        ("changes", {"UpdateItem"}),
        ("marks", {"GetItem", "PutItem", "PartiQLInsert", "BatchGetItem"}),
    ],
)
def test_what_is_written_may_be_less_than_everything(only: Only | None, expected: set[str]) -> None:
    """Where nothing is said, items may be created and changed, and may be their own markers."""
    row = Subscription(consumer="teller", events=(OrderPlaced,), writes=("revenue",))
    actions = table_actions(row if only is None else replace(row, writes_only={"revenue": only}))
    assert {*actions["revenue"]} == {f"dynamodb:{name}" for name in expected}
    proof = {"dynamodb:GetItem", "dynamodb:PutItem"}
    assert proof & {*actions[INBOX.name]} == (set() if only == "marks" else proof)


@pytest.mark.parametrize(
    "needs_markers",
    [{"ordering": "monotonic"}, {"reads": ("stock",)}, {"max_age_seconds": 60}, {"writes": ("revenue", "stock")}],
)
def test_items_that_can_not_be_markers_leave_them_to_the_inbox(needs_markers: dict[str, Any]) -> None:
    """Beside a cursor, after a read, where events expire, and where something else is written too."""
    marking = {"writes": ("revenue",), "writes_only": {"revenue": "marks"}}
    row = Subscription(**{"consumer": "teller", "events": (OrderPlaced,), **marking, **needs_markers})
    assert "dynamodb:PutItem" in table_actions(row)[INBOX.name]


def test_what_is_said_of_a_table_is_of_one_that_is_written() -> None:
    """Else it would narrow nothing."""
    with pytest.raises(TopologyError, match="`writes` does not name 'stock'"):
        Subscription(consumer="teller", events=(OrderPlaced,), writes=("revenue",), writes_only={"stock": "changes"})


def test_inbox_takes_leases_and_cursors_only_where_a_row_has_them(dev: Assembly, row: Subscription) -> None:
    """Notes of failures are everybody's. Calls are leased, by PartiQL; writes are marked, but for items that mark
    themselves, and move a cursor."""
    note = {"dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"}
    lease = {f"dynamodb:PartiQL{verb}" for verb in ("Insert", "Update", "Delete")}
    mark = set() if row.writes == ("orders",) else {"dynamodb:GetItem", "dynamodb:PutItem"}
    move = {"dynamodb:UpdateItem"} if row.keeps_cursor else set()
    inbox = _actions_on(dev.consumers.role_statements(row), export_of_table_arn(dev, INBOX.name))
    assert inbox == note | (lease if row.calls else mark | move)


def test_a_row_that_emits_may_put_into_the_outbox_and_no_more(dev: Assembly, row: Subscription) -> None:
    """It neither reads nor deletes what others have on its way."""
    outbox = _actions_on(dev.consumers.role_statements(row), export_of_table_arn(dev, OUTBOX.name))
    assert outbox == ({"dynamodb:PutItem"} if row.emits else set())


def test_mail_is_sent_from_the_senders_identities_only(dev: Assembly, row: Subscription) -> None:
    """A row that sends mail may do so as the configured address or its domain; no other row may."""
    mail = [each for each in dev.consumers.role_statements(row) if each["Action"] == ["ses:SendEmail"]]
    if "ses:SendEmail" not in row.calls:
        assert mail == []
        return
    (statement,) = mail
    ends = [arn["Fn::Join"][1][-1] for arn in statement["Resource"]]
    assert ends == [f":identity/{MAIL_FROM}", ":identity/shop.example.com"]


def test_a_default_configuration_set_may_be_used_where_it_is_named(synth: Synthesize) -> None:
    """An identity with a default set makes SES ask for the set too."""
    named = synth(mail_from=MAIL_FROM, mail_configuration_set="orders")
    statements = named.consumers.role_statements(ORDERS.subscription("notifications"))
    (mail,) = [each for each in statements if each["Action"] == ["ses:SendEmail"]]
    assert mail["Resource"][-1]["Fn::Join"][1][-1] == ":configuration-set/orders"


def test_function_logs_to_its_own_group(dev: Assembly, row: Subscription) -> None:
    """Log permissions end at the function's own log group."""
    group = {"Fn::GetAtt": [dev.consumers.logical_id(row.output_key("LogGroupName")), "Arn"]}
    statements = dev.consumers.role_statements(row)
    assert _actions_on(statements, group) == {"logs:CreateLogStream", "logs:PutLogEvents"}


def test_an_unknown_call_is_refused(synth: Synthesize) -> None:
    """A row with a call that has no known resources fails the synth instead of getting a wildcard."""
    row = Subscription(consumer="payments", events=(OrderPlaced,), calls=("pay:Charge",))
    with pytest.raises(SynthError, match=r"pay:Charge.*permissions\.py"):
        synth(Topic(name="orders", subscriptions=(row,)))
