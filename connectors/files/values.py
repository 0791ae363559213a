"""Texts of cells to values. Each function raises ValueError with words for the person who can mend the cell."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal, TypeVar

from relance_addon.core import toml
from relance_addon.core.model import STATUSES, Address, Status, is_email, parse_address

T = TypeVar("T")

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_BLANKS: Final = " \u00a0\u202f"
_WHOLE: Final = rf"(?:\d{{1,3}}(?:[{_BLANKS}]\d{{3}})+|\d+)"
_AMOUNTS: Final = {
    mark: re.compile(rf"[+-]?(?:{_WHOLE}(?:{re.escape(mark)}\d*)?|{re.escape(mark)}\d+)", re.ASCII) for mark in ".,"
}
_PLAIN = re.compile(r"-?\d{1,12}(?:\.\d{1,6})?", re.ASCII)
_BLANK = re.compile(rf"[{_BLANKS}]")
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_LINK = re.compile(r"https?://[^\s/?#\"<>\0-\x1f\x7f]+[^\s\"<>\0-\x1f\x7f]*", re.IGNORECASE)
_DIGITS: Final = 15
_DECIMALS: Final = 10
_YEARS: Final = range(1900, 3000)
_KEPT: Final = 65_536


class Cache(dict[str, T]):
    """Values by their text, parsed once each; what cannot be parsed raises every time. Forgets all when full."""

    def __init__(self, parse: Callable[[str], T]) -> None:
        super().__init__()
        self.parse = parse

    def __missing__(self, text: str) -> T:
        value = self.parse(text)
        if len(self) >= _KEPT:
            self.clear()
        self[text] = value
        return value


def day_in(form: str) -> Callable[[str], date | None]:
    """A reader of days in a strptime form (empty: ISO, strictly); blank is None."""

    def parse(text: str) -> date | None:
        text = text.strip()
        if not text:
            return None
        day = _iso(text) if not form else _formed(text, form)
        if day.year not in _YEARS:
            raise ValueError(f"{text!r} is no plausible date")
        return day

    return parse


def hold_in(form: str) -> Callable[[str], date | None]:
    """A reader of the last day of a hold: a day, ``always`` (date.max), or blank for none."""

    def parse(text: str) -> date | None:
        text = text.strip()
        if not text:
            return None
        if text.lower() == "always":
            return date.max
        try:
            return _iso(text) if not form else _formed(text, form)
        except ValueError as error:
            raise ValueError(f"{error}, nor always") from None

    return parse


def _iso(text: str) -> date:
    match = _ISO.fullmatch(text)
    try:
        if match:
            return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        pass
    raise ValueError(f"{text!r} is no date (YYYY-MM-DD)")


def _formed(text: str, form: str) -> date:
    try:
        return datetime.strptime(text, form).date()  # noqa: DTZ007 - a calendar day has no zone
    except ValueError:
        raise ValueError(f"{text!r} is no date ({form})") from None


def amount_in(mark: Literal[".", ","]) -> Callable[[str], Decimal | None]:
    """A reader of amounts with this decimal mark; blanks (no-break and narrow ones too) part thousands.

    No exponent, currency sign or other mark. Blank is None.
    """
    match, other = _AMOUNTS[mark].fullmatch, {".": ",", ",": "."}[mark]
    plain = _PLAIN.fullmatch

    def parse(text: str) -> Decimal | None:
        if mark == "." and plain(text):
            return Decimal(text)
        text = text.strip()
        if not text:
            return None
        if not match(text):
            hint = f': the decimal mark is "{mark}" (decimal = "{other}" changes it)' if other in text else ""
            raise ValueError(f"{text!r} is no amount{hint}")
        digits = _BLANK.sub("", text).replace(mark, ".")
        whole, _, decimals = digits.lstrip("+-").partition(".")
        if len(whole.lstrip("0")) > _DIGITS or len(decimals) > _DECIMALS:
            raise ValueError(f"{text!r} is no plausible amount")
        return Decimal(digits)

    return parse


def currency_or(default: str) -> Callable[[str], str]:
    """A reader of currency codes, in upper case; blank is ``default``."""

    def parse(text: str) -> str:
        text = text.strip()
        if not text:
            return default
        if not _CURRENCY.fullmatch(text):
            raise ValueError(f"{text!r} is no currency (three letters)")
        return text.upper()

    return parse


def status(text: str) -> Status:
    """The status of that name, in any case; blank is open."""
    name = text.strip().lower()
    if not name:
        return "open"
    for known in STATUSES:
        if name == known:
            return known
    raise ValueError(
        f"unknown status {text.strip()!r}{toml.nearest(name, STATUSES) or '; known: ' + ', '.join(STATUSES)}"
    )


def person(text: str) -> Address | None:
    """A mail address with a name or not; blank is None."""
    return parse_address(text) if text.strip() else None


def email(text: str) -> str:
    """A bare mail address (a display name around it is dropped); blank stays blank."""
    bare = text.strip()
    if not bare or is_email(bare):
        return bare
    return parse_address(text).email


def link(text: str) -> str:
    """An absolute http(s) URL; blank stays blank."""
    url = text.strip()
    if url and not _LINK.fullmatch(url):
        raise ValueError(f"{url!r} is no http:// or https:// link")
    return url


def line(text: str) -> str:
    """A text on one line, without blanks around it."""
    text = text.strip()
    return text if text.isprintable() else " ".join(text.split())


def identifier(text: str) -> str:
    """An id: something printable on one line."""
    text = text.strip()
    if not text:
        raise ValueError("missing")
    if not text.isprintable():
        raise ValueError(f"{text!r} is no id: it has a line break or a character that cannot be shown")
    return text


def words(text: str) -> tuple[str, ...]:
    """Words separated by blanks, each once."""
    return tuple(dict.fromkeys(text.split()))


def credit_in(amount: Callable[[str], Decimal | None], currency: str) -> Callable[[str], dict[str, Decimal]]:
    """A reader of a client's credit: an amount (in ``currency``), or an amount and a currency. Only above zero."""

    def parse(text: str) -> dict[str, Decimal]:
        text = text.strip()
        number, _, code = text.rpartition(" ") if text[-1:].isalpha() else (text, "", currency)
        value = amount(number)
        if value is None and text:
            raise ValueError(f"{text!r} is no amount, nor amount and currency")
        if not _CURRENCY.fullmatch(code):
            raise ValueError(f"{code!r} is no currency (three letters)")
        return {code.upper(): value} if value is not None and value > 0 else {}

    return parse
