"""The command as a whole: its help, its exit codes, and that its examples are commands of it."""

from __future__ import annotations

import errno
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

from cli import errors
from cli.__main__ import COMMANDS, EPILOG, main, waybill

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", "docs/operating.md")
CODES = {
    each.exit_code: each
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, errors.CliError)
}


def commands(group: click.Group = waybill, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands below a group by their names, and the group."""
    yield path, group
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


ALL = dict(commands())


def helps(path: tuple[str, ...]) -> str:
    command = ALL[path]
    return command.get_help(click.Context(command, info_name=path[-1] if path else "waybill"))


def examples(text: str) -> list[list[str]]:
    """The words of each `waybill ...` in a text, as far as a pipe or what comes after it."""
    lines = [line.strip() for line in re.findall(r"(?:^|[\s|;&`])waybill ([^\n`]+)", text)]
    words = [shlex.split(line.partition("  ")[0], comments=True) for line in lines if line]
    ends = {"|", ">", ";", "&&"}
    cut = [
        next((each[:n] for n, word in enumerate(each) if word in ends or word.endswith(";")), each) for each in words
    ]
    return [each for each in cut if each and each[0] in COMMANDS and not is_name(each)]


def is_name(words: list[str]) -> bool:
    """Whether a command that takes something is only spoken of."""
    command = ALL.get(tuple(words))
    return command is not None and any(each.required for each in command.params)


def parse(words: list[str]) -> None:
    """Raises click's UsageError for a command or an option that is none, or one that lacks its value. Files are not
    opened."""
    path = next(tuple(words[:n]) for n in (2, 1) if tuple(words[:n]) in ALL)
    command = ALL[path]
    given, left, _ = command.make_parser(click.Context(command)).parse_args(words[len(path) :])
    assert not left, f"{words}: {left} is too much"
    absent = [each.name for each in command.params if each.required and not isinstance(given.get(str(each.name)), str)]
    assert not absent, f"{words}: {absent} are needed"


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_each_help_has_an_example_that_is_a_command(path: tuple[str, ...]) -> None:
    """Its options and arguments are what the command takes."""
    found = examples(helps(path))
    assert [each for each in found if tuple(each[: len(path)]) == path]
    for words in found:
        parse(words)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_example_of_the_documents_is_a_command(document: str) -> None:
    """Those in code, by whatever name the program is called there."""
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text)
    found = examples("\n".join(blocks))
    assert found
    for words in found:
        parse(words)


def test_each_command_that_another_advises_is_one() -> None:
    """In what they say of wrong things, and in how those are mended."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "cli").rglob("*.py")]
    quoted = re.findall(r"`([^`\n]*)`|(?<=: )(waybill [^;\"\n]*)", "\n".join(texts))
    # What is filled in while it runs is some word.
    filled = (re.sub(r"\{+[^{}]*\}+", "x", "".join(each)) for each in quoted)
    found = examples("\n".join(filled))
    assert len(found) > 20
    for words in found:
        parse(words)


def test_help_loads_neither_boto3_nor_rich() -> None:
    """They take longer than all the rest; who only reads help does not wait for them."""
    code = (
        "import sys; from cli.__main__ import main; main(['--help']); "
        "print(*{'boto3', 'botocore', 'rich', 'msgspec'} & {*sys.modules}, file=sys.stderr, end='')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "dlq" in done.stdout


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "DescribeStacks")


@pytest.mark.parametrize(
    ("error", "exit_code", "says"),
    [
        *((each("what to do"), code, "what to do") for code, each in CODES.items()),
        (click.UsageError("no such thing"), 2, "no such thing"),
        (click.Abort(), 3, "cancelled"),
        (KeyboardInterrupt(), 3, "cancelled"),
        (NoCredentialsError(), 4, "aws configure"),
        (NoRegionError(), 4, "--region"),
        (client_error("ExpiredToken"), 4, "AWS refused DescribeStacks: ExpiredToken"),
        (client_error("InvalidClientTokenId"), 4, "InvalidClientTokenId"),
        (client_error("AccessDenied"), 4, "AccessDenied"),
        (client_error("Throttling"), 1, "Throttling"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:9"), 1, "python3 dev.py up"),
        (OSError(errno.ENOSPC, "No space left on device", "letters.ndjson"), 1, "No space left on device: letters"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value)[:20],
)
def test_what_goes_wrong_is_an_exit_code_and_a_line(
    error: BaseException,
    exit_code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On stderr; nothing is on stdout, and no traceback anywhere."""

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(waybill, "main", fail)
    assert main(["status"]) == exit_code
    said = capsys.readouterr()
    assert said.out == ""
    assert says in said.err
    assert "Traceback" not in said.err


def test_every_exit_code_is_documented() -> None:
    """In the help, and in the handbook."""
    words = {0: "ok", **{code: each.__name__ for code, each in CODES.items()}}
    assert sorted(words) == [*range(8)]
    handbook = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    for text in (EPILOG, handbook):
        (listed,) = re.findall(r"(0 ok.*?7 unhealthy)", text, re.DOTALL)
        assert re.findall(r"(\d) \w", listed) == [str(code) for code in sorted(words)]


def test_no_command_of_that_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Usage."""
    assert main(["frobnicate"]) == 2
    assert "No such command" in capsys.readouterr().err
