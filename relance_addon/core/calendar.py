"""Working days: week-ends and public holidays of a country, from the package holidays."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from difflib import get_close_matches
from functools import lru_cache

CLIENT = "client"
"""The calendar that means: that of the client's own country."""
FAR = 200
"""Years from 2000 beyond which only week-ends count: hosts write "never" as the year 9999, laws do not reach it."""


class Calendar:
    """The working days of one country or subdivision; Monday to Friday when ``code`` names none that is known."""

    def __init__(self, code: str = "") -> None:
        self.code = code
        self._known: dict[date, bool] = {}
        self._holidays = None
        if code:
            import holidays

            country, _, subdivision = code.partition("-")
            # a country that the package does not know has no holidays, only weekends
            with suppress(NotImplementedError):
                self._holidays = holidays.country_holidays(country.upper(), subdiv=subdivision or None)

    def is_working(self, day: date) -> bool:
        """Whether people work on ``day``."""
        known = self._known.get(day)
        if known is None:
            far = abs(day.year - 2000) > FAR
            known = day.weekday() < 5 if far or self._holidays is None else self._holidays.is_working_day(day)
            self._known[day] = known
        return known

    def forward(self, day: date) -> date:
        """``day``, or the first working day after it."""
        while not self.is_working(day) and day < date.max:
            day += timedelta(days=1)
        return day

    def backward(self, day: date) -> date:
        """``day``, or the last working day before it."""
        while not self.is_working(day) and day > date.min:
            day -= timedelta(days=1)
        return day


@lru_cache(maxsize=512)
def named(code: str) -> Calendar:
    """The calendar of a code such as FR or FR-6AE, made once."""
    return Calendar(code)


def check(code: str) -> None:
    """Raises ValueError unless ``code`` is a country, or country and subdivision, that the package holidays knows."""
    import holidays

    country, dash, subdivision = code.partition("-")
    supported = holidays.list_supported_countries(include_aliases=True)
    if country not in supported:
        near = get_close_matches(country.upper(), supported, 1)
        raise ValueError(f"no calendar for {code!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    if dash and subdivision not in supported[country]:
        raise ValueError(f"{country} has no subdivision {subdivision!r}; it has {', '.join(supported[country])}")
