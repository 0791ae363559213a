"""A host's values as ours. Each function raises ValueError, saying why, for what it cannot use."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from relance_addon.core.model import Address, is_email, parse_address
from relance_addon.hosts.mapping import plain


def text(value: Any) -> str:
    """Text without the blanks around it; nothing is empty."""
    return plain(value).strip()


def amount(value: Any) -> Decimal:
    """An amount. A floating-point number, as JSON has them, is exact to more digits than any currency has."""
    if isinstance(value, bool) or value is None:
        raise ValueError("no amount")
    if isinstance(value, float):
        return Decimal(repr(round(value, 6)))
    try:
        return Decimal(text(value))
    except ArithmeticError:
        raise ValueError(f"{text(value)!r} is no amount") from None


def day(value: Any) -> date | None:
    """A day; of a date and time its day, of nothing None."""
    return _day(text(value)[:10])


@lru_cache(maxsize=4096)
def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said) if said else None
    except ValueError:
        raise ValueError(f"{said!r} is no date") from None


def hold(value: Any) -> date | None:
    """The last day of a hold: a date, or a box that is ticked for good."""
    if isinstance(value, bool) or value is None:
        return date.max if value else None
    return date.max if text(value) == "always" else day(value)


def addresses(value: Any) -> list[Address]:
    """The usable addresses in an e-mail field, where people also write several of them, or one with its name."""
    found = []
    for part in re.split(r"[,;\n]", text(value)):
        try:
            found.append(parse_address(part))
        except ValueError:
            continue
    return found


def email(value: Any) -> str:
    """The first usable address in an e-mail field, or nothing."""
    return next((one.email for one in addresses(value)), "")


def person(value: Any) -> Address | None:
    """``Name <address>``, whatever characters the name has; None without a usable address."""
    return _person(text(value))


@lru_cache(maxsize=1024)
def _person(said: str) -> Address | None:
    name, _, bare = said.rpartition("<")
    bare = bare.rstrip("> ")
    return Address(re.sub(r'[<>"\s]+', " ", name).strip(), bare) if is_email(bare) else None


def words(value: Any) -> tuple[str, ...]:
    """A list of texts, each once; one text is a list by itself."""
    values = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(word for word in map(text, values) if word))
