"""The documented example through a quarter, on an excerpt; and replayed over its two years."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from .ledger import walk
from .replaying import replayed

EXCERPT = Path(__file__).parents[1] / "connectors" / "files" / "data" / "receivables.csv"


def test_a_quarter_of_a_real_kind_of_ledger(tmp_path: Path) -> None:
    met = walk(EXCERPT, tmp_path, date(2013, 4, 1), date(2013, 6, 30))
    assert met.faults == []
    assert met.runs == 91
    assert met.messages > 0


def test_a_replay_of_two_years_is_what_the_lines_say(tmp_path: Path) -> None:
    made = replayed(EXCERPT, tmp_path, date(2012, 1, 1), date(2013, 12, 31))
    assert not made.faults
    assert made.reminders > 20
