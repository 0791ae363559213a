"""How much one text may do. Counted, never timed, so that the same text gives the same result everywhere."""

from __future__ import annotations

from typing import Final

from jinja2.exceptions import SecurityError

TICKS: Final = 50_000
"""Turns of loops and calls that one text may make."""
OUTPUT: Final = 1_000_000
"""Characters that one text may write."""
WORK: Final = 10_000_000
"""Characters that one text may handle on the way."""
ITEM: Final = 20
"""Characters that one item of a list counts for."""
STRING: Final = 100_000
"""Characters of one string in an expression."""
ITEMS: Final = 10_000
"""Items of one list."""
ARGUMENT: Final = 1_000
"""Characters of a text that a method or filter is given to look for."""
RANGE: Final = 1_000
"""Numbers of one range."""
DIGITS: Final = 10**30
"""Numbers are smaller than this."""


class LimitError(SecurityError):
    """A text that would take too much time or memory."""
