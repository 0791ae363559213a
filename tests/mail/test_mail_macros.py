"""Macros in subjects and bodies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_samples import TODAY, invoice, message

from relance_addon.core.errors import InputError
from relance_addon.mail.macros import MACROS, UnknownMacroError, expand
from relance_addon.mail.render import Renderer

Say = Callable[..., str]
SEVERAL = (
    invoice("17"),
    invoice(
        "18", due_date=date(2026, 9, 15), issue_date=date(2026, 8, 16), total=Decimal("980"), residual=Decimal("80.5")
    ),
    invoice("19", due_date=date(2026, 11, 10), currency="CHF", total=Decimal("300"), residual=Decimal("300")),
)


@pytest.mark.parametrize(
    ("macro", "french", "english"),
    [
        ("#REF#", "FA-0017", "FA-0017"),
        ("#CLIENT#", "Dupont SA", "Dupont SA"),
        ("#TOTAL#", "1\u202f200,00\xa0€", "€1,200.00"),
        ("#SOLDE#", "1\u202f200,00\xa0€", "€1,200.00"),
        ("#DATE#", "2 octobre 2026", "October 2, 2026"),
        ("#ECHEANCE#", "1 novembre 2026", "November 1, 2026"),
        ("#RETARD#", "20", "20"),
    ],
)
def test_every_macro_is_written_in_the_language_of_the_message(say: Say, macro: str, french: str, english: str) -> None:
    assert say(f"[{macro}]") == f"[{french}]"
    assert say(f"[{macro}]", language="en") == f"[{english}]"


@pytest.mark.parametrize(
    ("macro", "text"),
    [
        ("#REF#", "FA-0017, FA-0018, FA-0019"),
        ("#TOTAL#", "2\u202f180,00\xa0€ + 300,00\xa0CHF"),
        ("#SOLDE#", "1\u202f280,50\xa0€ + 300,00\xa0CHF"),
        ("#DATE#", "16 août 2026"),
        ("#ECHEANCE#", "15 septembre 2026"),
        ("#RETARD#", "67"),
    ],
)
def test_of_several_invoices_numbers_and_amounts_are_joined_and_dates_are_those_of_the_oldest_due(
    say: Say, macro: str, text: str
) -> None:
    assert say(f"[{macro}]", *SEVERAL) == f"[{text}]"


def test_currencies_have_their_own_digits(say: Say) -> None:
    assert say("#SOLDE#", invoice(currency="JPY", residual=Decimal("1200")), language="en") == "¥1,200"
    assert say("#SOLDE#", invoice(currency="TND", residual=Decimal("1.5")), language="en") == "TND1.500"


def test_days_late_are_negative_before_the_due_date(say: Say) -> None:
    assert say("#RETARD#", invoice(due_date=date(2026, 11, 28))) == "-7"


def test_the_payment_link_is_given_by_the_host_or_stands_on_the_invoice(renderer: Renderer) -> None:
    one = message([invoice(payment_link="https://pay.example/own")], body="#LIEN#", payment_link=True)
    assert renderer.render(one, TODAY, {}).text == "https://pay.example/own\n"
    assert renderer.render(one, TODAY, {"17": "https://pay.example/fresh"}).text == "https://pay.example/fresh\n"


def test_several_payment_links_are_one_a_line_the_oldest_due_first(renderer: Renderer) -> None:
    several = message(SEVERAL, body="#LIEN#", payment_link=True)
    links = {"17": "https://p.example/17", "18": "https://p.example/18", "19": "https://p.example/17"}
    assert renderer.render(several, TODAY, links).text == "https://p.example/18\nhttps://p.example/17\n"


def test_a_link_that_is_none_to_the_web_is_left_out(say: Say) -> None:
    assert say("[#LIEN#]", invoice(payment_link="javascript:alert(1)")) == "[]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("##", "#"),
        ("##REF##", "#REF#"),
        ("###REF#", "#FA-0017"),
        ("n# 12 and C#", "n# 12 and C#"),
        ("# REF #", "# REF #"),
        ("{{ '#REF#' }}", "#REF#"),
        ("{# #NOTHING# #}x", "x"),
        ("{% raw %}#NOTHING#{% endraw %}", "#NOTHING#"),
        ("{% if '#X#' %}#REF#{% endif %}", "FA-0017"),
        ('{{ "}} #X#" }}', "}} #X#"),
    ],
)
def test_a_double_sign_is_a_sign_and_a_lone_one_stays(say: Say, text: str, said: str) -> None:
    assert say(text) == said


def test_an_unknown_macro_names_the_nearest_and_its_line() -> None:
    with pytest.raises(UnknownMacroError, match=r"unknown macro #SODLE#; did you mean #SOLDE#\?") as caught:
        expand("a\nb #SODLE#")
    assert caught.value.line == 2
    with pytest.raises(UnknownMacroError, match="write ## for a #"):
        expand("#XYZZY#")


def test_an_unknown_macro_is_refused_where_a_message_is_rendered(renderer: Renderer) -> None:
    with pytest.raises(InputError, match=r"program 'p', step 's': subject: unknown macro #ref#; did you mean #REF#\?"):
        renderer.render(message(subject="#ref#", body="x"), TODAY, {})


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(["##", "#", "a", " ", "\n", "é", *(f"#{name}#" for name in MACROS)]), max_size=12))
def test_expanding_keeps_every_line_where_it_is(pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        assert expand(text).count("\n") == text.count("\n")
    except UnknownMacroError as error:
        assert "unknown macro" in str(error)
