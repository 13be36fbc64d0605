"""A judge of documents by JSON Schema, for the keywords of the documents here: it raises KeyError at any other.

It takes what drafts 7 and 2020-12 have in common. `format` says something to people and refuses nothing, as by default.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

_SILENT = {"$schema", "$id", "$defs", "definitions", "title", "description", "default", "format", "then", "else"}
_SILENT |= {"required", "patternProperties", "additionalProperties", "additionalItems"}  # told by their neighbours


def faults(value: Any, schema: Any, root: Mapping[str, Any] | None = None, path: str = "$") -> list[str]:
    """What is wrong with a value, as paths and keywords; empty where nothing is."""
    return list(_faults(value, schema, schema if root is None else root, path))


def _faults(value: Any, schema: Any, root: Any, path: str) -> Iterator[str]:
    if isinstance(schema, bool):
        if not schema:
            yield f"{path}: nothing may be here"
        return
    for keyword, wanted in schema.items():
        if keyword not in _SILENT:
            for inner in _KEYWORDS[keyword](value, wanted, schema, root, path):
                yield inner if isinstance(inner, str) else f"{path}: {keyword}"
    if isinstance(value, dict):
        yield from _members(value, schema, root, path)


def _members(value: dict[str, Any], schema: Mapping[str, Any], root: Any, path: str) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path}: lacks {name}"
    patterns = schema.get("patternProperties", {})
    for name, member in value.items():
        known = [schema["properties"][name]] if name in schema.get("properties", {}) else []
        known += [each for pattern, each in patterns.items() if _search(pattern, name)]
        for each in known or [schema.get("additionalProperties", True)]:
            yield from _faults(member, each, root, f"{path}.{name}")


Broken = Iterator[str | None]  # a fault of something within, or None for a fault of the keyword itself


def _when(holds: Callable[[Any, Any], bool]) -> Callable[..., Broken]:
    def check(value: Any, wanted: Any, schema: Any, root: Any, path: str) -> Broken:
        if not holds(value, wanted):
            yield None

    return check


def _items(value: Any, wanted: Any, schema: Any, root: Any, path: str) -> Broken:
    if isinstance(value, list):
        for n, each in enumerate(value):
            listed = isinstance(wanted, list)
            own = (wanted[n] if n < len(wanted) else schema.get("additionalItems", True)) if listed else wanted
            yield from _faults(each, own, root, f"{path}[{n}]")


def _names(value: Any, wanted: Any, schema: Any, root: Any, path: str) -> Broken:
    for name in value if isinstance(value, dict) else ():
        yield from _faults(name, wanted, root, f"{path}.{name}")


def _referred(value: Any, wanted: str, schema: Any, root: Any, path: str) -> Broken:
    found = root
    for name in wanted.removeprefix("#").split("/")[1:]:
        found = found[name.replace("~1", "/").replace("~0", "~")]
    yield from _faults(value, found, root, path)


def _if(value: Any, wanted: Any, schema: Any, root: Any, path: str) -> Broken:
    branch = "else" if faults(value, wanted, root, path) else "then"
    yield from _faults(value, schema.get(branch, True), root, path)


def _all(value: Any, wanted: Any, schema: Any, root: Any, path: str) -> Broken:
    for each in wanted:
        yield from _faults(value, each, root, path)


def _count(allowed: Callable[[int], bool]) -> Callable[..., Broken]:
    def check(value: Any, wanted: Any, schema: Any, root: Any, path: str) -> Broken:
        if not allowed(sum(not faults(value, each, root, path) for each in wanted)):
            yield None

    return check


def _not(value: Any, wanted: Any, schema: Any, root: Any, path: str) -> Broken:
    if not faults(value, wanted, root, path):
        yield None


def _is(value: Any, kind: str) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return {
        "null": value is None,
        "boolean": isinstance(value, bool),
        "integer": number and value == int(value) if number and abs(value) != float("inf") else False,
        "number": number,
        "string": isinstance(value, str),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
    }[kind]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\$$", r"\\Z", pattern))  # ECMAScript's `$` is the end, and not before a newline


def _search(pattern: str, text: str) -> bool:
    return _compiled(pattern).search(text) is not None


def _number(holds: Callable[[Any, Any], bool]) -> Callable[..., Broken]:
    return _when(lambda value, wanted: not _is(value, "number") or holds(value, wanted))


def _sized(kind: type[str] | type[list[Any]], holds: Callable[[int, int], bool]) -> Callable[..., Broken]:
    return _when(lambda value, wanted: not isinstance(value, kind) or holds(len(value), wanted))


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


_KEYWORDS: dict[str, Callable[..., Broken]] = {
    "$ref": _referred,
    "type": _when(
        lambda value, wanted: any(_is(value, kind) for kind in ([wanted] if isinstance(wanted, str) else wanted))
    ),
    "enum": _when(lambda value, wanted: _canonical(value) in map(_canonical, wanted)),
    "const": _when(lambda value, wanted: _canonical(value) == _canonical(wanted)),
    "pattern": _when(lambda value, wanted: not isinstance(value, str) or _search(wanted, value)),
    "minLength": _sized(str, lambda size, wanted: size >= wanted),
    "maxLength": _sized(str, lambda size, wanted: size <= wanted),
    "minItems": _sized(list, lambda size, wanted: size >= wanted),
    "maxItems": _sized(list, lambda size, wanted: size <= wanted),
    "minimum": _number(lambda value, wanted: value >= wanted),
    "maximum": _number(lambda value, wanted: value <= wanted),
    "exclusiveMinimum": _number(lambda value, wanted: value > wanted),
    "uniqueItems": _when(
        lambda value, wanted: not (wanted and isinstance(value, list)) or len({*map(_canonical, value)}) == len(value)
    ),
    "items": _items,
    "properties": lambda *_: iter(()),  # with the object's other members
    "propertyNames": _names,
    "allOf": _all,
    "anyOf": _count(lambda matching: matching > 0),
    "oneOf": _count(lambda matching: matching == 1),
    "not": _not,
    "if": _if,
}
