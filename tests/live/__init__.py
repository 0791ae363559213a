"""Whole commands on a running host: what they cost, and what is left when they or the host break down.

Nothing here is collected by pytest: each needs a server of its own that may be filled with reminders.
"""

import sys
from pathlib import Path

# what Tryton is spoken to with stands beside the tests of its connector
sys.path.insert(0, str(Path(__file__).parents[1] / "connectors" / "tryton"))
