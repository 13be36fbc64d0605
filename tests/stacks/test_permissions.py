from __future__ import annotations

import pytest

from messaging.events import OrderPlaced
from messaging.topology import INBOX, ORDERS, OUTBOX, Subscription, Topic
from stacks.errors import SynthError
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
    read = {"dynamodb:GetItem", "dynamodb:BatchGetItem"}
    write = {f"dynamodb:{name}Item" for name in ("Put", "Update", "Get")}
    if row.items_may_mark:  # inserted each for itself, and read where they were there
        write |= {"dynamodb:PartiQLInsert", "dynamodb:BatchGetItem"}
    for name in {*row.reads, *row.writes}:
        expected = (read if name in row.reads else set()) | (write if name in row.writes else set())
        assert _actions_on(statements, export_of_table_arn(dev, name)) == expected
    tables = [each["Resource"] for each in statements if each["Action"][0].startswith("dynamodb:")]
    names = {INBOX.name, *row.reads, *row.writes, *([OUTBOX.name] if row.emits else [])}
    assert sorted(map(str, tables)) == sorted(str([export_of_table_arn(dev, name)]) for name in names)


def test_inbox_takes_leases_and_cursors_only_where_a_row_has_them(dev: Assembly, row: Subscription) -> None:
    """Every consumer may mark; PartiQL, which leases need, is for rows with external calls, updates for cursors."""
    mark = {f"dynamodb:{name}Item" for name in ("Get", "BatchGet", "Put", "BatchWrite")}
    lease = {f"dynamodb:PartiQL{verb}" for verb in ("Insert", "Update", "Delete")}
    inbox = _actions_on(dev.consumers.role_statements(row), export_of_table_arn(dev, INBOX.name))
    assert inbox == mark | (lease if row.calls else set()) | ({"dynamodb:UpdateItem"} if row.keeps_cursor else set())


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
