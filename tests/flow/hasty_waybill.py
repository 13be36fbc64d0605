"""`waybill`, but what a killed one held is free after seconds, not half a minute: so long no test should wait."""

from __future__ import annotations

import sys

from cli.__main__ import main
from cli.letters import hold

hold.SHORT_SECONDS = 4

if __name__ == "__main__":
    sys.exit(main())
