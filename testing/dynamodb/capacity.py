"""Read and write units that requests cost on AWS.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from __future__ import annotations

from dataclasses import dataclass

from testing.dynamodb.values import Item, item_size_bytes

WRITE_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096
TRANSACTIONAL = 2


@dataclass
class Meter:
    """What was consumed so far."""

    read_units: float = 0.0
    write_units: float = 0.0

    def wrote(self, old: Item | None, new: Item | None, *, factor: int = 1) -> None:
        """A write costs by the larger of both items, and one unit where there was nothing, or where it failed."""
        size = max(0 if item is None else item_size_bytes(item) for item in (old, new))
        self.write_units += factor * max(1, -(-size // WRITE_UNIT_BYTES))

    def read(self, size_bytes: int, *, consistent: bool, factor: int = 1) -> None:
        """A read costs by size, half where it need not be consistent, and never nothing."""
        self.read_units += factor * max(1, -(-size_bytes // READ_UNIT_BYTES)) * (1.0 if consistent else 0.5)
