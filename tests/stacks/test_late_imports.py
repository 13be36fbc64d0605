"""Imports are moved where each use of what they bind is known, and nowhere else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import botocore
import pytest

from stacks import late_imports
from stacks.errors import SynthError

PACKAGES = Path(botocore.__file__).parents[1]
HTTP2, UTILS = "urllib3/http2/__init__.py", "botocore/utils.py"
VERSION = "from importlib.metadata import version"


def with_more(text: str) -> Callable[[str], str]:
    return lambda before: f"{before}\n{text}"


# What each would become: a NameError where it is reached, another value, or no late import at all.
CHANGES: dict[str, tuple[str, Callable[[str], str]]] = {
    "empty": (HTTP2, lambda _: ""),
    "imported otherwise": (HTTP2, lambda before: before.replace(VERSION, "import importlib.metadata")),
    "imported twice": (HTTP2, with_more(VERSION + "\n")),
    "called within an expression": (HTTP2, with_more("def f():\n    return (\n        version('h2')\n    )\n")),
    "called by whoever gets it": (HTTP2, with_more("def f():\n    x = version\n    return x('h2')\n")),
    "called elsewhere, and by whoever gets it": (
        HTTP2,
        with_more("def f():\n    if f:\n        version('h2')\n    return map(version, ['h2'])\n"),
    ),
    "a default": (HTTP2, with_more("def f(x=version):\n    return x('h2')\n")),
    "an argument": (HTTP2, with_more("def f(version):\n    return version('h2')\n")),
    "an annotation": (HTTP2, with_more("def f(x: version) -> None: ...\n")),
    "a decorator": (HTTP2, with_more("@version\ndef f(): ...\n")),
    "called for the module": (HTTP2, with_more("x = version('h2')\n")),
    "called for the module, on a condition": (HTTP2, with_more("if True:\n    x = version('h2')\n")),
    "called for a class": (HTTP2, with_more("class C:\n    x = version('h2')\n")),
    "called for a class within a function": (HTTP2, with_more("def f():\n    class C:\n        x = version('h2')\n")),
    "called for a default": (HTTP2, with_more("class C:\n    def f(self, x=version('h2')): ...\n")),
    "called in one branch of a line": (HTTP2, with_more("def f():\n    if f: ...\n    elif version('h2'): ...\n")),
    "called in a text": (HTTP2, with_more('TEXT = """\n    version(\n"""\n')),
    "an exception of its module": (
        UTILS,
        with_more("def f():\n    try: ...\n    except dateutil.parser.ParserError: ...\n"),
    ),
    "another function of its module": (UTILS, with_more("def f():\n    return dateutil.parser.isoparse('')\n")),
}


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    for name in late_imports.LATE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PACKAGES / name, tmp_path / name)
    return tmp_path


def test_the_packages_of_this_environment_are_as_they_were(packages: Path) -> None:
    """They are changed, and each import that was for the module is within functions."""
    late_imports.import_late(packages)
    for module, imports in late_imports.LATE.items():
        text = (packages / module).read_text()
        for statement, _ in imports:
            assert not re.search(rf"(?m)^{statement}$", text)
            assert re.search(rf"(?m)^ +{statement}$", text)


@pytest.mark.parametrize(("module", "change"), CHANGES.values(), ids=CHANGES)
def test_a_package_that_is_not_as_it_was_is_not_changed(
    packages: Path, module: str, change: Callable[[str], str]
) -> None:
    """A new version of it has to be looked at."""
    changed = change((packages / module).read_text())
    compile(changed, module, "exec")  # as it stands it is Python
    (packages / module).write_text(changed)
    with pytest.raises(SynthError, match=rf"{re.escape(module)} in the layer is not what it was"):
        late_imports.import_late(packages)
    assert (packages / module).read_text() == changed


def test_a_package_that_is_gone_is_missed(packages: Path) -> None:
    """As one that is not as it was."""
    (packages / HTTP2).unlink()
    with pytest.raises(SynthError, match=rf"{re.escape(HTTP2)} in the layer is not what it was"):
        late_imports.import_late(packages)


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    return version('h2')\n",
        "def f():\n    if version('h2'):\n        return version('h3')\n",
        "async def f():\n    try:\n        x = version('h2')\n    finally:\n        x = version('h3')\n",
        "def f():\n    def g():\n        return [version(x) for x in 'h2']\n    return g\n",
        "class C:\n    def f(self):\n        return lambda: version('h2')\n",
        "def f(x):\n    return x.version, x.version()\n",
    ],
)
def test_a_call_in_a_function_may_be_anywhere(packages: Path, text: str) -> None:
    """In a new version, say: the import goes before it."""
    more = with_more(text)((packages / HTTP2).read_text())
    (packages / HTTP2).write_text(more)
    late_imports.import_late(packages)
    moved = (packages / HTTP2).read_text()
    assert len(re.findall(rf"(?m)^ +{VERSION}$", moved)) == 1 + len(re.findall(r"(?<!\.)version\(", text))
