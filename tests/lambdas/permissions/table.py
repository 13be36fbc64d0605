"""The table of docs/security.md: what each function may do, from the synthesized roles.

.venv/bin/python -m tests.lambdas.permissions.table docs/security.md
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from messaging.tables import INBOX, OUTBOX
from tests.lambdas.permissions.roles import Role

BEGIN, END = "<!-- roles: begin -->", "<!-- roles: end -->"
# Said once, above the table.
OF_ALL = ("logs", "xray")


def table(roles: Mapping[str, Role]) -> str:
    """In Markdown, a row for each function and resource."""
    return "\n".join(["| function | on | may |", "|---|---|---|", *_rows(roles)])


def embed(text: str, roles: Mapping[str, Role]) -> str:
    """The document with the table of these roles between its two marker lines. Raises ValueError without them."""
    before, begun, rest = text.partition(f"{BEGIN}\n")
    _, ended, after = rest.partition(f"\n{END}")
    if not (begun and ended):
        raise ValueError(f"the document lacks the lines {BEGIN} and {END}")
    return f"{before}{begun}{table(roles)}{ended}{after}"


def _rows(roles: Mapping[str, Role]) -> Iterator[str]:
    for name, role in roles.items():
        by_place: dict[str, set[str]] = {}
        for action, resource in role.granted:
            if action.partition(":")[0] not in OF_ALL:
                by_place.setdefault(_place(resource, name), set()).add(action)
        for place, actions in sorted(by_place.items()):
            yield f"| `{name}` | {place} | {', '.join(f'`{action}`' for action in sorted(actions))} |"


def _place(arn: str, function: str) -> str:
    """As people call it."""
    service, _, _, name = arn.split(":", 5)[2:]
    if service == "sqs":
        return "its queue" if name.removesuffix(".fifo") == function else "its dead-letter queue"
    if service == "sns":
        return "the topic"
    if service == "ses":
        return "the sender's address or domain"
    kind, table, *stream = name.split("/", 3)
    assert kind == "table"
    owner = {INBOX.name: "inbox", OUTBOX.name: "outbox"}.get(table, f"table `{table}`")
    if not stream:
        return owner
    return f"any stream of the {owner}" if stream[-1] == "*" else f"the {owner}'s stream"


def main(path: str) -> None:
    """Bring a document up to date."""
    os.environ["CDK_VALIDATION"] = "false"  # read when the CDK's process starts
    from tests.lambdas.permissions.roles import roles
    from tests.lambdas.permissions.shop import TOPIC
    from tests.stacks.synthesized import MAIL_FROM, synthesize

    document = Path(path)
    with tempfile.TemporaryDirectory() as folder:
        assembly = synthesize(Path(folder), stage="prod", canary="on", mail_from=MAIL_FROM)
    document.write_text(embed(document.read_text(encoding="utf-8"), roles(assembly, TOPIC)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
