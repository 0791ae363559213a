"""A run each day for four months, and one after days that were missed, beside the contract read a second time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from .generated import FIRST, STEPS, Generated, Sent

DAYS = [FIRST + timedelta(days=number) for number in range(120)]


def sent_by(ledger: Generated, days: Sequence[date]) -> dict[str, list[Sent]]:
    """What runs on these days send, by invoice."""
    sent: dict[str, list[Sent]] = {number: [] for number in ledger.invoices}
    for day in days:
        for number, reminder in ledger.run(day):
            sent[number].append(reminder)
    return sent


def test_a_run_each_day_sends_what_the_rule_says(tmp_path: Path) -> None:
    ledger = Generated(tmp_path, count=45, seed=7)
    sent = sent_by(ledger, DAYS)
    assert sent == ledger.expected(DAYS)
    assert {step for found in sent.values() for _, _, step, _ in found} == set(range(len(STEPS)))


def test_a_run_after_twenty_missed_days_catches_up_one_step_each(tmp_path: Path) -> None:
    ledger = Generated(tmp_path, count=45, seed=7)
    days = [*DAYS[15:40], *DAYS[60:66]]
    sent = sent_by(ledger, days)
    assert sent == ledger.expected(days)
    caught_up = [found for found in sent.values() for day, *_ in found if day == DAYS[60]]
    every_day = ledger.expected(DAYS[15:61])
    assert len(caught_up) > sum(day == DAYS[60] for found in every_day.values() for day, *_ in found) + 5
