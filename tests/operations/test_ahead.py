"""Texts made ahead are those of the very messages that were begun, and of no others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from relance_addon.core.errors import InputError
from relance_addon.core.group import Message
from relance_addon.mail.render import Rendered
from relance_addon.operations.ahead import Ahead


def message(number: int, link: bool = False) -> Message:
    return cast(Message, SimpleNamespace(number=number, step=SimpleNamespace(payment_link=link)))


def render(one: Any) -> Rendered:
    if one.number == 13:
        raise InputError("says nothing")
    return Rendered(f"subject {one.number}", "text", "html")


def test_a_message_that_was_begun_has_its_text_and_one_that_was_made_anew_has_none() -> None:
    begun = message(1)
    with Ahead(render) as ahead:
        ahead.begin([begun])
        assert ahead.text(message(1)) is None, "the same number, but another message"
        assert ahead.text(begun) == Rendered("subject 1", "text", "html")
        ahead.begin([message(2)])
        assert ahead.text(begun) is None, "texts of earlier ones are forgotten"


def test_what_needs_a_link_or_cannot_be_rendered_is_left_to_whoever_composes_it() -> None:
    linked, wrong, fine = message(1, link=True), message(13), message(2)
    with Ahead(render) as ahead:
        assert ahead.text(fine) is None, "nothing was begun"
        ahead.begin([linked, wrong, fine])
        assert [bool(ahead.text(one)) for one in (linked, wrong, fine)] == [False, False, True]
