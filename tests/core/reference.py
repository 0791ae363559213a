"""The contract's "When a step is due", written a second time, slowly, from its text alone.

Nothing here comes from the package: dates are plain dates, steps are (kind, count, unit), the French holidays of
2026 stand as a list. One invoice, one program, no edits: a run on each given day says which step it sends.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

HOLIDAYS = {
    date(2026, month, day)
    for month, day in [
        (1, 1), (4, 6), (5, 1), (5, 8), (5, 14), (5, 25), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25),
    ]
}  # fmt: skip
ONE = timedelta(days=1)


def works(day: date) -> bool:
    return day.weekday() < 5 and day not in HOLIDAYS


@dataclass(frozen=True)
class RefStep:
    """``kind`` is D, I or P; ``unit`` is d, w or m."""

    kind: str
    count: int
    unit: str = "d"

    def after(self, day: date) -> date:
        if self.unit != "m":
            return day + timedelta(days=self.count * (7 if self.unit == "w" else 1))
        months = day.year * 12 + day.month - 1 + self.count
        year, month = divmod(months, 12)
        return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))

    @property
    def courtesy(self) -> bool:
        return self.kind == "D" and self.count < 0


@dataclass(frozen=True)
class RefInvoice:
    """``instalments`` are (due date, amount, day it is paid or None); one for an invoice without instalments."""

    issue: date
    instalments: Sequence[tuple[date, Decimal, date | None]]
    steps: Sequence[RefStep]
    dropped: frozenset[int] = frozenset()
    hand_dates: dict[int, date] = field(default_factory=dict)
    messages: Sequence[date] = ()
    after_manual: int = 7
    french: bool = False

    def run(self, days: Sequence[date]) -> list[tuple[date, int, int, Decimal]]:
        """Day, instalment from 1, step from 0, and what is asked, of every reminder that runs on ``days`` send."""
        sent: list[tuple[date, int, int, Decimal]] = []
        for today in days:
            open_ones = [
                (rank, due, amount)
                for rank, (due, amount, paid) in enumerate(sorted(self.instalments, key=lambda one: one[0]), 1)
                if paid is None or paid > today
            ]
            for rank, due, amount in open_ones:
                found = self.next(rank, due, sent, today)
                if found is None:
                    continue
                number, when = found
                asked = sum((one[2] for one in open_ones if one[1] <= today), Decimal()) or amount
                if when <= today and (works(today) or not self.french):
                    sent.append((today, rank, number, asked))
                break
        return sent

    def next(
        self, rank: int, due: date, all_sent: Sequence[tuple[date, int, int, Decimal]], today: date
    ) -> tuple[int, date] | None:
        issue = self.issue + (due - min(one[0] for one in self.instalments))
        base: list[date] = []
        for step in self.steps:
            base.append(step.after({"D": due, "I": issue}[step.kind] if step.kind != "P" else base[-1]))
        mine = [(number, day) for day, of, number, _ in all_sent if of == rank]
        j, s = max(mine) if mine else (-1, None)
        by_hand = [day for day in self.messages if day <= today]
        for k in range(j + 1, len(self.steps)):
            if k in self.dropped:
                continue
            chosen = self.hand_dates.get(k)
            if self.steps[k].courtesy and today >= due and (chosen is None or chosen < due):
                continue
            break
        else:
            return None
        if chosen is not None:
            before = [day for day, *_ in all_sent] + by_hand
            return k, max([chosen, *(day + ONE for day in before)])
        floor = date.min
        if s is None:
            when = base[k]
            if all_sent:
                floor = max(day for day, *_ in all_sent) + 7 * ONE
        elif all(step.kind == "P" for step in self.steps[j + 1 : k + 1]):
            when = s
            for step in self.steps[j + 1 : k + 1]:
                when = step.after(when)
        else:
            when = max(base[k], s + max(ONE, base[k] - base[j]))
        for day in by_hand:
            floor = max(floor, day + self.after_manual * ONE)
        when = max(when, floor)
        if self.french and not works(when):
            earlier = when
            while not works(earlier):
                earlier -= ONE
            if self.steps[k].courtesy and earlier >= max(floor, s + ONE if s else date.min):
                return k, earlier
            while not works(when):
                when += ONE
        return k, when
