"""Asks whether a vulnerability is known in any locked package: pip-audit for Python, npm for the CDK's command line.

No answer is no all-clear. pip-audit exits with 0 where the index knows nothing of a package, as a mirror does that has
files alone; so what counts here is what was answered, and what was not is said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from supply import tools
from supply.errors import Unreachable
from supply.locks import LAYER, LOCKS, NODE_LOCK, TOOLS, Lock

# A vulnerability that we live with: its id, and the reason why it does no harm here.
ACCEPTED: Mapping[str, str] = {}

Ask = Callable[[Sequence[str]], CompletedProcess[str]]
_LONGEST_WAIT_SECONDS = "10"


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One that is known in a locked package, and what mends it."""

    package: str
    name: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Of one lock: how many of its packages were asked about, which of them nobody knew, and what is known to be wrong.

    `silence` says why there was no answer at all.
    """

    lock: str
    asked: int
    unknown: Sequence[str] = ()
    found: Sequence[Vulnerability] = ()
    silence: str | None = None

    @property
    def passes(self) -> bool:
        """Whether nothing speaks against the lock. Without a network nobody speaks."""
        return self.silence is not None or not (self.unknown or self.unaccepted)

    @property
    def unaccepted(self) -> list[Vulnerability]:
        """Those without a reason why they do no harm."""
        return [each for each in self.found if each.name not in ACCEPTED]

    def told(self) -> Iterator[str]:
        """In words, a line each."""
        if self.silence is not None:
            yield f"{self.lock}: NOT AUDITED, there was no answer: {self.silence}"
            return
        for each in self.found:
            reason = ACCEPTED.get(each.name)
            yield f"{self.lock}: {each.package}: {each.name}, {each.mend if reason is None else f'accepted: {reason}'}"
        if self.unknown:
            yield f"{self.lock}: not known to the index, so not audited: {', '.join(self.unknown)}"
        if not self.found and not self.unknown:
            yield f"{self.lock}: no vulnerability is known in {self.asked} packages"


def audits(ask: Ask = tools.answer) -> Iterator[Audit]:
    """Of every lock. What runs on AWS comes first; where nobody answers about it, nobody is asked about the rest.

    Raises SupplyError where a tool fails for another reason than the network.
    """
    try:
        python = tools.environment(TOOLS) / "bin" / "python"
    except Unreachable as error:
        yield Audit(lock=TOOLS.file, asked=0, silence=str(error))
        return
    first, *rest = sorted(LOCKS, key=lambda lock: lock is not LAYER)
    audited = audit_python(first, python, ask)
    yield audited
    if audited.silence is None:
        yield from (audit_python(lock, python, ask) for lock in rest)
    yield audit_node(ask)


def audit_python(lock: Lock, python: Path, ask: Ask) -> Audit:
    """Of one lock of Python packages."""
    options = ["--require-hashes", "--disable-pip", "--progress-spinner", "off", "--timeout", _LONGEST_WAIT_SECONDS]
    try:
        document = _asked(
            ask,
            [str(python), "-m", "pip_audit", "--format", "json", *options, "--requirement", lock.file],
            "dependencies",
        )
    except Unreachable as error:
        return Audit(lock=lock.file, asked=0, silence=str(error))
    packages = document["dependencies"]
    unknown = [each["name"] for each in packages if "skip_reason" in each]
    if packages and len(unknown) == len(packages):
        return Audit(lock=lock.file, asked=len(packages), silence=packages[0]["skip_reason"])
    found = [
        Vulnerability(f"{each['name']} {each['version']}", fault["id"], _upgrade(fault["fix_versions"]))
        for each in packages
        for fault in each.get("vulns", ())
    ]
    return Audit(lock=lock.file, asked=len(packages), unknown=unknown, found=found)


def audit_node(ask: Ask, npm: Path = tools.NPM) -> Audit:
    """Of the CDK's command line, and what it brings."""
    wait = f"--fetch-timeout={_LONGEST_WAIT_SECONDS}000"
    command = [str(npm), "audit", "--json", "--audit=true", "--fetch-retries=0", wait]
    try:
        document = _asked(ask, command, "vulnerabilities")
    except Unreachable as error:
        return Audit(lock=NODE_LOCK, asked=0, silence=str(error))
    found = [
        Vulnerability(f"{name} {each['range']}", each["url"], "pin another in package.json: python3 dev.py supply lock")
        for name, fault in document["vulnerabilities"].items()
        for each in fault["via"]
        if isinstance(each, Mapping)  # a name stands for a package that is listed by itself
    ]
    return Audit(lock=NODE_LOCK, asked=document["metadata"]["dependencies"]["total"], found=found)


def verdict(audits: Iterable[Audit], tell: Callable[[str], object]) -> int:
    """Tell of each audit as it comes. Returns the exit code: 1 where one found something."""
    failed = False
    for each in audits:
        for line in each.told():
            tell(line)
        failed = failed or not each.passes
    return int(failed)


def _upgrade(versions: Sequence[str]) -> str:
    return f"mended in {', '.join(versions)}: python3 dev.py supply lock" if versions else "no version mends it"


def _asked(ask: Ask, command: Sequence[str], member: str) -> Mapping[str, Any]:
    """What a tool answers in JSON. Raises Unreachable, or SupplyError, where the answer lacks what must be in it."""
    done = ask(command)
    try:
        document = json.loads(done.stdout)
    except ValueError:
        raise tools.failure(command, done) from None
    if not isinstance(document, Mapping) or member not in document:
        raise tools.failure(command, done)
    return document
