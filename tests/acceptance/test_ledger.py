"""The documented example through a quarter, on an excerpt."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from .ledger import walk

EXCERPT = Path(__file__).parents[1] / "connectors" / "files" / "data" / "receivables.csv"


def test_a_quarter_of_a_real_kind_of_ledger(tmp_path: Path) -> None:
    met = walk(EXCERPT, tmp_path, date(2013, 4, 1), date(2013, 6, 30))
    assert met.faults == []
    assert met.runs == 91
    assert met.messages > 0
