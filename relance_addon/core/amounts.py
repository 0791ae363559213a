"""Amounts as text, with the digits of their currency."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache


def amount(value: Decimal, currency: str) -> str:
    """An amount as a decimal string with the currency's digits."""
    return f"{value.quantize(_unit(currency), ROUND_HALF_UP):f}"


@lru_cache(maxsize=256)
def _unit(currency: str) -> Decimal:
    from babel.numbers import get_currency_precision

    return Decimal(1).scaleb(-get_currency_precision(currency))
