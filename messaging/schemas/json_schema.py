"""An event's class, or the envelope's, as a JSON Schema document.

Source: https://json-schema.org/draft/2020-12/json-schema-core
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from messaging.events import dataschema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE_ID = "urn:waybill:envelope"

# What a document of JSON Schema can't say and `decode` demands all the same.
_BESIDE = (
    "Beside this schema: an object holds no key twice, a whole number is written without point and exponent, "
    "and a date and time exists in the calendar."
)


def event_document(event: type[Any]) -> dict[str, Any]:
    """The schema of an event's `data`; its `$id` is the `dataschema` of the envelopes that carry it."""
    return _document(event, dataschema(event))


def envelope_document(envelope: type[Any]) -> dict[str, Any]:
    """The schema of a whole message, whatever event it carries."""
    return _document(envelope, ENVELOPE_ID)


def components(classes: Sequence[type[Any]], ref_template: str) -> tuple[list[Any], dict[str, Any]]:
    """References to the schemas of classes, in their order, and the schemas by name."""
    references, schemas = msgspec.json.schema_components(classes, ref_template=ref_template)
    return list(references), {name: _ecmascript(schema) for name, schema in schemas.items()}


def _document(described: type[Any], identity: str) -> dict[str, Any]:
    (root,), definitions = components([described], "#/$defs/{name}")
    own = definitions.pop(root["$ref"].rpartition("/")[2])
    own["description"] = f"{own.get('description', '')} {_BESIDE}".strip()
    return {
        "$schema": DIALECT,
        "$id": identity,
        **own,
        **({"$defs": dict(sorted(definitions.items()))} if definitions else {}),
    }


def _ecmascript(schema: Any) -> Any:
    """Patterns as ECMAScript spells them, whose `$` is what `\\Z` is to Python: the end, and not before a newline.

    Source: https://json-schema.org/draft/2020-12/json-schema-core#section-6.4
    """
    if isinstance(schema, list):
        return [_ecmascript(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value.replace(r"\Z", "$") if key == "pattern" and isinstance(value, str) else _ecmascript(value)
        for key, value in schema.items()
    }
