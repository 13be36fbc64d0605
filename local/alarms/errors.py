"""What an alarm can ask for that is not evaluated here."""

from __future__ import annotations

from local.errors import LocalError


class AlarmError(LocalError):
    """An alarm that can't be read or evaluated; the message says which part of it, and what is understood instead."""
