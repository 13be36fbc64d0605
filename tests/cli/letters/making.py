"""Letters for tests, every field given a sound default."""

from __future__ import annotations

import json
from typing import Any

from cli.letters.letter import Letter
from testing import order_placed
from testing.events import body
from testing.scheduler import STARTS_AT


def letter(text: str | None = None, **changes: Any) -> Letter:
    """A letter that its consumer has signed as poison; of order 1001, or of any text. `facts` are what is signed."""
    facts = {
        "reason": "poison",
        "error": "Poison",
        "detail": "says the test",
        "receive_count": 1,
        "last_attempt_at": "2026-11-20T10:00:00.000+00:00",
        **changes.pop("facts", {}),
    }
    fields: dict[str, Any] = {
        "id": "letter-1",
        "body": body(order_placed("1001")) if text is None else text,
        "attributes": {
            "type": {"DataType": "String", "StringValue": "OrderPlaced"},
            "waybill": {"DataType": "String", "StringValue": json.dumps(facts)},
        },
        "group": "ALFKI",
        "deduplication_id": "m1",
        "sent_at": STARTS_AT,
        "receives": 1,
    }
    return Letter(**{**fields, **changes})
