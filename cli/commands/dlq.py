"""`waybill dlq`: dead letters listed, shown, kept in files, mended, deleted and sent back."""

from __future__ import annotations

import click

from cli.letters.commands.looking import export, list_, show
from cli.letters.commands.mending import edit, import_
from cli.letters.commands.purging import purge
from cli.letters.commands.redriving import redrive

EPILOG = """
QUEUE is a consumer's name, for its dead-letter queue, or CONSUMER/topic for what the topic could not deliver to it.

\b
Examples:
  waybill dlq list inventory
  waybill dlq export inventory letters.ndjson --match detail~currency
  jq -c '.body |= (fromjson | .data.currency = "USD" | tojson)' letters.ndjson > mended.ndjson
  waybill dlq import inventory mended.ndjson --to-dlq
  waybill dlq redrive inventory --all --canary 5 --rate 100
"""


class InOrder(click.Group):
    """Its commands are listed as they were added, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Their names."""
        return [*self.commands]


@click.group(cls=InOrder, epilog=EPILOG)
def run() -> None:
    """Dead letters: look at them, mend them, send them back. Looking holds them for a moment and lets them go."""


for _each in (list_, show, export, edit, import_, redrive, purge):
    run.add_command(_each)
