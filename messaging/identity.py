"""Ids that nobody else has."""

from __future__ import annotations

import uuid


def new_id() -> str:
    """32 hexadecimal digits, from the operating system: sandboxes that begin as copies of one snapshot differ too."""
    return uuid.uuid4().hex
