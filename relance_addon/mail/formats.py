"""Amounts and dates as a language writes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal


class Formats:
    """How one language writes amounts and dates (currency format; date format ``long``)."""

    def __init__(self, locale: Locale) -> None:
        self.locale = locale
        self._money: dict[tuple[str, str], str] = {}
        self._days: dict[date, str] = {}

    def money(self, amount: Any, currency: str = "") -> str:
        """An amount in a currency; or amounts by currency, joined by " + "."""
        if isinstance(amount, Mapping):
            return " + ".join(self.money(part, code) for code, part in amount.items())
        if isinstance(amount, bool) or not isinstance(amount, (int, float, Decimal)):
            raise TypeError("money takes an amount and its currency, such as money(invoice.total, invoice.currency)")
        if not isinstance(currency, str) or not 0 < len(currency) <= 10:
            raise TypeError("money takes the currency after the amount, such as money(invoice.total, invoice.currency)")
        key = (str(amount), currency)
        text = self._money.get(key)
        if text is None:
            self._forget(self._money)
            text = self._money[key] = format_currency(amount, currency, locale=self.locale)
        return text

    def day(self, day: Any) -> str:
        """A date in its long form; nothing for None."""
        if day is None:
            return ""
        if not isinstance(day, date):
            raise TypeError("date takes a date, such as date(invoice.due_date)")
        text = self._days.get(day)
        if text is None:
            self._forget(self._days)
            text = self._days[day] = format_date(day, "long", locale=self.locale)
        return text

    def written(self, value: Any) -> str:
        """A date or a bare number as it is written where no format is asked for."""
        return self.day(value) if isinstance(value, date) else format_decimal(value, "#,##0.00##", locale=self.locale)

    @staticmethod
    def _forget(cache: dict[Any, str]) -> None:
        if len(cache) >= 10_000:
            cache.clear()


@lru_cache(maxsize=64)
def formats(language: str, default: str = "fr") -> Formats:
    """The formats of a language (``fr`` or ``fr_CH``), of ``default`` when nobody knows it."""
    for code in (language, language[:2], default):
        try:
            return Formats(Locale.parse(code.replace("-", "_")))
        except (UnknownLocaleError, ValueError, TypeError):
            continue
    return Formats(Locale.parse("en"))
