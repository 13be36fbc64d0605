"""Times as people type them: `10m`, `2h30m` and `3d` for so long, or so long ago, and ISO 8601 for a moment."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from cli.errors import UsageError

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60, "w": 7 * 24 * 60 * 60}
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")


def duration_seconds(text: str) -> float:
    """How many seconds a duration such as `90s`, `10m`, `1h30m` or `3d` has. Raises UsageError."""
    if _DURATION.fullmatch(text.strip()) is None:
        raise UsageError(f"{text!r} is no duration: write 90s, 10m, 2h, 1h30m, 3d or 2w")
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in _PART.findall(text))


def instant(text: str, now: datetime) -> datetime:
    """The moment that a person means, in UTC: so long before `now`, or an ISO 8601 time or date.

    A time without a zone is in this machine's, as a person at it reads the clock. Raises UsageError.
    """
    text = text.strip()
    if _DURATION.fullmatch(text) is not None:
        return datetime.fromtimestamp(now.timestamp() - duration_seconds(text), UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is no time: write how long ago (10m, 2h, 3d), or a moment such as 2026-11-23T14:30:00Z"
        ) from None
    return moment.astimezone(UTC)


def age(seconds: float) -> str:
    """A duration for people: `45s`, `12m`, `3h20m`, `2d4h`."""
    total = max(0, round(seconds))
    days, hours, minutes = total // 86_400, total // 3_600 % 24, total // 60 % 60
    if days:
        return f"{days}d{hours}h" if hours else f"{days}d"
    if hours:
        return f"{hours}h{minutes}m" if minutes else f"{hours}h"
    if minutes:
        return f"{minutes}m{total % 60}s" if total < 600 and total % 60 else f"{minutes}m"
    return f"{total}s"


Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """This moment."""
    return datetime.now(UTC)
