"""In the place of an operator's editor: mends the currency in the file that it is given."""

from __future__ import annotations

import sys
from pathlib import Path

file = Path(sys.argv[1])
file.write_text(file.read_text(encoding="utf-8").replace('"EUR"', '"USD"'), encoding="utf-8")
