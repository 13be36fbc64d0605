"""The topology as a Mermaid flowchart, written in by `.venv/bin/python -m messaging.diagram README.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from messaging.events import EventType
from messaging.subscription import Subscription
from messaging.topic import Topic
from messaging.topology import ORDERS

BEGIN = "<!-- topology: written by `.venv/bin/python -m messaging.diagram README.md` -->"
END = "<!-- end of topology -->"


def mermaid(topic: Topic) -> str:
    """The flowchart's source: topic, queues with their dead-letter queues, functions, and what these write and call.

    Dotted: the way of events through the outbox, written with somebody's state and sent by the relay.
    """
    return "\n".join(
        [
            "flowchart LR",
            f'  publisher(["publisher"]) --> topic{{{{"{topic.name}.fifo"}}}}',
            '  publisher -. "with its own state" .-> table_outbox[(outbox)] -.-> relay("relay") -.-> topic',
            *_rows(topic),
        ]
    )


def embed(text: str, topic: Topic) -> str:
    """A document with the diagram between its two marker lines brought up to date. Raises ValueError without them."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document lacks the lines {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n```mermaid\n{mermaid(topic)}\n```\n\n{END}{after}"


def _rows(topic: Topic) -> Iterator[str]:
    for row in topic.subscriptions:
        name = row.consumer
        queue = f'{name}_queue[["{name}{".fifo" if row.fifo else ""}"]]'
        yield f'  topic -- "{_label(row)}" --> {queue} --> {name}("{name}")'
        yield f"  {name}_queue -. dead letters .-> {name}_dead[[dead letters]]"
        for table in row.writes:
            yield f"  {name} --> table_{table}[({table})]"
        for call in row.calls:
            yield f"  {name} --> {name}_call>{call}]"
        if row.emits:
            yield f'  {name} -. "{_names(row.emits)}" .-> table_outbox'


def _label(row: Subscription) -> str:
    conditions = "".join(f", {name}: {' or '.join(map(str, any_of))}" for name, any_of in row.where.items())
    return _names(row.events) + conditions


def _names(events: Sequence[EventType]) -> str:
    return " + ".join(event.type for event in events)


if __name__ == "__main__":
    readme = Path(sys.argv[1])
    readme.write_text(embed(readme.read_text(encoding="utf-8"), ORDERS), encoding="utf-8")
