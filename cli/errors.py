"""What ends a command early, by exit code.

CliError (1)
├── UsageError (2)      what was asked for makes no sense
├── Cancelled (3)       a person said no, or pressed Ctrl-C
├── NoCredentials (4)   AWS does not know who asks, or does not let them
├── NotFound (5)        no such stack, queue, event
├── PartlyDone (6)      some of it was done, and the rest can be done by running the same again
└── Unhealthy (7)       what was looked at is not well, and the command was told to say so
"""

from __future__ import annotations

# What to do where nobody answers at all.
UNREACHABLE = (
    "Check the network, --region and AWS_ENDPOINT_URL. The local engine is started by `python3 dev.py up`, and your "
    'shell finds it after `eval "$(python3 dev.py env)"`'
)


class CliError(Exception):
    """A command could not do what it was asked to. The message says what failed and what to do."""

    exit_code = 1


class UsageError(CliError):
    """An argument, or several together, make no sense."""

    exit_code = 2


class Cancelled(CliError):
    """Nothing more is done, because a person said so."""

    exit_code = 3


class NoCredentials(CliError):
    """AWS does not know who asks, or does not let them."""

    exit_code = 4


class NotFound(CliError):
    """No such stack, consumer, queue or event."""

    exit_code = 5


class PartlyDone(CliError):
    """Some of it was done. Nothing is held or half done: the same command again does the rest."""

    exit_code = 6


class Unhealthy(CliError):
    """What was looked at is not well, and the command was told to fail then."""

    exit_code = 7
