"""Has the layer's packages import late what no function uses: a tenth of a cold start, and two megabytes of memory.

botocore imports what writes its documentation for each client that it makes, and what reads other dates than AWS's
services send; urllib3 what reads the metadata of installed packages, to see whether HTTP/2 is there. Here they do so in
the functions that need it: nothing is missing.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stacks.errors import SynthError

_READ_DATES = ("import dateutil.parser", "dateutil.parser.parse")
# By module: the imports, and what each is there to call.
LATE: Mapping[str, Sequence[tuple[str, str]]] = {
    "botocore/credentials.py": (_READ_DATES, ("from dateutil.parser import parse", "parse")),
    "botocore/docs/__init__.py": (("from botocore.docs.service import ServiceDocumenter", "ServiceDocumenter"),),
    "botocore/docs/docstring.py": (
        ("from botocore.docs.bcdoc.restdoc import DocumentStructure", "DocumentStructure"),
        ("from botocore.docs.method import document_model_driven_method", "document_model_driven_method"),
        ("from botocore.docs.paginator import document_paginate_method", "document_paginate_method"),
        ("from botocore.docs.waiter import document_wait_method", "document_wait_method"),
    ),
    "botocore/tokens.py": (_READ_DATES,),
    "botocore/utils.py": (_READ_DATES,),
    "urllib3/http2/__init__.py": (("from importlib.metadata import version", "version"),),
}


def import_late(python: Path) -> None:
    """Change these modules. Raises SynthError where one is not as this module knows it."""
    for module, imports in LATE.items():
        source = python / module
        text = source.read_text(encoding="utf-8") if source.is_file() else ""
        for statement, called in imports:
            text = _moved(text, module, statement, called)
        source.unlink()  # and not written over: where an installer links, that would be the file in its cache
        source.write_text(text, encoding="utf-8")


def _moved(text: str, module: str, statement: str, called: str) -> str:
    """The import stands before each line that calls that, at its depth."""
    text, removed = re.subn(rf"^{re.escape(statement)}\n", "", text, flags=re.MULTILINE)
    call = rf"^( +)(.*(?<![\w.]){re.escape(called)}\(.*)$"
    text, moved = re.subn(call, rf"\g<1>{statement}\n\g<1>\g<2>", text, flags=re.MULTILINE)
    if removed != 1 or not moved or not _is_bound(text, statement, called.partition(".")[0], moved):
        raise SynthError(f"{module} in the layer is not what it was ({statement}): adapt stacks/late_imports.py to it")
    return text


def _is_bound(text: str, statement: str, name: str, moved: int) -> bool:
    """Whether each moved import is a statement of a function, and the name is in the line after it and nowhere else.

    Elsewhere it would be a NameError in production: where it is no call but a default or a callback, say, or where no
    function is around the call. And a function's own argument of that name would be overwritten.
    """
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    after = {
        following.lineno
        for function in functions
        for block in _blocks(function)
        for before, following in itertools.pairwise(block)
        if following.lineno == before.lineno + 1 and ast.unparse(before) == statement
    }
    named = (node for node in ast.walk(tree) if isinstance(node, (ast.Name, ast.arg)))
    uses = {node.lineno for node in named if name == (node.id if isinstance(node, ast.Name) else node.arg)}
    return uses == after and len(after) == moved


def _blocks(node: ast.AST) -> Iterator[Sequence[ast.stmt]]:
    """The statements that follow each other in it, but not a class's: they bind names for themselves."""
    for part in ("body", "orelse", "finalbody"):
        if isinstance(block := getattr(node, part, None), list):
            yield block
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.ClassDef):
            yield from _blocks(child)
