"""A number of days, weeks or months between a date and a step."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any, NamedTuple

from dateutil.relativedelta import relativedelta

_TEXT = re.compile(r"\s*([+-]?\d{1,5})\s*(day|week|month)s?\s*\Z")
_LIMIT = 36500


class Offset(NamedTuple):
    """``days`` or ``months``, the other being 0; weeks are seven days."""

    days: int = 0
    months: int = 0

    @classmethod
    def parse(cls, value: Any) -> Offset:
        """Read 3, "2 weeks" or "-1 month". Raises ValueError saying what is expected."""
        if isinstance(value, cls):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            offset = cls(days=value)
        else:
            found = _TEXT.match(value) if isinstance(value, str) else None
            if not found:
                shown = repr(value) if isinstance(value, str) else str(value).lower()
                raise ValueError(f'{shown} is no number of days, nor text such as "2 weeks" or "-1 month"')
            count = int(found[1])
            offset = {"day": cls(count), "week": cls(7 * count), "month": cls(0, count)}[found[2]]
        if abs(offset.days) + 31 * abs(offset.months) > _LIMIT:
            raise ValueError("more than a hundred years")
        return offset

    def after(self, day: date) -> date:
        """The day this far after ``day``; months are clipped to the month's end, all to the calendar's ends."""
        if not self.months:
            return shifted(day, timedelta(days=self.days))
        try:
            return day + relativedelta(months=self.months)
        except ValueError:
            return date.max if self.months > 0 else date.min

    def __str__(self) -> str:
        count, unit = (self.months, "month") if self.months else (self.days, "day")
        return f"{count} {unit}{'' if abs(count) == 1 else 's'}"


def shifted(day: date, by: timedelta) -> date:
    """``day`` moved ``by``, stopping at the first and last day there is: hosts write "never" as 9999-12-31."""
    try:
        return day + by
    except OverflowError:
        return date.max if by > timedelta() else date.min
