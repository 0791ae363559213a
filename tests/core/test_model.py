"""Order of ids, addresses, offsets and working days."""

from __future__ import annotations

from datetime import date

import pytest
from core_samples import on

from relance_addon.core import calendar
from relance_addon.core.model import Address, is_email, natural, parse_address
from relance_addon.core.offset import Offset


def test_digits_in_ids_compare_as_numbers() -> None:
    ids = ["C10", "10", "C2", "9", "", "A-2-b", "A-10-a", "017", "17"]
    assert sorted(ids, key=natural) == ["", "9", "10", "017", "17", "A-2-b", "A-10-a", "C2", "C10"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@x.example", Address("", "a@x.example")),
        (" a@x.example ", Address("", "a@x.example")),
        ("Ann Roux <ann@x.example>", Address("Ann Roux", "ann@x.example")),
        ('"Roux, Ann" <ann@x.example>', Address("Roux, Ann", "ann@x.example")),
        ("<ann@x.example>", Address("", "ann@x.example")),
        ("Société Écrou <a@x.example>", Address("Société Écrou", "a@x.example")),
    ],
)
def test_an_address(text: str, expected: Address) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "n/a", "a@", "@x.example", "a@x@y", "a b@x.example", "a@x.example, b@x.example", "a@x..example",
     "Ann <a@x.example>\nBcc: b@x.example", "a@x.example\r\n", "Ann <a@x.example> <b@x.example>", "a@" + "x" * 260],
)  # fmt: skip
def test_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="address"):
        parse_address(text)
    assert not is_email(text)


@pytest.mark.parametrize(
    ("offset", "day", "expected"),
    [
        (Offset(3), "2026-02-26", "2026-03-01"),
        (Offset(-3), "2026-03-01", "2026-02-26"),
        (Offset(months=1), "2026-01-31", "2026-02-28"),
        (Offset(months=-1), "2026-03-31", "2026-02-28"),
        (Offset(months=12), "2024-02-29", "2025-02-28"),
        (Offset(3), "9999-12-30", "9999-12-31"),
        (Offset(months=1), "9999-12-15", "9999-12-31"),
        (Offset(-3), "0001-01-02", "0001-01-01"),
        (Offset(months=-1), "0001-01-15", "0001-01-01"),
    ],
)
def test_an_offset(offset: Offset, day: str, expected: str) -> None:
    assert str(offset.after(on(day))) == expected


@pytest.mark.parametrize(
    ("code", "day", "works"),
    [
        ("FR", "2026-07-14", False),
        ("FR", "2026-07-15", True),
        ("FR", "2026-04-03", True),
        ("FR-6AE", "2026-04-03", False),
        ("FR-6AE", "2026-12-26", False),
        ("DE", "2026-10-03", False),
        ("GB", "2026-07-14", True),
        ("AE", "2026-07-12", False),
        ("IT-Barletta", "2026-12-30", False),
        ("", "2026-07-14", True),
        ("", "2026-07-12", False),
        ("nowhere", "2026-07-14", True),
        ("FR", "9999-12-31", True),
    ],
)
def test_a_working_day(code: str, day: str, works: bool) -> None:
    assert calendar.named(code).is_working(on(day)) is works


def test_the_working_days_around_a_bridge() -> None:
    french = calendar.named("FR")
    assert french.forward(on("2026-05-08")) == date(2026, 5, 11)
    assert french.backward(on("2026-05-10")) == date(2026, 5, 7)


@pytest.mark.parametrize("code", ["FR", "FR-6AE", "DE-BY", "IT-Barletta"])
def test_a_calendar_that_there_is(code: str) -> None:
    calendar.check(code)
