"""Read and write units that requests cost on AWS.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from __future__ import annotations

from dataclasses import dataclass

WRITE_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096
TRANSACTIONAL = 2


@dataclass(slots=True)
class Meter:
    """What was consumed so far."""

    read_units: float = 0.0
    write_units: float = 0.0

    def wrote(self, size_bytes: int, *, factor: int = 1) -> None:
        """A write costs by the larger of the items before and after, and one unit where there was nothing, or where it
        failed."""
        self.write_units += factor * (-(-size_bytes // WRITE_UNIT_BYTES) or 1)

    def read(self, size_bytes: int, *, consistent: bool, factor: int = 1) -> None:
        """A read costs by size, half where it need not be consistent, and never nothing."""
        self.read_units += factor * (-(-size_bytes // READ_UNIT_BYTES) or 1) * (1.0 if consistent else 0.5)
