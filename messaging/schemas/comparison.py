"""What a changed JSON Schema refuses that it took, and takes that it refused.

A schema is the set of documents that it takes. A change is told by its effect on that set, so that changes add up: what
is compatible with each step is compatible with all of them. What can't be told, such as one pattern for another, is
taken to do both.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# They say something to people and take or refuse nothing.
_ANNOTATIONS = {"$schema", "$id", "$defs", "$comment", "title", "description", "default", "examples", "deprecated"}
_LOWER = {"minimum": -math.inf, "exclusiveMinimum": -math.inf, "minLength": 0, "minItems": 0, "minProperties": 0}
_UPPER = dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), math.inf)
_OBJECT = {"properties", "required", "additionalProperties"}
_LOOKED_AT = {"type", "enum", "items", *_LOWER, *_UPPER, *_OBJECT}
_KINDS = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}

Schema = Mapping[str, Any] | bool


@dataclass(frozen=True, slots=True)
class Difference:
    """One change at one place.

    `narrows`: something is refused now that was taken. `widens`: something is taken now that was refused.
    """

    path: str
    change: str
    narrows: bool = False
    widens: bool = False


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """The changes from one document to another that take or refuse something; none for a change of words alone."""
    return list(_Comparison(old, new).of(old, new, "$"))


class _Comparison:
    def __init__(self, old_root: Mapping[str, Any], new_root: Mapping[str, Any]) -> None:
        self._old_root, self._new_root = old_root, new_root
        self._under_way: set[tuple[str, str]] = set()  # a schema may hold itself

    def of(self, old: Schema, new: Schema, path: str) -> Iterator[Difference]:
        names = (_reference(old), _reference(new))
        if names in self._under_way:
            return
        if names != ("", ""):
            self._under_way.add(names)
        yield from self._kinds(_alternatives(old, self._old_root), _alternatives(new, self._new_root), path)
        self._under_way.discard(names)

    def _kinds(self, old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Difference]:
        if "any" in old and "any" in new:
            yield from self._constraints(old["any"], new["any"], path)
        elif "any" in old:
            yield Difference(path, f"takes {_listed(new)} only now, and took anything", narrows=True)
        elif "any" in new:
            yield Difference(path, f"takes anything now, and took {_listed(old)} only", widens=True)
        else:
            if "integer" in old and "number" in new:
                yield Difference(path, "takes any number now, and took integers", widens=True)
                old = {"number" if kind == "integer" else kind: schema for kind, schema in old.items()}
            elif "number" in old and "integer" in new:
                yield Difference(path, "takes integers only now, and took any number", narrows=True)
                old = {"integer" if kind == "number" else kind: schema for kind, schema in old.items()}
            for kind in old.keys() - new.keys():
                yield Difference(path, f"takes no {kind} now", narrows=True)
            for kind in new.keys() - old.keys():
                yield Difference(path, f"takes {kind} too now", widens=True)
            for kind in [kind for kind in old if kind in new]:
                yield from self._constraints(old[kind], new[kind], path)

    def _constraints(self, old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[Difference]:
        yield from _bounds(old, new, path)
        yield from _values(old, new, path)
        if "properties" in old or "properties" in new or "additionalProperties" in {*old, *new}:
            yield from self._fields(old, new, path)
        if "items" in old or "items" in new:
            yield from self.of(old.get("items", True), new.get("items", True), f"{path}[]")
        for keyword in sorted({*old, *new} - _LOOKED_AT - _ANNOTATIONS):
            if _same(old.get(keyword), new.get(keyword)):
                continue
            added, removed = keyword not in old, keyword not in new
            change = f"{keyword} {'added' if added else 'removed' if removed else 'changed'}"
            yield Difference(path, change, narrows=not removed, widens=not added)

    def _fields(self, old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[Difference]:
        before, after = old.get("properties", {}), new.get("properties", {})
        others_before, others_after = old.get("additionalProperties", True), new.get("additionalProperties", True)
        for name in dict.fromkeys((*before, *after)):
            place, needed, needs = f"{path}.{name}", name in old.get("required", ()), name in new.get("required", ())
            if name not in before:
                closed = others_before is False  # an open object could hold such a field already, of any kind
                change = f"field added ({'required' if needs else 'optional'})"
                yield Difference(place, change, narrows=needs or not closed, widens=closed)
            elif name not in after:
                closed = others_after is False
                yield Difference(place, "field removed", narrows=closed, widens=needed or not closed)
            else:
                if needs != needed:
                    yield Difference(place, f"{'required' if needs else 'optional'} now", narrows=needs, widens=needed)
                yield from self.of(before[name], after[name], place)
        if others_before is False or others_after is False:
            if others_before is not others_after:
                closes = others_after is False
                change = f"{'refuses' if closes else 'takes'} unknown fields now"
                yield Difference(path, change, narrows=closes, widens=not closes)
        else:
            yield from self.of(others_before, others_after, f"{path}[...]")


def _alternatives(schema: Schema, root: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of each kind of value that a schema takes; `any` where it says nothing of the kind."""
    if isinstance(schema, bool):
        return {"any": {}} if schema else {}
    while "$ref" in schema:
        schema = _resolved(schema["$ref"], root)
    if "anyOf" in schema:
        kinds: dict[str, Any] = {}
        for each in schema["anyOf"]:
            for kind, alternative in _alternatives(each, root).items():
                _add(kinds, kind, alternative)
        return kinds
    if "enum" in schema or "const" in schema:
        values: dict[str, list[Any]] = {}
        for value in schema.get("enum", [schema.get("const")]):
            values.setdefault(_KINDS.get(type(value), "other"), []).append(value)
        return {kind: {"enum": members} for kind, members in values.items()}
    if "type" not in schema:
        return {"any": schema}
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return dict.fromkeys(types, schema)


def _add(kinds: dict[str, Any], kind: str, schema: Any) -> None:
    """Add an alternative. Two of one kind are not told apart: they are compared as they are written."""
    same = next((each for each in kinds if each == kind or {each, kind} == {"integer", "number"}), None)
    if same is None:
        kinds[kind] = schema
        return
    wider = "number" if "number" in (same, kind) else kind
    kinds[wider] = {"anyOf": [kinds.pop(same), schema]}


def _bounds(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[Difference]:
    for keyword, unbound in {**_LOWER, **_UPPER}.items():
        before, after = old.get(keyword, unbound), new.get(keyword, unbound)
        if before == after:
            continue
        narrows = (after > before) == (keyword in _LOWER)
        change = f"{keyword} {_shown(old.get(keyword))} is {_shown(new.get(keyword))} now"
        yield Difference(path, change, narrows=narrows, widens=not narrows)


def _values(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[Difference]:
    if "enum" not in old and "enum" not in new:
        return
    if "enum" not in old or "enum" not in new:
        closes = "enum" in new
        change = (
            f"takes {'only' if closes else 'more than'} {', '.join(map(str, (new if closes else old)['enum']))} now"
        )
        yield Difference(path, change, narrows=closes, widens=not closes)
        return
    for value in old["enum"]:
        if value not in new["enum"]:
            yield Difference(path, f"value {value!r} removed", narrows=True)
    for value in new["enum"]:
        if value not in old["enum"]:
            yield Difference(path, f"value {value!r} added", widens=True)


def _reference(schema: Schema) -> str:
    return "" if isinstance(schema, bool) else str(schema.get("$ref", ""))


def _resolved(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = root
    for name in reference.removeprefix("#").split("/")[1:]:
        found = found[name]
    assert isinstance(found, Mapping)
    return found


def _listed(kinds: Mapping[str, Any]) -> str:
    return " or ".join(kinds) or "nothing"


def _shown(bound: Any) -> str:
    return "none" if bound is None else str(bound)


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
