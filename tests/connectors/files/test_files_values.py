"""Cells to values: what is read, and what is refused with which words."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relance_addon.connectors.files import values

AMOUNTS = st.decimals(min_value=-(10**12), max_value=10**12, places=2)
DAYS = st.dates(date(1900, 1, 1), date(2999, 12, 31))
SPACES = st.sampled_from(["", " ", "\u00a0", "\u202f"])


def grouped(amount: Decimal, mark: str, space: str) -> str:
    return f"{amount:,f}".replace(",", "_").replace(".", mark).replace("_", space)


@given(AMOUNTS, st.sampled_from([".", ","]), SPACES)
def test_an_amount_is_read_as_it_was_written(amount: Decimal, mark: str, space: str) -> None:
    read = values.amount_in(mark)(grouped(amount, mark, space))  # type: ignore[arg-type]
    assert read == amount


@given(DAYS, st.sampled_from(["", "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d"]))
def test_a_day_is_read_as_it_was_written(day: date, form: str) -> None:
    text = day.isoformat() if not form else day.strftime(form)
    assert values.day_in(form)(f" {text} ") == day


@given(st.text(max_size=12))
def test_any_text_is_a_value_or_refused_in_words(text: str) -> None:
    readers = [
        values.amount_in("."), values.amount_in(","), values.day_in(""), values.day_in("%d/%m/%Y"), values.hold_in(""),
        values.currency_or("EUR"), values.status, values.person, values.email, values.link, values.identifier,
        values.line, values.words, values.credit_in(values.amount_in("."), "EUR"),
    ]  # fmt: skip
    for read in readers:
        try:
            read(text)
        except ValueError as error:
            assert str(error)
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("12", "12"), ("12.5", "12.5"), ("-12.50", "-12.50"), ("+3", "3"), (".5", "0.5"), ("5.", "5"),
        ("1 200.50", "1200.50"), ("1\u00a0200\u00a0300", "1200300"), ("1\u202f200", "1200"), ("  7 ", "7"), ("0", "0"),
        ("-0.00", "0"), ("123456789012345.12", "123456789012345.12"),
    ],
)  # fmt: skip
def test_amounts_that_are_read(text: str, amount: str) -> None:
    assert values.amount_in(".")(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    [
        "1e3", "1E3", "NaN", "nan", "Infinity", "-inf", "12 €", "€12", "EUR 12", "12,50", "1,200.50", "1.200,50",
        "1'200",        "1_200", "--1", "1-", "- 1", "1.2.3", ".", "-", "12 50", "1 2", "1200 300",
        "٣٤", "1\t200", "0x10", "1/2",
        "1" * 16, "0.12345678901", "=1+1",
    ],
)  # fmt: skip
def test_amounts_that_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no (plausible )?amount"):
        values.amount_in(".")(text)


def test_the_other_decimal_mark_is_named() -> None:
    with pytest.raises(ValueError, match='decimal = ","'):
        values.amount_in(".")("12,50")
    with pytest.raises(ValueError, match=r'decimal = "\."'):
        values.amount_in(",")("12.50")


@pytest.mark.parametrize(
    "text",
    ["2026-02-30", "2026-13-01", "2026-2-3", "20260203", "03/02/2026", "2026-02-03T00:00", "26-02-03", "０２",
     "tomorrow",
     "0001-01-01", "9999-12-31", "٢٠٢٦-٠٢-٠٣"],
)  # fmt: skip
def test_days_that_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no (plausible )?date"):
        values.day_in("")(text)


def test_a_day_in_another_form_names_the_form() -> None:
    assert values.day_in("%m/%d/%Y")("2/1/2013") == date(2013, 2, 1)
    with pytest.raises(ValueError, match="%m/%d/%Y"):
        values.day_in("%m/%d/%Y")("13/1/2013")


def test_a_hold_lasts_until_a_day_or_always() -> None:
    hold = values.hold_in("")
    assert (hold("2026-12-24"), hold("Always"), hold("9999-12-31"), hold(" ")) == (
        date(2026, 12, 24), date.max, date.max, None,
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"'never' is no date \(YYYY-MM-DD\), nor always"):
        hold("never")


@pytest.mark.parametrize(
    ("text", "credit"),
    [
        ("", {}), ("0", {}), ("-5", {}), ("12.50", {"EUR": Decimal("12.50")}), ("12.50 usd", {"USD": Decimal("12.50")}),
        ("1 200.50 USD", {"USD": Decimal("1200.50")}), ("0.00 USD", {}),
    ],
)  # fmt: skip
def test_a_credit_is_an_amount_or_an_amount_and_a_currency(text: str, credit: dict[str, Decimal]) -> None:
    assert values.credit_in(values.amount_in("."), "EUR")(text) == credit


@pytest.mark.parametrize("text", ["USD", "12 EURO", "12€", "a lot", "12 USD 3"])
def test_credits_that_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no (amount|currency)"):
        values.credit_in(values.amount_in("."), "EUR")(text)


@pytest.mark.parametrize(
    "text",
    ["ftp://x.example/", "javascript:alert(1)", "www.x.example", "https://", "http:///x", "https://x y", '<a href="">'],
)
def test_links_that_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no http"):
        values.link(text)


@pytest.mark.parametrize("text", ["https://pay.example/17?x=1&y=%20#z", "HTTP://x.example", "https://zażółć.example/é"])
def test_links_that_are_taken(text: str) -> None:
    assert values.link(f" {text} ") == text


@pytest.mark.parametrize(
    "text", ["a@b@c", "a", "a@b\nBcc: c@d", "a b@c.example", "@b", "a@", "a@x.example, b@x.example"]
)
def test_addresses_that_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="address"):
        values.email(text)


def test_a_cache_parses_a_text_once_and_forgets_when_full(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    cache = values.Cache(lambda text: asked.append(text) or len(text))  # type: ignore[func-returns-value]
    assert [cache["ab"], cache["ab"], cache["c"]] == [2, 2, 1]
    assert asked == ["ab", "c"]
    monkeypatch.setattr(values, "_KEPT", 2)
    assert cache["ddd"] == 3
    assert dict(cache) == {"ddd": 3}
