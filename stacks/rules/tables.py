"""Rules on tables: markers and effects are of one transaction, and a transaction is of one region."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.rules.blueprint import Blueprint, listed, text
from stacks.rules.rule import Breach, Rule


def _replicated(blueprint: Blueprint) -> Iterator[Breach]:
    for table in blueprint.of("AWS::DynamoDB::GlobalTable"):
        replicas = listed(table.properties.get("Replicas"))
        if len(replicas) > 1:
            regions = ", ".join(text(each.get("Region")) for each in replicas)
            yield Breach(
                resource=table,
                location="Properties.Replicas",
                value=f"{len(replicas)} replicas: {regions}",
                mend="keep the replica of this region; another region gets a deployment of its own, topic and all",
            )


RULES = (
    Rule(
        name="replicated-table",
        says="items are replicated one by one, so elsewhere an effect may lack its marker, and is done again",
        source="https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html",
        judge=_replicated,
    ),
)
