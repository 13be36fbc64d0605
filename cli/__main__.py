"""`waybill`: finds the command, loads only that, and turns what goes wrong into an exit code and one line."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence

import click

from cli.errors import UNREACHABLE, CliError, NoCredentials

# Command -> (module, what `--help` says of it). Modules are imported when their command runs: boto3 alone takes 0.4 s.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "status": ("cli.commands.status", "What is deployed, and whether it is well."),
    "topology": ("cli.commands.topology", "Who subscribes to what, as text, Mermaid or JSON."),
    "publish": ("cli.commands.publish", "Publish events: one, a file of them, or made-up ones."),
    "queues": ("cli.commands.queues", "Depth, age, rates and drain forecast of every queue."),
    "tail": ("cli.commands.tail", "What consumers log, as it comes."),
    "trace": ("cli.commands.trace", "One order's journey: published, attempts, outcomes, e-mails."),
    "why": ("cli.commands.why", "Why an event is dead, or never arrived."),
    "dlq": ("cli.commands.dlq", "Dead letters: list, show, export, import, edit, purge, redrive."),
    "replay": ("cli.commands.replay", "Old events to one consumer again."),
    "reconcile": ("cli.commands.reconcile", "What was published against what was applied or buried."),
    "inbox": ("cli.commands.inbox", "Markers: look at one, or forget it."),
    "pause": ("cli.commands.pause", "Stop a consumer from taking messages."),
    "resume": ("cli.commands.resume", "Let a consumer take messages again."),
    "alarms": ("cli.commands.alarms", "The state of every alarm."),
    "cost": ("cli.commands.cost", "The monthly bill by service, and what would change it."),
    "capacity": ("cli.commands.capacity", "Backlog, lag and time to drain against the quotas."),
    "doctor": ("cli.commands.doctor", "What is wrong with this machine, account or deployment."),
}

EPILOG = """
Exit codes: 0 ok, 1 failed, 2 usage, 3 cancelled, 4 credentials, 5 not found, 6 partly done, 7 unhealthy.

\b
Examples:
  waybill queues -w                    watch the queues
  waybill why OrderPlaced-10248 inventory
  waybill dlq redrive inventory --all --canary 5
"""


class Commands(click.Group):
    """The commands by name, each loaded when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of the table."""
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        loaded: click.Command = importlib.import_module(module).run
        return loaded

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Names and one line each, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
def waybill() -> None:
    """Operate Waybill's queues, dead letters and replays, on AWS and on the local engine."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code."""
    try:
        result = waybill.main(
            args=None if arguments is None else [*arguments], prog_name="waybill", standalone_mode=False
        )
    except CliError as error:
        return _fail(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _fail("cancelled", 3)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except _aws_errors() as error:
        return _fail(*_explained(error))
    except OSError as error:
        return _fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", CliError.exit_code)
    return result if isinstance(result, int) else 0


def _aws_errors() -> tuple[type[Exception], ...]:
    """What boto3 raises; nothing where it was not even imported."""
    if "botocore" not in sys.modules:
        return ()
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def _explained(error: Exception) -> tuple[str, int]:
    """An error of boto3's in one line, with its exit code."""
    from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError, PartialCredentialsError

    if isinstance(error, (NoCredentialsError, PartialCredentialsError, NoRegionError)):
        return f"{str(error).rstrip('.')}. Try `aws configure`, or --profile and --region", NoCredentials.exit_code
    if isinstance(error, ClientError):
        code, message = (error.response.get("Error", {}).get(name) for name in ("Code", "Message"))
        exit_code = NoCredentials.exit_code if code in DENIED else CliError.exit_code
        return f"AWS refused {error.operation_name}: {code}: {message}", exit_code
    return f"no answer from AWS: {error}. {UNREACHABLE}", CliError.exit_code


DENIED = {
    *("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"),
    *("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"),
    *("SignatureDoesNotMatch", "InvalidSignatureException"),
}


def _fail(line: str, exit_code: int) -> int:
    sys.stderr.write(f"waybill: {line}\n")
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
