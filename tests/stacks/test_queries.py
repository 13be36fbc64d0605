from __future__ import annotations

import json
import re

from stacks.queries import QUERIES
from tests.stacks.synthesized import Assembly


def test_every_query_asks_every_function(prod: Assembly) -> None:
    """An order's journey goes through all of them, and the relay."""
    groups = [
        {"Ref": name}
        for name, each in prod.consumers.body["Resources"].items()
        if each["Type"] == "AWS::Logs::LogGroup"
    ]
    saved = prod.consumers.properties("AWS::Logs::QueryDefinition")
    assert {each["Name"] for each in saved} == {f"waybill-prod-consumers/{name}" for name in QUERIES}
    for each in saved:
        assert sorted(map(str, each["LogGroupNames"])) == sorted(map(str, groups))
        assert len(each["LogGroupNames"]) <= 50  # what Logs Insights asks at once


def test_a_query_is_one_command_a_line(prod: Assembly) -> None:
    """Each line after the first begins with a pipe, and nothing is indented."""
    for each in prod.consumers.properties("AWS::Logs::QueryDefinition"):
        first, *rest = each["QueryString"].splitlines()
        assert first.split()[0] in ("fields", "filter")
        assert rest
        assert all(line.startswith("| ") for line in rest)


def test_an_order_is_found_by_its_whole_id() -> None:
    """In its own lines, and in the line of a batch; an order whose id begins alike is another one."""
    (text,) = re.findall("@message like '(.*)'", QUERIES["One order's whole journey"])
    wanted = text.replace("CORRELATION-ID", "OrderPlaced-100")
    assert wanted in json.dumps({"correlation_id": "OrderPlaced-100"})
    assert wanted in json.dumps({"message": "batch", "events": [{"correlation_id": "OrderPlaced-100"}]})
    assert wanted not in json.dumps({"correlation_id": "OrderPlaced-1001"})
